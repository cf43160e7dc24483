import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { type Measure, measureKinds } from './observation.ts'
import { Quantiles, type QuantilesJson, readShared, writeShared } from './quantiles.ts'
import { type Part, sameQuantiles } from './sums.ts'

const columns = 8
const firstCapacity = 16
const noRows = new Float64Array(0)

/**
 * Runs of equal, adjacent buckets in event order, in one typed array that grows when it is full.
 *
 * 1. A run is addressed by an index that never changes; `head` is the oldest kept, `tail` one past the newest.
 * 2. A bucket equal and adjacent to the newest run makes it longer, so that a steady metric takes one run for weeks and
 *    n single buckets leave the same ring as one observation of n.
 */
export class RunRing {
  head = 0
  tail = 0
  kind: Measure['kind'] = 'count'
  /** No room until there is a run: most rings stay empty. */
  #rows = noRows
  #quantiles: (Quantiles | null)[] = []
  #mask = -1

  append(start: number, lengthMs: number, count: number, part: Part): void {
    this.kind = part.kind
    if (this.tail > this.head && this.#continues(start, lengthMs, part)) {
      this.#rows[((this.tail - 1) & this.#mask) * columns + 2]! += count
      return
    }
    if (this.tail - this.head > this.#mask) this.#grow()
    const at = (this.tail & this.#mask) * columns
    const rows = this.#rows
    rows[at] = start
    rows[at + 1] = lengthMs
    rows[at + 2] = count
    rows[at + 3] = part.topWhole
    rows[at + 4] = part.topNanos
    rows[at + 5] = part.bottomWhole
    rows[at + 6] = part.bottomNanos
    rows[at + 7] = part.value
    this.#quantiles[this.tail & this.#mask] = part.quantiles
    this.tail++
  }

  startOf(index: number): number {
    return this.#rows[(index & this.#mask) * columns]!
  }

  lengthMsOf(index: number): number {
    return this.#rows[(index & this.#mask) * columns + 1]!
  }

  countOf(index: number): number {
    return this.#rows[(index & this.#mask) * columns + 2]!
  }

  valueOf(index: number): number {
    return this.#rows[(index & this.#mask) * columns + 7]!
  }

  readPart(index: number, part: Part): Part {
    const at = (index & this.#mask) * columns
    const rows = this.#rows
    part.kind = this.kind
    part.topWhole = rows[at + 3]!
    part.topNanos = rows[at + 4]!
    part.bottomWhole = rows[at + 5]!
    part.bottomNanos = rows[at + 6]!
    part.value = rows[at + 7]!
    part.quantiles = this.#quantiles[index & this.#mask]!
    return part
  }

  /** Takes `count` buckets away from the oldest run; the run goes when none is left. */
  takeFirst(count: number): void {
    const at = (this.head & this.#mask) * columns
    const left = this.#rows[at + 2]! - count
    if (left > 0) {
      this.#rows[at]! += this.#rows[at + 1]! * count
      this.#rows[at + 2] = left
    } else this.dropBefore(this.head + 1)
  }

  dropBefore(index: number): void {
    for (; this.head < index; this.head++) this.#quantiles[this.head & this.#mask] = null
  }

  clear(): void {
    this.dropBefore(this.tail)
  }

  toJSON(): RunRingJson {
    const rows: number[] = []
    const quantiles: QuantilesJson[] = []
    let end = 0
    for (let index = this.head; index < this.tail; index++) {
      const at = (index & this.#mask) * columns
      const row = this.#rows.subarray(at, at + columns)
      rows.push(row[0]! - end, ...row.subarray(1))
      end = row[0]! + row[1]! * row[2]!
      const held = this.#quantiles[index & this.#mask]!
      if (held !== null) quantiles.push(held.toJSON())
    }
    return { kind: this.kind, rows, quantiles }
  }

  static fromJSON(json: RunRingJson, part: Part): RunRing {
    const ring = new RunRing()
    ring.kind = json.kind
    let end = 0
    for (let at = 0; at < json.rows.length; at += columns) {
      const [apart = 0, lengthMs = 0, count = 0, ...sums] = json.rows.slice(at, at + columns)
      const [topWhole = 0, topNanos = 0, bottomWhole = 0, bottomNanos = 0, value = 0] = sums
      const saved = json.quantiles[at / columns]
      const quantiles = saved === undefined ? null : Quantiles.fromJSON(saved)
      Object.assign(part, { kind: json.kind, topWhole, topNanos, bottomWhole, bottomNanos, value, quantiles })
      ring.append(end + apart, lengthMs, count, part)
      end += apart + lengthMs * count
    }
    return ring
  }

  writeTo(column: ColumnWriter): void {
    column.putOneOf(measureKinds, this.kind)
    column.put(this.head)
    column.put(this.tail)
    for (let index = this.head; index < this.tail; index++) {
      const at = (index & this.#mask) * columns
      for (let field = 0; field < columns; field++) column.put(this.#rows[at + field]!)
      writeShared(this.#quantiles[index & this.#mask]!, column)
    }
  }

  readFrom(column: ColumnReader): void {
    this.clear()
    this.kind = column.oneOf(measureKinds)
    this.head = column.index()
    const tail = column.index()
    for (this.tail = this.head; this.tail < tail; this.tail++) {
      if (this.tail - this.head > this.#mask) this.#grow()
      const at = (this.tail & this.#mask) * columns
      for (let field = 0; field < columns; field++) this.#rows[at + field] = column.number()
      this.#quantiles[this.tail & this.#mask] = readShared(column)
    }
  }

  #continues(start: number, lengthMs: number, part: Part): boolean {
    const at = ((this.tail - 1) & this.#mask) * columns
    const rows = this.#rows
    return (
      rows[at + 3] === part.topWhole &&
      rows[at + 5] === part.bottomWhole &&
      rows[at + 7] === part.value &&
      rows[at + 4] === part.topNanos &&
      rows[at + 6] === part.bottomNanos &&
      rows[at + 1] === lengthMs &&
      rows[at]! + lengthMs * rows[at + 2]! === start &&
      sameQuantiles(this.#quantiles[(this.tail - 1) & this.#mask]!, part.quantiles)
    )
  }

  #grow(): void {
    const capacity = Math.max(firstCapacity, (this.#mask + 1) * 2)
    const rows = new Float64Array(capacity * columns)
    const quantiles: (Quantiles | null)[] = new Array(capacity).fill(null)
    for (let index = this.head; index < this.tail; index++) {
      const from = (index & this.#mask) * columns
      rows.set(this.#rows.subarray(from, from + columns), (index & (capacity - 1)) * columns)
      quantiles[index & (capacity - 1)] = this.#quantiles[index & this.#mask]!
    }
    this.#rows = rows
    this.#quantiles = quantiles
    this.#mask = capacity - 1
  }
}

/** A ring may hold a day of buckets, so it is written flat: per run its distance from the one before, then the rest. */
export interface RunRingJson {
  readonly kind: Measure['kind']
  readonly rows: readonly number[]
  /** One for each run of a ring of sketches; else empty. */
  readonly quantiles: readonly QuantilesJson[]
}
