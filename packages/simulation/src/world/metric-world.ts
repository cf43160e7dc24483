import type { Measure, Observation, Track } from '@dankai/analysis'
import type { CompiledPlan, Metric } from '@dankai/plan'
import type { GoodValues } from './good-values.ts'
import { measureOf } from './measure.ts'
import { createMetricTimeline, type MetricTimeline, type WorldValue } from './metric-timeline.ts'

/**
 * What every metric of a plan measures, on every track, at any time: the source of observations of a simulation.
 *
 * Invariants
 *  1. A bucket has the value that holds at its start, so a change is seen from the first whole bucket after it.
 *  2. The canary track has data only while the change is exposed (or shadowed).
 *  3. `events` and `full` fidelity say the same: the second is the first with every run cut into single buckets.
 *  4. An observation is given once per cursor, when it arrives: at the end of its bucket, later when it is delayed.
 *  5. A count is given as impulses: so many events in one bucket, then the steady rate (usually none) again.
 */
export interface MetricWorld {
  change(change: WorldChange): void
  /** Called whenever the real exposure changes between nobody and somebody. */
  setExposed(exposed: boolean, at: number): void
  /** Buckets that start in [from, to) arrive `byMs` later than they end. */
  delay(delay: { readonly from: number; readonly to: number; readonly byMs: number }): void
  /** Everything that arrived after `after`, up to and including `until`, in event order per metric and track. */
  read(after: number, until: number): readonly Observation[]
  /**
   * Next moment at which what is measured may read differently from what was read before: ends of the buckets around
   * every change. null while everything goes on as it is; then the evidence itself says when to look.
   */
  nextLook(after: number): number | null
  /** The next moment at which any bucket ends or a sample comes. */
  nextBucketEnd(after: number): number | null
  valueAt(metric: string, track: Track, at: number): WorldValue
}

export interface WorldChange {
  readonly metric: string
  /** null = every track: the trouble is everybody's. */
  readonly track: Track | null
  readonly at: number
  readonly forMs: number | null
  readonly value: WorldValue
}

export interface MetricWorldOptions {
  readonly plan: CompiledPlan
  readonly good: GoodValues
  readonly start: number
  readonly fidelity: 'events' | 'full'
}

export function createMetricWorld(options: MetricWorldOptions): MetricWorld {
  const lanes = Object.values(options.plan.metrics).flatMap(metric => lanesOf(metric, options))
  const byMetric = Map.groupBy(lanes, lane => lane.metric.name)
  const exposure = createMetricTimeline(0)
  const delays: Delay[] = []
  let readUntil = options.start

  return {
    change(change) {
      for (const name of namesToChange(options.plan, change.metric))
        for (const lane of byMetric.get(name) ?? [])
          if (change.track === null || change.track === lane.track) applyChange(lane, change, readUntil)
    },
    setExposed(exposed, at) {
      exposure.add({ from: at, to: null, value: exposed ? 1 : 0 })
      for (const lane of lanes) if (bucketMsOf(lane) === null) addSample(lane, at, lane.timeline.valueAt(at), readUntil)
    },
    delay(delay) {
      delays.push(delay)
    },
    read(after, until) {
      readUntil = Math.max(readUntil, until)
      const window = { after, until, start: options.start, delays, exposure, fidelity: options.fidelity }
      return lanes.flatMap(lane => (bucketMsOf(lane) === null ? readSamples(lane, window) : readBuckets(lane, window)))
    },
    nextLook(after) {
      return earliest(lanes.map(lane => nextLookAt(lane, exposure, delays, after)))
    },
    nextBucketEnd: after => nextBucketEnd(lanes, after),
    valueAt(metric, track, at) {
      const lane = byMetric.get(metric)?.find(each => each.track === track)
      return lane?.timeline.valueAt(at) ?? 'no data'
    },
  }
}

// ── Lanes: one per metric and track ─────────────────────────────────────────────────────────────────────────────────

interface Lane {
  readonly metric: Metric
  readonly track: Track
  readonly timeline: MetricTimeline
  /** When the simulation began: daily samples keep its hour. */
  readonly start: number
  /** Measures are shared between observations: a value is turned into a sketch once. */
  readonly measures: Map<number, Measure>
  /** `every: sample` only: scripted samples, in order. */
  readonly samples: { readonly at: number; readonly value: number }[]
}

interface Delay {
  readonly from: number
  readonly to: number
  readonly byMs: number
}

const dayMs = 86_400_000

