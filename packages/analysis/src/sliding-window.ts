import type { ColumnReader, ColumnWriter } from './number-column.ts'
import type { RunRing } from './run-ring.ts'
import { Part, Sums } from './sums.ts'

const scratch = new Part()

/**
 * The last `ms` of a ring: whole buckets that begin within it, and always the newest one, however long it is.
 *
 * Samples that come by themselves do expire all: three reports two days ago are none in the last day.
 */
export class SlidingWindow {
  readonly ms: number
  readonly sums: Sums
  readonly #keepsNewest: boolean
  #first = 0
  #expired = 0

  constructor(ms: number, keepsNewest: boolean, sums = new Sums(true)) {
    this.ms = ms
    this.#keepsNewest = keepsNewest
    this.sums = sums
  }

  /** Index of the oldest run that still has a bucket inside. */
  get first(): number {
    return this.#first
  }

  /** Takes in the newest `count` buckets of the ring. */
  enter(part: Part, count: number, ring: RunRing): void {
    if (this.sums.buckets === 0) {
      this.#first = ring.tail - 1
      this.#expired = ring.countOf(this.#first) - count
    }
    this.sums.add(part, count)
  }

  /** Moves the window's end to `end`: what begins before `end - ms` leaves. */
  slideTo(end: number, ring: RunRing): void {
    const from = end - this.ms
    while (this.#first < ring.tail) {
      const leaving = this.#leaving(from, ring)
      if (leaving === 0) return
      this.sums.remove(ring.readPart(this.#first, scratch), leaving)
      this.#expired += leaving
      if (this.#expired < ring.countOf(this.#first)) return
      this.#goToNextRun(ring)
    }
  }

  /** When the next bucket leaves, if the window keeps sliding; null while it is empty. */
  nextExpiry(ring: RunRing): number | null {
    if (this.#first >= ring.tail) return null
    return ring.startOf(this.#first) + this.#expired * ring.lengthMsOf(this.#first) + this.ms
  }

  /** True when one more bucket like the newest run's would push an equal one out: the content cannot change. */
  isSteady(ring: RunRing): boolean {
    if (this.#first !== ring.tail - 1) return false
    const lengthMs = ring.lengthMsOf(this.#first)
    return lengthMs > 0 && this.sums.buckets >= Math.max(1, Math.floor(this.ms / lengthMs))
  }

  /** Buckets of the oldest run that are still inside. */
  firstRunLeft(ring: RunRing): number {
    return this.#first < ring.tail ? ring.countOf(this.#first) - this.#expired : 0
  }

  clear(ring: RunRing): void {
    this.sums.clear()
    this.#first = ring.tail
    this.#expired = 0
  }

  /** A copy to look ahead with; the ring is shared and not changed by it. */
  clone(keepsNewest: boolean): SlidingWindow {
    const copy = new SlidingWindow(this.ms, keepsNewest, this.sums.clone())
    copy.#first = this.#first
    copy.#expired = this.#expired
    return copy
  }

  /** Fills a new window from a ring, as if it had been there from the ring's first run. */
  refill(ring: RunRing, end: number): void {
    this.sums.clear()
    this.#first = ring.head
    this.#expired = 0
    for (let index = ring.head; index < ring.tail; index++) {
      this.sums.add(ring.readPart(index, scratch), ring.countOf(index))
    }
    this.slideTo(end, ring)
  }

  writeTo(column: ColumnWriter): void {
    column.put(this.#first)
    column.put(this.#expired)
    this.sums.writeTo(column)
  }

  readFrom(column: ColumnReader): void {
    this.#first = column.index()
    this.#expired = column.number()
    this.sums.readFrom(column)
  }

  #leaving(from: number, ring: RunRing): number {
    const index = this.#first
    const lengthMs = ring.lengthMsOf(index)
    const left = ring.countOf(index) - this.#expired
    const start = ring.startOf(index) + this.#expired * lengthMs
    if (start > from || (start === from && lengthMs > 0)) return 0
    const leaving = lengthMs > 0 ? Math.min(left, Math.ceil((from - start) / lengthMs)) : left
    return this.#keepsNewest && index === ring.tail - 1 ? Math.min(leaving, left - 1) : leaving
  }

  #goToNextRun(ring: RunRing): void {
    const next = this.#first + 1
    if (next === ring.tail) this.sums.changes = 0
    else if (ring.valueOf(next) !== ring.valueOf(this.#first)) this.sums.changes--
    this.#first = next
    this.#expired = 0
  }
}
