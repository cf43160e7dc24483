import type { Metric } from '@dankai/plan'
import { gapMsOf } from './data-gap.ts'
import { readMeasure, writeMeasure } from './measure-numbers.ts'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import type { Measure, Observation, Track } from './observation.ts'
import { Quantiles, type QuantilesJson } from './quantiles.ts'
import type { SampleSequence } from './sample-sequence.ts'
import type { SequenceTrack } from './sequence-track.ts'
import type { Part } from './sums.ts'
import type { OpenBucket } from './track-samples.ts'

/** More than two buckets are never open at once (10 s and 5 s lateness); the bound is for sources that lag. */
const openBucketsMax = 8

const noBuckets: readonly OpenBucket[] = []

interface TrackInput {
  readonly track: Track
  closedEnd: number
  open: readonly OpenBucket[]
}

interface TrackReader {
  readonly sequence: SampleSequence
  readonly track: SequenceTrack
}

/** The track a metric's value is read from. */
export type PrimaryTrack = Exclude<Track, 'baseline'>
const primaryTracks: readonly (PrimaryTrack | null)[] = [null, 'canary', 'stable', 'all']
const exposures: readonly MetricInput['exposure'][] = ['before', 'exposed', 'lowered']

/**
 * What arrives of one metric: order, lateness, open buckets, gaps.
 *
 * 1. Closed buckets of a track are passed on once each, in event order; one that begins before the last closed end is
 *    late: counted, never judged.
 * 2. A bucket in which nothing was measured (no request, no sample) is the same as no bucket. Absent is never zero.
 * 3. The value is read from one track, the primary: the canary's as soon as the canary has data, else that of all users.
 *    While somebody is exposed, all users do not speak for a metric that is measured on the stable version too: else a
 *    canary that died would look as well as everybody. Once exposure was taken back it is all users, else those on the
 *    stable version: that is how recovery is seen. What was seen of one track is forgotten when another becomes primary.
 */
export class MetricInput {
  readonly metric: Metric
  readonly gapMs: number
  readonly tracks: Readonly<Record<Track, TrackInput>>
  readonly baselineTrack: 'stable' | 'baseline'
  readonly valueReaders: TrackReader[] = []
  /** Those of them that do not compare with the baseline. */
  readonly absoluteReaders: TrackReader[] = []
  readonly baselineReaders: TrackReader[] = []
  primary: PrimaryTrack | null = null
  exposure: 'before' | 'exposed' | 'lowered' = 'before'
  /** Measured on the stable version too, so that the canary has to speak for itself. */
  isSplit = false
  missingSince: number | null = null
  restoredAt: number | null = null
  lateBuckets = 0
  /** Since when some active term needs this metric; null while none does. */
  watchedFrom: number | null = null