function lanesOf(metric: Metric, options: MetricWorldOptions): readonly Lane[] {
  if (metric.measure.kind === 'highest') return []
  const good = options.good[metric.name] ?? 0
  return tracksOf(metric).map(track => ({
    metric,
    track,
    timeline: createMetricTimeline(good),
    start: options.start,
    measures: new Map(),
    samples: [],
  }))
}

/**
 * Users of both versions and all users together are always measured; the reference of another time only where the plan
 * names one. `all` speaks for the metric while nobody is exposed.
 */
function tracksOf(metric: Metric): readonly Track[] {
  return metric.baseline.kind === 'stable' ? ['canary', 'stable', 'all'] : ['canary', 'stable', 'all', 'baseline']
}

/** null: samples come one by one, as reports by people and results of jobs do. */
function bucketMsOf({ metric }: Lane): number | null {
  return metric.source === 'people' ? null : metric.everyMs
}

/** A script that moves the highest of several moves all of them: whichever is read shows it. */
function namesToChange(plan: CompiledPlan, name: string): readonly string[] {
  const measure = plan.metrics[name]?.measure
  return measure?.kind === 'highest' ? measure.of : [name]
}

function applyChange(lane: Lane, change: WorldChange, readUntil: number): void {
  const { measure } = lane.metric
  const everyMs = bucketMsOf(lane)
  const to = change.forMs === null ? null : change.at + change.forMs
  if (everyMs === null) {
    addSample(lane, change.at, change.value, readUntil)
    lane.timeline.add({ from: change.at, to, value: change.value })
    if (to !== null) addSample(lane, to, lane.timeline.valueAt(to), readUntil)
    return
  }
  if (measure.kind === 'count' && change.value !== 'no data') {
    const from = Math.ceil(change.at / everyMs) * everyMs
    lane.timeline.add({ from, to: from + everyMs, value: change.value })
    return
  }
  lane.timeline.add({ from: change.at, to, value: change.value })
}

