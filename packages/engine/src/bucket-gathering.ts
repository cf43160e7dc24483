import type { SeriesPoint, Track } from '@dankai/analysis'

/** When a bucket counts. */
export interface BucketTimes {
  /** End of a bucket -> what is received later does not count. */
  readonly latenessMs: number
  /** Receipt -> visible to every reader. */
  readonly visibleAfterMs: number
}

/** When a cell is, and when its first part was received. */
export interface CellTimes {
  readonly start: number
  readonly lengthMs: number
  readonly receivedAt: number
}

export interface GatheredBucket {
  readonly track: Track
  readonly start: number
  readonly lengthMs: number
  readonly points: SeriesPoint[]
}

/**
 * Sorts the cells of one metric into buckets: those that closed after `since` and up to `until`, and those open at
 * `until`. Samples out of users' hands show in open buckets only: they can stop a release, and what closes is made of
 * trusted ones.
 */
export class BucketGathering {
  readonly closed = new Map<string, GatheredBucket>()
  readonly open = new Map<string, GatheredBucket>()
  /** When the next bucket that has something in it closes; null when none is open. */
  nextCloseAt: number | null = null
  readonly #since: number
  readonly #until: number
  readonly #times: BucketTimes

  constructor(times: BucketTimes, since: number, until: number) {
    this.#times = times
    this.#since = since
    this.#until = until
  }

  /**
   * Points of the bucket a cell is part of, which is as long as the metric's `every`, or as the sender's own where that is
   * longer; null when it is neither open nor closed just now.
   */
  pointsOfCell(track: Track, isTrusted: boolean, cell: CellTimes, everyMs: number): SeriesPoint[] | null {
    const { start, lengthMs } = bucketOf(cell.start, cell.lengthMs, everyMs)
    const closesAt = this.#closeOf(start + lengthMs)
    if (closesAt <= this.#since) return null
    if (closesAt > this.#until) this.#noteNext(closesAt)
    if (start > this.#until) return null
    const isClosed = closesAt <= this.#until && isTrusted
    return pointsOf(isClosed ? this.closed : this.open, track, start, lengthMs)
  }

  /** `every: sample`: each part received is a sample of its own, final as soon as everybody can see it. */
  pointsOfSample(track: Track, isTrusted: boolean, cell: CellTimes): SeriesPoint[] | null {
    const visibleAt = cell.receivedAt + this.#times.visibleAfterMs
    if (visibleAt <= this.#since || !isTrusted) return null
    if (visibleAt <= this.#until) return pointsOf(this.closed, track, cell.start + cell.lengthMs, 0)
    this.#noteNext(visibleAt)
    return null
  }

  /** A bucket of the past, moved to the present. */
  pointsOfPast(isTrusted: boolean, cell: CellTimes, agoMs: number, everyMs: number): SeriesPoint[] | null {
    const { start, lengthMs } = bucketOf(cell.start + agoMs, cell.lengthMs, everyMs)
    const closesAt = this.#closeOf(start + lengthMs)
    const isTaken = isTrusted && closesAt > this.#since && closesAt <= this.#until
    return isTaken ? pointsOf(this.closed, 'baseline', start, lengthMs) : null
  }

  #closeOf(end: number): number {
    return end + this.#times.latenessMs + this.#times.visibleAfterMs
  }

  #noteNext(at: number): void {
    this.nextCloseAt = Math.min(this.nextCloseAt ?? at, at)
  }
}

function bucketOf(cellStart: number, cellLengthMs: number, everyMs: number): { start: number; lengthMs: number } {
  const lengthMs = Math.max(everyMs, cellLengthMs)
  return { start: Math.floor(cellStart / lengthMs) * lengthMs, lengthMs }
}

function pointsOf(buckets: Map<string, GatheredBucket>, track: Track, start: number, lengthMs: number): SeriesPoint[] {
  const key = `${track} ${start} ${lengthMs}`
  const known = buckets.get(key)
  if (known !== undefined) return known.points
  const points: SeriesPoint[] = []
  buckets.set(key, { track, start, lengthMs, points })
  return points
}