  constructor(metric: Metric) {
    this.metric = metric
    this.gapMs = gapMsOf(metric)
    this.baselineTrack = metric.baseline.kind === 'stable' ? 'stable' : 'baseline'
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

  /** Users on the stable version were measured: the metric can be split. */
  noteStable(): void {
    if (this.isSplit) return
    this.isSplit = true
    this.#checkPrimary()
  }

  /** Makes a track that has data the primary one if it comes first. True when it is the primary track. */
  offerPrimary(track: Track): boolean {
    if (track === this.primary) return true
    if (track === 'baseline' || this.#rank(track) <= this.#rank(this.primary)) return false
    this.#setPrimary(track)
    return true
  }

  setExposure(exposure: MetricInput['exposure']): void {
    this.exposure = exposure
    this.#checkPrimary()
  }

  /** Passes closed buckets on; `part` already holds their measure. */
  close(observation: Observation, part: Part): void {
    const { track } = observation
    const input = this.tracks[track]
    const { lengthMs } = observation
    let { start, buckets } = observation
    if (start < input.closedEnd) {
      const late = lengthMs > 0 ? Math.min(buckets, Math.ceil((input.closedEnd - start) / lengthMs)) : buckets
      this.lateBuckets += late
      start += late * lengthMs
      buckets -= late
      if (buckets === 0) return
    }
    input.closedEnd = start + lengthMs * buckets
    if (input.open.length > 0) this.#dropClosed(input)
    if (track === this.primary) deliver(this.#valueReaders(), start, lengthMs, buckets, part)
    if (track === this.baselineTrack) deliver(this.baselineReaders, start, lengthMs, buckets, part)
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
    this.#showOpen(input, open.slice(-openBucketsMax))
  }

  toJSON(): MetricInputJson {
    const { primary, exposure, isSplit, missingSince, restoredAt, lateBuckets, watchedFrom } = this
    return {
      question: JSON.stringify(this.metric),
      primary,
      exposure,
      isSplit,
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
    const { primary, exposure, isSplit, missingSince, restoredAt, lateBuckets } = json
    Object.assign(this, { primary, exposure, isSplit, missingSince, restoredAt, lateBuckets })
    this.watchedFrom = json.watchedFrom === null ? null : Number(json.watchedFrom)
    for (const saved of json.tracks) {
      const input = this.tracks[saved.track]
      input.closedEnd = Number(saved.closedEnd)
      const open = saved.open.map(bucket => ({ ...bucket, measure: measureFromJson(bucket.measure) }))
      this.#showOpen(input, open)
    }
  }

  writeTo(column: ColumnWriter): void {
    column.putOneOf(primaryTracks, this.primary)
    column.putOneOf(exposures, this.exposure)
    column.putFlag(this.isSplit)
    column.putOptional(this.missingSince)
    column.putOptional(this.restoredAt)
    column.put(this.lateBuckets)
    column.putOptional(this.watchedFrom)
    for (const track in this.tracks) writeTrackInput(this.tracks[track as Track], column)
    for (const { track } of this.valueReaders) column.putFlag(track.samples.open.length > 0)
  }

  /** Readers of the value that forgot what they saw of another track have no open buckets until they are shown some. */
  readFrom(column: ColumnReader): void {
    this.primary = column.oneOf(primaryTracks)
    this.exposure = column.oneOf(exposures)
    this.isSplit = column.flag()
    this.missingSince = column.optional()
    this.restoredAt = column.optional()
    this.lateBuckets = column.number()
    this.watchedFrom = column.optional()
    for (const track in this.tracks) readTrackInput(this.tracks[track as Track], column)
    for (const { track } of this.valueReaders)
      track.samples.open = column.flag() ? this.tracks[this.primary!].open : noBuckets
    for (const { track } of this.baselineReaders) track.samples.open = this.tracks[this.baselineTrack].open
  }

  /** Which track comes first as the primary one; 0 is none that may be it. */
  #rank(track: PrimaryTrack | null): number {
    if (this.exposure === 'lowered') return track === 'all' ? 2 : track === 'stable' ? 1 : 0
    if (track === 'canary') return 2
    return track === 'all' && !(this.exposure === 'exposed' && this.isSplit) ? 1 : 0
  }

  #checkPrimary(): void {
    if (this.primary !== null && this.#rank(this.primary) === 0) this.#setPrimary(null)
  }

  #setPrimary(track: PrimaryTrack | null): void {
    if (this.primary !== null) for (const reader of this.valueReaders) reader.sequence.restartTrack(reader.track)
    this.primary = track
    this.missingSince = null
  }

  /** Nothing is compared with itself: on the stable version, comparisons with it have no value. */
  #valueReaders(): readonly TrackReader[] {
    return this.primary === this.baselineTrack ? this.absoluteReaders : this.valueReaders
  }

  #dropClosed(input: TrackInput): void {
    const open = input.open.filter(bucket => bucket.start >= input.closedEnd)
    this.#showOpen(input, open)
  }

  #showOpen(input: TrackInput, open: readonly OpenBucket[]): void {
    input.open = open
    if (input.track === this.primary) for (const { track } of this.#valueReaders()) track.samples.open = open
    if (input.track === this.baselineTrack) for (const { track } of this.baselineReaders) track.samples.open = open
  }
}

type MeasureJson =
  | Exclude<Measure, { kind: 'quantile' }>
  | { readonly kind: 'quantile'; readonly quantiles: QuantilesJson }

export interface MetricInputJson {
  /** The metric as it was defined: evidence restarts when its question changed. */
  readonly question: string
  readonly primary: PrimaryTrack | null
  readonly exposure: MetricInput['exposure']
  readonly isSplit: boolean
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
  return { track, closedEnd: Number.NEGATIVE_INFINITY, open: noBuckets }
}

function writeTrackInput({ closedEnd, open }: TrackInput, column: ColumnWriter): void {
  column.put(closedEnd)
  column.put(open.length)
  for (const { start, lengthMs, measure } of open) {
    column.put(start)
    column.put(lengthMs)
    writeMeasure(measure, column)
  }
}

function readTrackInput(input: TrackInput, column: ColumnReader): void {
  input.closedEnd = column.number()
  const open: OpenBucket[] = []
  for (let left = column.index(); left > 0; left--) {
    open.push({ start: column.number(), lengthMs: column.number(), measure: readMeasure(column) })
  }
  input.open = open.length === 0 ? noBuckets : open
}

function deliver(readers: readonly TrackReader[], start: number, lengthMs: number, count: number, part: Part): void {
  for (const { sequence, track } of readers) sequence.deliver(track, start, lengthMs, count, part)
}

function measureToJson(measure: Measure): MeasureJson {
  return measure.kind === 'quantile' ? { kind: 'quantile', quantiles: measure.quantiles.toJSON() } : measure
}

function measureFromJson(measure: MeasureJson): Measure {
  return measure.kind === 'quantile' ? { kind: 'quantile', quantiles: Quantiles.fromJSON(measure.quantiles) } : measure
}