/** What was read is history: a sample of this very moment comes with the next thing measured. */
function addSample(lane: Lane, at: number, value: WorldValue, readUntil: number): void {
  if (value !== 'no data') lane.samples.push({ at: Math.max(at, readUntil + 1), value })
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Window {
  readonly after: number
  readonly until: number
  readonly start: number
  readonly delays: readonly Delay[]
  readonly exposure: MetricTimeline
  readonly fidelity: 'events' | 'full'
}

function readBuckets(lane: Lane, window: Window): readonly Observation[] {
  const lengthMs = bucketMsOf(lane)!
  const reach = window.delays.reduce((most, delay) => Math.max(most, delay.byMs), 0)
  // First bucket that ends after the cursor (less what may arrive late), last one that has ended.
  const first = Math.max(
    Math.floor((window.after - reach) / lengthMs) * lengthMs,
    Math.ceil(window.start / lengthMs) * lengthMs,
  )
  const last = Math.floor(window.until / lengthMs) * lengthMs
  if (last <= first) return []
  return lane.timeline
    .spans(first, last)
    .flatMap(span =>
      span.value === 'no data'
        ? []
        : splitBySight(lane, span.from, span.to, window).flatMap(([from, to]) =>
            runsOf(lane, from, to, span.value as number, window),
          ),
    )
}

/** Parts of a span in which the track is measured at all. */
function splitBySight(lane: Lane, from: number, to: number, window: Window): readonly (readonly [number, number])[] {
  if (lane.track !== 'canary') return [[from, to]]
  return window.exposure.spans(from, to).flatMap(span => (span.value === 1 ? [[span.from, span.to] as const] : []))
}

/** Whole buckets that start in [from, to), those that arrived in the window only, as one run or one by one. */
function runsOf(lane: Lane, from: number, to: number, value: number, window: Window): readonly Observation[] {
  const lengthMs = bucketMsOf(lane)!
  const firstStart = Math.ceil(from / lengthMs) * lengthMs
  const endStart = Math.ceil(to / lengthMs) * lengthMs
  const edges = [
    firstStart,
    endStart,
    ...window.delays.flatMap(delay => [delay.from, delay.to]).map(at => Math.ceil(at / lengthMs) * lengthMs),
  ]
  const cuts = [...new Set(edges)].filter(at => at >= firstStart && at <= endStart).sort((a, b) => a - b)
  return cuts.slice(0, -1).flatMap((cut, index) => {
    const lateMs = lateness(window.delays, cut)
    const start = Math.max(cut, Math.floor((window.after - lateMs) / lengthMs) * lengthMs)
    const end = Math.min(cuts[index + 1]!, Math.floor((window.until - lateMs) / lengthMs) * lengthMs)
    return end <= start ? [] : observe(lane, start, Math.round((end - start) / lengthMs), value, window.fidelity)
  })
}

function observe(
  lane: Lane,
  start: number,
  buckets: number,
  value: number,
  fidelity: 'events' | 'full',
): readonly Observation[] {
  const lengthMs = bucketMsOf(lane)!
  const one = {
    metric: lane.metric.name,
    track: lane.track,
    start,
    lengthMs,
    buckets,
    measure: measureFor(lane, value),
    open: false,
  }
  if (fidelity === 'events' || buckets === 1) return [one]
  return Array.from({ length: buckets }, (_, index) => ({ ...one, start: start + index * lengthMs, buckets: 1 }))
}

function lateness(delays: readonly Delay[], start: number): number {
  return delays.find(delay => delay.from <= start && start < delay.to)?.byMs ?? 0
}

/** Buckets looked at one by one after a change: enough for a gap to be noticed by its absence. */
const watchedBuckets = 5
const watchedMsLeast = 60_000

/**
 * After a change of value, of exposure or of lateness every bucket end is looked at for a while; the first look beyond
 * that is the evidence's own affair. Samples that come by themselves are looked at when they come.
 */
function nextLookAt(lane: Lane, exposure: MetricTimeline, delays: readonly Delay[], after: number): number | null {
  const everyMs = bucketMsOf(lane)
  if (everyMs === null) return nextSampleAt(lane, after)
  const watchMs = Math.max(watchedBuckets * everyMs, watchedMsLeast)
  const edges = [...lane.timeline.edges(), ...(lane.track === 'canary' ? exposure.edges() : [])]
  const lateEdges = delays.flatMap(delay => [delay.from, delay.to, delay.to + delay.byMs])
  const end = (Math.floor(after / everyMs) + 1) * everyMs
  const next = [...edges, ...lateEdges].map(edge => {
    if (edge > after) return Math.max(end, (Math.floor(edge / everyMs) + 1) * everyMs)
    return after < edge + watchMs ? end : null
  })
  return earliest(next)
}

function nextSampleAt(lane: Lane, after: number): number | null {
  const day = lane.start + (Math.floor((after - lane.start) / dayMs) + 1) * dayMs
  return earliest([day, ...lane.samples.filter(sample => sample.at > after).map(sample => sample.at)])
}

function nextBucketEnd(lanes: readonly Lane[], after: number): number | null {
  return earliest(
    lanes.map(lane => {
      const everyMs = bucketMsOf(lane)
      return everyMs === null ? nextSampleAt(lane, after) : (Math.floor(after / everyMs) + 1) * everyMs
    }),
  )
}

/**
 * One sample a day at the hour the simulation began, one after each change of exposure (a new phase would wait for a
 * day otherwise), and one at each scripted time.
 */
function readSamples(lane: Lane, window: Window): readonly Observation[] {
  const daily: { readonly at: number; readonly value: WorldValue }[] = []
  const firstDay = Math.max(0, Math.floor((window.after - window.start) / dayMs))
  for (let at = window.start + firstDay * dayMs; at <= window.until; at += dayMs)
    if (at > window.after) daily.push({ at, value: lane.timeline.valueAt(at) })
  const scripted = lane.samples.filter(sample => sample.at > window.after && sample.at <= window.until)
  return [...daily, ...scripted]
    .filter(sample => sample.value !== 'no data' && isSeen(lane, sample.at, window))
    .sort((a, b) => a.at - b.at)
    .map(sample => ({
      metric: lane.metric.name,
      track: lane.track,
      start: sample.at,
      lengthMs: 0,
      buckets: 1,
      measure: measureFor(lane, sample.value as number),
      open: false,
    }))
}

function isSeen(lane: Lane, at: number, window: Window): boolean {
  return lane.track !== 'canary' || window.exposure.valueAt(at) === 1
}

function measureFor(lane: Lane, value: number): Measure {
  let measure = lane.measures.get(value)
  if (!measure) {
    measure = measureOf(lane.metric, value)
    lane.measures.set(value, measure)
  }
  return measure
}

export function earliest(times: readonly (number | null)[]): number | null {
  let first: number | null = null
  for (const time of times) if (time !== null && (first === null || time < first)) first = time
  return first
}
