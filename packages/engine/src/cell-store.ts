import { Quantiles, type QuantilesJson } from '@dankai/analysis'
import type { CellTimes } from './bucket-gathering.ts'
import type { SeriesSample } from './ports.ts'
import { type SketchPlaces, SketchPool } from './sketch-pool.ts'

/** The numbers of a cell, one after the other. */
const startField = 0
const lengthField = 1
const receivedField = 2
const countField = 3
const sumField = 4
const lastField = 5
const numbersOfCell = 6

/** What a cell belongs to: its series, the cell of the series before it, and its sketch. */
const seriesField = 0
const previousField = 1
const sketchField = 2
const linksOfCell = 3

const none = -1
const smallestCapacity = 16
const growth = 1.5

/**
 * Cells of many series: one bucket of one series each, everything its senders added to it in time.
 *
 * A cell is an index into columns of numbers. A thousand services have more than a million cells; as objects they would be
 * some 350 MB in ten million pieces, which every collection of the old generation walks, and nothing else happens then.
 *
 * Invariants
 *  1. Cells are in the order in which they began to be received, and those of one series are linked from the newest back.
 *  2. A cell is named by series and start, or by series, start and receipt where it has no length: what comes by itself is
 *     a sample of its own.
 *  3. An index is good until `forgetBefore`.
 */
export class CellStore {
  #numbers = new Float64Array(0)
  #links = new Int32Array(0)
  /** Indices by a hash of the name; one more than the index, 0 where there is none. */
  #slots = new Int32Array(0)
  /** Newest cell of each series. */
  readonly #newest: number[] = []
  readonly #sketches = new SketchPool()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Memory of the columns. */
  get bytes(): number {
    return this.#numbers.byteLength + this.#links.byteLength + this.#slots.byteLength + this.#sketches.bytes
  }

  startOf(cell: number): number {
    return this.#numbers[cell * numbersOfCell + startField]!
  }

  lengthOf(cell: number): number {
    return this.#numbers[cell * numbersOfCell + lengthField]!
  }

  /** When its first part was received. */
  receivedAtOf(cell: number): number {
    return this.#numbers[cell * numbersOfCell + receivedField]!
  }

  timesOf(cell: number): CellTimes {
    return { start: this.startOf(cell), lengthMs: this.lengthOf(cell), receivedAt: this.receivedAtOf(cell) }
  }

  seriesOf(cell: number): number {
    return this.#links[cell * linksOfCell + seriesField]!
  }

  countOf(cell: number): number {
    return this.#numbers[cell * numbersOfCell + countField]!
  }

  sumOf(cell: number): number {
    return this.#numbers[cell * numbersOfCell + sumField]!
  }

  lastOf(cell: number): number | null {
    const last = this.#numbers[cell * numbersOfCell + lastField]!
    return Number.isNaN(last) ? null : last
  }

  /** A copy. */
  quantilesOf(cell: number): Quantiles | null {
    const place = this.#links[cell * linksOfCell + sketchField]!
    return place === none ? null : this.#sketches.read(place)
  }

