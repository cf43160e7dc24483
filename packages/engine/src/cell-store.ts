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
/** Cells of a chunk, as bits of an index: 15 KB. A store grows by chunks, so that growing copies nothing and leaves no garbage. */
const chunkBits = 8
const cellsOfChunk = 1 << chunkBits
const inChunk = cellsOfChunk - 1
const fewestSlots = 16

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
  readonly #numbers: Float64Array[] = []
  readonly #links: Int32Array[] = []
  /** Indices by a hash of the name; one more than the index, 0 where there is none. A third is free at least. */
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
    const ofChunk = cellsOfChunk * (8 * numbersOfCell + 4 * linksOfCell)
    return this.#numbers.length * ofChunk + this.#slots.byteLength + this.#sketches.bytes
  }

  startOf(cell: number): number {
    return this.#number(cell, startField)
  }

  lengthOf(cell: number): number {
    return this.#number(cell, lengthField)
  }

  /** When its first part was received. */
  receivedAtOf(cell: number): number {
    return this.#number(cell, receivedField)
  }

  timesOf(cell: number): CellTimes {
    return { start: this.startOf(cell), lengthMs: this.lengthOf(cell), receivedAt: this.receivedAtOf(cell) }
  }

  seriesOf(cell: number): number {
    return this.#link(cell, seriesField)
  }

  countOf(cell: number): number {
    return this.#number(cell, countField)
  }

  sumOf(cell: number): number {
    return this.#number(cell, sumField)
  }

  lastOf(cell: number): number | null {
    const last = this.#number(cell, lastField)
    return Number.isNaN(last) ? null : last
  }

  /** A copy. */
  quantilesOf(cell: number): Quantiles | null {
    const place = this.#link(cell, sketchField)
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
    this.#size++
    this.#numbers[cell >> chunkBits]!.set([start, lengthMs, receivedAt, 0, 0, Number.NaN], numberAt(cell))
    this.#links[cell >> chunkBits]!.set([series, none, none], linkAt(cell))
    this.#enter(cell)
    return cell
  }

  add(cell: number, sample: Pick<SeriesSample, 'count' | 'sum' | 'last' | 'quantiles'>): void {
    const numbers = this.#numbers[cell >> chunkBits]!
    const at = numberAt(cell)
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
    this.#giveRoomBack()
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
    this.#setLink(cell, previousField, this.#newest[series]!)
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
    return this.#link(cell, previousField)
  }

  // ── Room ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #number(cell: number, field: number): number {
    return this.#numbers[cell >> chunkBits]![numberAt(cell) + field]!
  }

  #link(cell: number, field: number): number {
    return this.#links[cell >> chunkBits]![linkAt(cell) + field]!
  }

  #setLink(cell: number, field: number, value: number): void {
    this.#links[cell >> chunkBits]![linkAt(cell) + field] = value
  }

  #makeRoom(cells: number): void {
    if (cells > this.#numbers.length * cellsOfChunk) {
      this.#numbers.push(new Float64Array(cellsOfChunk * numbersOfCell))
      this.#links.push(new Int32Array(cellsOfChunk * linksOfCell))
    }
    if (cells * 3 <= this.#slots.length * 2) return
    this.#slots = new Int32Array(Math.max(fewestSlots, this.#slots.length * 2))
    this.#enterAll()
  }

  /** A chunk more than is needed stays: the cells that were forgotten come again. */
  #giveRoomBack(): void {
    const chunks = Math.ceil(this.#size / cellsOfChunk) + 1
    this.#numbers.length = Math.min(this.#numbers.length, chunks)
    this.#links.length = this.#numbers.length
    if (this.#size * 8 < this.#slots.length && this.#slots.length > fewestSlots)
      this.#slots = new Int32Array(this.#slots.length / 4)
    if (this.#sketches.isSparse) this.#sketches.makeRoom(null, this.#places)
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
    const numbers = this.#numbers[to >> chunkBits]!
    for (let field = 0; field < numbersOfCell; field++) numbers[numberAt(to) + field] = this.#number(from, field)
    for (let field = 0; field < linksOfCell; field++) this.#setLink(to, field, this.#link(from, field))
  }

  // ── Sketches ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #addSketch(cell: number, sketch: Quantiles): void {
    const place = this.#link(cell, sketchField)
    const whole = place === none ? sketch : this.#sketches.read(place).merge(sketch)
    if (place !== none && this.#sketches.rewrite(place, whole)) return
    this.#releaseSketch(cell)
    if (!this.#sketches.hasRoomFor(whole)) this.#sketches.makeRoom(whole, this.#places)
    this.#setLink(cell, sketchField, this.#sketches.write(whole))
  }

  #releaseSketch(cell: number): void {
    const place = this.#link(cell, sketchField)
    if (place !== none) this.#sketches.release(place)
    this.#setLink(cell, sketchField, none)
  }

  get #places(): SketchPlaces {
    return {
      length: this.#size,
      at: cell => this.#link(cell, sketchField),
      move: (cell, place) => this.#setLink(cell, sketchField, place),
    }
  }
}

function numberAt(cell: number): number {
  return (cell & inChunk) * numbersOfCell
}

function linkAt(cell: number): number {
  return (cell & inChunk) * linksOfCell
}

/** Spreads starts, which are multiples of seconds, and series, which are small, over all bits. */
function hashOf(series: number, start: number, lengthMs: number, receivedAt: number): number {
  const own = lengthMs > 0 ? 0 : Math.imul(receivedAt | 0, 0x27d4_eb2f)
  let hash = Math.imul(start | 0, 0x85eb_ca6b) ^ Math.imul(series + 1, 0x9e37_79b1) ^ own
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35)
  return (hash ^ (hash >>> 13)) >>> 0
}
