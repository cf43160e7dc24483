import type { Metric } from '@dankai/plan'
import { gapMsOf } from './data-gap.ts'
import type { Measure, Observation, Track } from './observation.ts'
import { Quantiles, type QuantilesJson } from './quantiles.ts'
import type { SampleSequence, SequenceTrack } from './sample-sequence.ts'
import type { Part } from './sums.ts'
import type { OpenBucket } from './track-samples.ts'

/** More than two buckets are never open at once (10 s and 5 s lateness); the bound is for sources that lag. */
const openBucketsMax = 8

export interface TrackInput {
  readonly track: Track
  closedEnd: number
  open: readonly OpenBucket[]
  readonly readers: { readonly sequence: SampleSequence; readonly track: SequenceTrack }[]
}

/**
 * What arrives of one metric: order, lateness, open buckets, gaps.
 *
 * 1. Closed buckets of a track are passed on once each, in event order; one that begins before the last closed end is
 *    late: counted, never judged.
 * 2. A bucket in which nothing was measured (no request, no sample) is the same as no bucket. Absent is never zero.
 * 3. The metric is the canary's as soon as the canary has data, else that of all users.
 */
export class MetricInput {
  readonly metric: Metric
  readonly gapMs: number
  readonly tracks: Readonly<Record<Track, TrackInput>>
  primary: 'canary' | 'all' | null = null
  missingSince: number | null = null
  restoredAt: number | null = null
  lateBuckets = 0
  /** Since when some active term needs this metric; null while none does. */
  watchedFrom: number | null = null

  constructor(metric: Metric) {
    this.metric = metric
    this.gapMs = gapMsOf(metric)
    this.tracks = {
      canary: trackInput('canary'),
      stable: trackInput('stable'),
      all: trackInput('all'),
      baseline: trackInput('baseline'),
    }
  }

  /** End of the newest bucket the metric is judged by, open ones included up to `now`; null without data. */
  newestEnd(now: number): number | null {
    if (this.primary === null) return null
    const { closedEnd, open } = this.tracks[this.primary]
    let end = closedEnd
    for (const bucket of open) end = Math.max(end, Math.min(now, bucket.start + bucket.lengthMs))
    return end === Number.NEGATIVE_INFINITY ? null : end
  }

  /** Passes closed buckets on; `part` already holds their measure. Gives the number of buckets that were not late. */
  close(observation: Observation, part: Part): number {
    const input = this.tracks[observation.track]
    const { lengthMs } = observation
    let { start, buckets } = observation
    if (start < input.closedEnd) {
      const late = lengthMs > 0 ? Math.min(buckets, Math.ceil((input.closedEnd - start) / lengthMs)) : buckets
      this.lateBuckets += late
      start += late * lengthMs
      buckets -= late
      if (buckets === 0) return 0
    }
    input.closedEnd = start + lengthMs * buckets
    if (input.open.length > 0)
      showOpen(
        input,
        input.open.filter(bucket => bucket.start >= input.closedEnd),
      )
    for (const reader of input.readers) reader.sequence.deliver(reader.track, start, lengthMs, buckets, part)
    return buckets
  }

  /** Remembers provisional buckets in place of earlier ones with the same start. */
  keepOpen(observation: Observation): void {
    const input = this.tracks[observation.track]
    const { lengthMs, measure } = observation
    const starts = Array.from({ length: Math.min(observation.buckets, openBucketsMax) }, (_, back) => {
      return observation.start + lengthMs * (observation.buckets - 1 - back)
    })
    const kept = input.open.filter(bucket => !starts.includes(bucket.start))
    const added = starts.filter(start => start >= input.closedEnd).map(start => ({ start, lengthMs, measure }))
    const open = [...kept, ...added].sort((a, b) => a.start - b.start)
    showOpen(input, open.slice(-openBucketsMax))
  }

  toJSON(): MetricInputJson {
    const { primary, missingSince, restoredAt, lateBuckets, watchedFrom } = this
    return {
      question: JSON.stringify(this.metric),
      primary,
      missingSince,
      restoredAt,
      lateBuckets,
      watchedFrom: watchedFrom === null ? null : String(watchedFrom),
      tracks: Object.values(this.tracks).map(({ track, closedEnd, open }) => ({
        track,
        closedEnd: String(closedEnd),
        open: open.map(bucket => ({ ...bucket, measure: measureToJson(bucket.measure) })),
      })),
    }
  }

  restore(json: MetricInputJson): void {
    const { primary, missingSince, restoredAt, lateBuckets } = json
    Object.assign(this, { primary, missingSince, restoredAt, lateBuckets })
    this.watchedFrom = json.watchedFrom === null ? null : Number(json.watchedFrom)
    for (const saved of json.tracks) {
      const input = this.tracks[saved.track]
      input.closedEnd = Number(saved.closedEnd)
      const open = saved.open.map(bucket => ({ ...bucket, measure: measureFromJson(bucket.measure) }))
      if (open.length > 0) showOpen(input, open)
    }
  }
}

type MeasureJson =
  | Exclude<Measure, { kind: 'quantile' }>
  | { readonly kind: 'quantile'; readonly quantiles: QuantilesJson }

export interface MetricInputJson {
  /** The metric as it was defined: evidence restarts when its question changed. */
  readonly question: string
  readonly primary: 'canary' | 'all' | null
  readonly missingSince: number | null
  readonly restoredAt: number | null
  readonly lateBuckets: number
  readonly watchedFrom: string | null
  readonly tracks: readonly {
    readonly track: Track
    readonly closedEnd: string
    readonly open: readonly { readonly start: number; readonly lengthMs: number; readonly measure: MeasureJson }[]
  }[]
}

function trackInput(track: Track): TrackInput {
  return { track, closedEnd: Number.NEGATIVE_INFINITY, open: [], readers: [] }
}

function showOpen(input: TrackInput, open: readonly OpenBucket[]): void {
  input.open = open
  for (const reader of input.readers) reader.track.samples.open = open
}

function measureToJson(measure: Measure): MeasureJson {
  return measure.kind === 'quantile' ? { kind: 'quantile', quantiles: measure.quantiles.toJSON() } : measure
}

function measureFromJson(measure: MeasureJson): Measure {
  return measure.kind === 'quantile' ? { kind: 'quantile', quantiles: Quantiles.fromJSON(measure.quantiles) } : measure
}
