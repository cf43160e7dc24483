import type { Measure, Observation, Track } from '@dankai/analysis'
import type { Metric } from '@dankai/plan'
import { measureOf } from './measure.ts'
import { createMetricTimeline, type WorldValue } from './metric-timeline.ts'

/** One metric on one track: its value over time, as buckets or as samples that come by themselves. */
export class MetricLane {
  readonly metric: Metric
  readonly track: Track
  /** null: samples come one by one, as reports by people and results of jobs do. */
  readonly bucketMs: number | null
  /** Start of the first whole bucket of the simulation. */
  readonly firstBucket: number
  /** When the simulation began: daily samples keep its hour. */
  readonly #start: number
  readonly #timeline
  readonly #samples: { readonly at: number; readonly value: number }[] = []
  /** A value is turned into counts or a sketch once; observations share it. */
  readonly #measures = new Map<number, Measure>()

  constructor(metric: Metric, track: Track, good: number, start: number) {
    this.metric = metric
    this.track = track
    this.bucketMs = metric.source === 'people' ? null : metric.everyMs
    this.firstBucket = Math.ceil(start / (this.bucketMs ?? 1)) * (this.bucketMs ?? 1)
    this.#start = start
    this.#timeline = createMetricTimeline(good)
  }

  /** `readUntil`: what was read up to there is history, so a sample of that very moment comes just after it. */
  change(at: number, forMs: number | null, value: WorldValue, readUntil: number): void {
    const to = forMs === null ? null : at + forMs
    // A count is an impulse: so many events at once, then the steady rate again.
    const isImpulse = this.metric.measure.kind === 'count' && value !== 'no data'
    if (this.bucketMs === null) {
      this.addSample(at, value, readUntil)
      if (isImpulse) return
      this.#timeline.add({ from: at, to, value })
      if (to !== null) this.addSample(to, this.#timeline.valueAt(to), readUntil)
      return
    }
    const from = isImpulse ? Math.ceil(at / this.bucketMs) * this.bucketMs : at
    this.#timeline.add({ from, to: isImpulse ? from + this.bucketMs : to, value })
  }

  addSample(at: number, value: WorldValue, readUntil: number): void {
    if (value !== 'no data') this.#samples.push({ at: Math.max(at, readUntil + 1), value })
  }

  valueAt(at: number): WorldValue {
    return this.#timeline.valueAt(at)
  }

  edges(): Iterable<number> {
    return this.#timeline.edges()
  }

  /** Samples that come by themselves in (after, until]: one a day, and those that something brought about. */
  samplesIn(after: number, until: number): readonly { readonly at: number; readonly value: number }[] {
    const samples = this.#samples.filter(sample => sample.at > after && sample.at <= until)
    for (let at = this.#dayAfter(after); at <= until; at += dayMs) {
      const value = this.valueAt(at)
      if (value !== 'no data') samples.push({ at, value })
    }
    return samples.sort((a, b) => a.at - b.at)
  }

  nextSample(after: number): number {
    return this.#samples.reduce((next, { at }) => (at > after && at < next ? at : next), this.#dayAfter(after))
  }

  observe(start: number, buckets: number, value: number): Observation {
    return {
      metric: this.metric.name,
      track: this.track,
      start,
      lengthMs: this.bucketMs ?? 0,
      buckets,
      measure: this.#measureOf(value),
      open: false,
    }
  }

  #dayAfter(after: number): number {
    return this.#start + (Math.floor((after - this.#start) / dayMs) + 1) * dayMs
  }

  #measureOf(value: number): Measure {
    const known = this.#measures.get(value)
    if (known) return known
    const measure = measureOf(this.metric, value)
    this.#measures.set(value, measure)
    return measure
  }
}

const dayMs = 86_400_000
