import type { Sums } from './sums.ts'
import type { TrackSamples, Window } from './track-samples.ts'

/**
 * How far a value can be trusted. `partial`: a count over a window that was not measured from its start, which can only
 * be higher in truth. `incomplete`: the highest of metrics of which one is missing, likewise.
 */
export type Completeness = 'whole' | 'partial' | 'incomplete'

/** The numbers one look is judged by. */
export interface Numbers {
  /** NaN when there is no value. */
  readonly value: number
  readonly samples: number
  /** False while fewer samples than the metric's minimum are in the window. */
  readonly hasEnough: boolean
  readonly completeness: Completeness
  /** The baseline's value over the same window; NaN when there is none. */
  readonly baseline: number
  readonly baselineHasEnough: boolean
  readonly previous: number
  readonly previousHasEnough: boolean
}

/** Whether a value out of so few samples is one at all. Counts and last values always have a value. */
export function needsSamples(track: TrackSamples, sums: Sums): boolean {
  if (sums.buckets === 0 || sums.kind === 'value') return track.asksForSamples
  return sums.kind === 'ratio' || sums.kind === 'mean' || sums.kind === 'quantile'
}

function hasEnoughSamples(track: TrackSamples, sums: Sums): boolean {
  return !needsSamples(track, sums) || sums.samples() >= track.metric.minSamples
}

function isFresh(track: TrackSamples, newestEnd: number, end: number): boolean {
  if (newestEnd === Number.NEGATIVE_INFINITY) return false
  return newestEnd + track.freshMs > end
}

/** What a window over one track would hold, and where its newest bucket would end. */
export interface Contents {
  readonly sums: Sums
  readonly newestEnd: number
}

/**
 * One window over the tracks a term compares: the metric itself (several for `highest`) and its baseline.
 *
 * Refreshed once per bucket and shared by all terms that look through the same window.
 */
export class Reading implements Numbers {
  readonly window: Window
  readonly tracks: readonly TrackSamples[]
  readonly baselineTracks: readonly TrackSamples[]
  value = Number.NaN
  samples = 0
  hasEnough = false
  completeness: Completeness = 'whole'
  baseline = Number.NaN
  baselineHasEnough = false
  previous = Number.NaN
  previousHasEnough = false
  #sums: readonly Sums[]
  #baselineSums: readonly Sums[]

  constructor(window: Window, tracks: readonly TrackSamples[], baselineTracks: readonly TrackSamples[]) {
    this.window = window
    this.tracks = tracks
    this.baselineTracks = baselineTracks
    this.#sums = tracks.map(track => track.sumsOf(window))
    this.#baselineSums = baselineTracks.map(track => track.sumsOf(window))
  }

  /** Sums are replaced when a checkpoint is restored. */
  rebind(): void {
    this.#sums = this.tracks.map(track => track.sumsOf(this.window))
    this.#baselineSums = this.baselineTracks.map(track => track.sumsOf(this.window))
  }

  refresh(end: number): void {
    this.#readValues(this.#sums, end)
    if (this.baselineTracks.length > 0) this.#readBaselines(this.#baselineSums, end)
    this.#readPrevious()
  }

  /** The same window with other contents: what it would read with open buckets, or some buckets later. */
  readInstead(values: readonly Contents[], baselines: readonly Contents[], end: number): Numbers {
    const reading = new Reading(this.window, this.tracks, this.baselineTracks)
    for (const [index, held] of values.entries()) {
      reading.#readValue(this.tracks[index]!, held.sums, held.newestEnd, end)
    }
    reading.baselineHasEnough = baselines.length > 0
    for (const [index, held] of baselines.entries()) {
      reading.#readBaseline(this.baselineTracks[index]!, held.sums, held.newestEnd, end)
    }
    const newest = this.tracks[0]!
    reading.previous = newest.newestSums.valueOf(newest.quantile)
    reading.previousHasEnough = newest.hasData && hasEnoughSamples(newest, newest.newestSums)
    return reading
  }

  sumsFor(index: number): Sums {
    return this.#sums[index]!
  }

  baselineSumsFor(index: number): Sums {
    return this.#baselineSums[index]!
  }

  #readValues(sums: readonly Sums[], end: number): void {
    this.value = Number.NaN
    this.samples = 0
    this.hasEnough = false
    this.completeness = 'whole'
    for (let index = 0; index < sums.length; index++) {
      const track = this.tracks[index]!
      this.#readValue(track, sums[index]!, track.newestEnd, end)
    }
  }

  #readValue(track: TrackSamples, sums: Sums, newestEnd: number, end: number): void {
    const isSilentCount = track.gapMs === Infinity && track.metric.measure.kind === 'count'
    const isReadable = isSilentCount || (isFresh(track, newestEnd, end) && sums.buckets > 0)
    const samples = sums.samples()
    if (!isReadable || !hasEnoughSamples(track, sums)) {
      this.completeness = 'incomplete'
      this.samples += isReadable ? samples : 0
      if (isReadable && this.tracks.length === 1) this.value = sums.valueOf(track.quantile)
      return
    }
    this.#takeHigher(sums.valueOf(track.quantile))
    this.samples += samples
    if (sums.kind === 'count' && !this.#isCovered(track, end)) this.completeness = 'partial'
  }

  #takeHigher(value: number): void {
    if (!this.hasEnough || value > this.value) this.value = value
    this.hasEnough = true
  }

  #isCovered(track: TrackSamples, end: number): boolean {
    return this.window.kind !== 'sliding' || track.isCovered(this.window.ms, Math.max(track.newestEnd, end))
  }

  #readBaselines(sums: readonly Sums[], end: number): void {
    this.baseline = Number.NaN
    this.baselineHasEnough = sums.length > 0
    for (let index = 0; index < sums.length; index++) {
      const track = this.baselineTracks[index]!
      this.#readBaseline(track, sums[index]!, track.newestEnd, end)
    }
  }

  #readBaseline(track: TrackSamples, sums: Sums, newestEnd: number, end: number): void {
    const isReadable = isFresh(track, newestEnd, end) && sums.buckets > 0
    const isWhole = sums.kind !== 'count' || this.#isCovered(track, end)
    const value = isReadable && isWhole ? sums.valueOf(track.quantile) : Number.NaN
    if (Number.isNaN(value) || !hasEnoughSamples(track, sums)) this.baselineHasEnough = false
    if (!(value <= this.baseline)) this.baseline = value
  }

  #readPrevious(): void {
    const track = this.tracks[0]
    if (track === undefined || this.tracks.length > 1) return
    this.previous = track.previousValue
    const isSampled = needsSamples(track, track.newestSums)
    const hasEnough = !isSampled || track.previousSamples >= track.metric.minSamples
    this.previousHasEnough = hasEnough && !Number.isNaN(track.previousValue)
  }
}