  hasCells(series: number): boolean {
    return (this.#newest[series] ?? none) !== none
  }

  /** Cells of a series whose first part was received at a time or later, in that order. */
  cellsSince(series: number, receivedFrom: number): number[] {
    const cells: number[] = []
    let cell = this.#newest[series] ?? none
    for (; cell !== none && this.receivedAtOf(cell) >= receivedFrom; cell = this.#previousOf(cell)) cells.push(cell)
    return cells.reverse()
  }

  find(series: number, start: number, lengthMs: number, receivedAt: number): number | null {
    if (this.#size === 0) return null
    const mask = this.#slots.length - 1
    for (let slot = hashOf(series, start, lengthMs, receivedAt) & mask; ; slot = (slot + 1) & mask) {
      const cell = this.#slots[slot]! - 1
      if (cell === none) return null
      if (this.#isNamed(cell, series, start, lengthMs, receivedAt)) return cell
    }
  }

  append(series: number, start: number, lengthMs: number, receivedAt: number): number {
    const cell = this.#size
    this.#makeRoom(cell + 1)
    this.#numbers.set([start, lengthMs, receivedAt, 0, 0, Number.NaN], cell * numbersOfCell)
    this.#links.set([series, none, none], cell * linksOfCell)
    this.#size++
    this.#enter(cell)
    return cell
  }

  add(cell: number, sample: Pick<SeriesSample, 'count' | 'sum' | 'last' | 'quantiles'>): void {
    const numbers = this.#numbers
    const at = cell * numbersOfCell
    numbers[at + countField]! += sample.count
    numbers[at + sumField]! += sample.sum
    if (sample.last !== null && sample.last !== undefined) numbers[at + lastField] = sample.last
    if (sample.quantiles === null || sample.quantiles === undefined) return
    this.#addSketch(cell, Quantiles.fromJSON(sample.quantiles as QuantilesJson))
  }

  /** Forgets cells whose bucket ended at a time or before; the others move together. */
  forgetBefore(time: number): void {
    let kept = this.#firstEnded(time)
    if (kept === this.#size) return
    for (let cell = kept; cell < this.#size; cell++) {
      if (this.#hasEnded(cell, time)) this.#releaseSketch(cell)
      else this.#move(cell, kept++)
    }
    this.#size = kept
    if (kept * 4 < this.#capacity && this.#capacity > smallestCapacity) this.#resize(Math.ceil(kept * growth))
    if (this.#sketches.isSparse) this.#sketches.makeRoom(null, this.#places)
    this.#enterAll()
  }

  // ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #isNamed(cell: number, series: number, start: number, lengthMs: number, receivedAt: number): boolean {
    if (this.seriesOf(cell) !== series || this.startOf(cell) !== start) return false
    const isBucket = this.lengthOf(cell) > 0
    return lengthMs > 0 ? isBucket : !isBucket && this.receivedAtOf(cell) === receivedAt
  }

  /** The newest of its series from now on, and found by its name. */
  #enter(cell: number): void {
    const series = this.seriesOf(cell)
    while (this.#newest.length <= series) this.#newest.push(none)
    this.#links[cell * linksOfCell + previousField] = this.#newest[series]!
    this.#newest[series] = cell
    const mask = this.#slots.length - 1
    let slot = hashOf(series, this.startOf(cell), this.lengthOf(cell), this.receivedAtOf(cell)) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = cell + 1
  }

  #enterAll(): void {
    this.#newest.fill(none)
    this.#slots.fill(0)
    for (let cell = 0; cell < this.#size; cell++) this.#enter(cell)
  }

  #previousOf(cell: number): number {
    return this.#links[cell * linksOfCell + previousField]!
  }

  // ── Room ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #capacity(): number {
    return this.#links.length / linksOfCell
  }

  #makeRoom(cells: number): void {
    if (cells <= this.#capacity) return
    this.#resize(Math.max(smallestCapacity, Math.ceil(this.#capacity * growth)))
    this.#enterAll()
  }

  /** The slots are empty after it. */
  #resize(capacity: number): void {
    const numbers = new Float64Array(capacity * numbersOfCell)
    numbers.set(this.#numbers.subarray(0, this.#size * numbersOfCell))
    const links = new Int32Array(capacity * linksOfCell)
    links.set(this.#links.subarray(0, this.#size * linksOfCell))
    this.#numbers = numbers
    this.#links = links
    // A power of two with at least a third of it free, so that a name is found after few steps.
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(capacity * growth)))
  }

  #firstEnded(time: number): number {
    let cell = 0
    while (cell < this.#size && !this.#hasEnded(cell, time)) cell++
    return cell
  }

  #hasEnded(cell: number, time: number): boolean {
    return this.startOf(cell) + this.lengthOf(cell) <= time
  }

  #move(from: number, to: number): void {
    if (from === to) return
    this.#numbers.copyWithin(to * numbersOfCell, from * numbersOfCell, (from + 1) * numbersOfCell)
    this.#links.copyWithin(to * linksOfCell, from * linksOfCell, (from + 1) * linksOfCell)
  }

  // ── Sketches ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #addSketch(cell: number, sketch: Quantiles): void {
    const known = this.quantilesOf(cell)
    const whole = known === null ? sketch : known.merge(sketch)
    this.#releaseSketch(cell)
    if (!this.#sketches.hasRoomFor(whole)) this.#sketches.makeRoom(whole, this.#places)
    this.#links[cell * linksOfCell + sketchField] = this.#sketches.write(whole)
  }

  #releaseSketch(cell: number): void {
    const place = this.#links[cell * linksOfCell + sketchField]!
    if (place !== none) this.#sketches.release(place)
    this.#links[cell * linksOfCell + sketchField] = none
  }

  get #places(): SketchPlaces {
    const links = this.#links
    return {
      length: this.#size,
      at: cell => links[cell * linksOfCell + sketchField]!,
      move(cell, place) {
        links[cell * linksOfCell + sketchField] = place
      },
    }
  }
}

/** Spreads starts, which are multiples of seconds, and series, which are small, over all bits. */
function hashOf(series: number, start: number, lengthMs: number, receivedAt: number): number {
  const own = lengthMs > 0 ? 0 : Math.imul(receivedAt | 0, 0x27d4_eb2f)
  let hash = Math.imul(start | 0, 0x85eb_ca6b) ^ Math.imul(series + 1, 0x9e37_79b1) ^ own
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35)
  return (hash ^ (hash >>> 13)) >>> 0
}
