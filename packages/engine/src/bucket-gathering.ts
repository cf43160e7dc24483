import type { SeriesPoint, Track } from '@dankai/analysis'
import { type Cell, pointOf, type Series, type SeriesName } from './sample-table.ts'

/** When a bucket counts. */
export interface BucketTimes {
  /** End of a bucket -> what is received later does not count. */
  readonly latenessMs: number
  /** Receipt -> visible to every reader. */
  readonly visibleAfterMs: number
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

  /** Part of a bucket as long as the metric's `every`, or as the sender's own where that is longer. */
  addCell(track: Track, series: Series, cell: Cell, everyMs: number): void {
    const { start, lengthMs } = bucketOf(cell, everyMs)
    const closesAt = this.#closeOf(start + lengthMs)
    if (closesAt <= this.#since) return
    if (closesAt > this.#until) this.#noteNext(closesAt)
    if (start > this.#until) return
    const isClosed = closesAt <= this.#until && series.trusted
    gather(isClosed ? this.closed : this.open, track, start, lengthMs, series, cell)
  }

  /** `every: sample`: each part received is a sample of its own, final as soon as everybody can see it. */
  addSample(track: Track, series: Series, cell: Cell): void {
    const visibleAt = cell.receivedAt + this.#times.visibleAfterMs
    if (visibleAt <= this.#since || !series.trusted) return
    if (visibleAt > this.#until) this.#noteNext(visibleAt)
    else gather(this.closed, track, cell.start + cell.lengthMs, 0, series, cell)
  }

  /** A bucket of the past, moved to the present. */
  addPast(series: SeriesName, cell: Cell, agoMs: number, everyMs: number): void {
    const { start, lengthMs } = bucketOf({ ...cell, start: cell.start + agoMs }, everyMs)
    const closesAt = this.#closeOf(start + lengthMs)
    const isTaken = series.trusted && closesAt > this.#since && closesAt <= this.#until
    if (isTaken) gather(this.closed, 'baseline', start, lengthMs, series, cell)
  }

  #closeOf(end: number): number {
    return end + this.#times.latenessMs + this.#times.visibleAfterMs
  }

  #noteNext(at: number): void {
    this.nextCloseAt = Math.min(this.nextCloseAt ?? at, at)
  }
}

function bucketOf(cell: Pick<Cell, 'start' | 'lengthMs'>, everyMs: number): { start: number; lengthMs: number } {
  const lengthMs = Math.max(everyMs, cell.lengthMs)
  return { start: Math.floor(cell.start / lengthMs) * lengthMs, lengthMs }
}

function gather(
  into: Map<string, GatheredBucket>,
  track: Track,
  start: number,
  lengthMs: number,
  series: SeriesName,
  cell: Cell,
): void {
  const key = `${track} ${start} ${lengthMs}`
  const known = into.get(key)
  if (known !== undefined) known.points.push(pointOf(series, cell))
  else into.set(key, { track, start, lengthMs, points: [pointOf(series, cell)] })
}
