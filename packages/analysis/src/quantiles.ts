import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { binOf, nearestRank, valueOfBin } from './sketch-scale.ts'
import { type CountsJson, SortedCounts } from './sorted-counts.ts'

/** Distinct values kept exactly. Scripted worlds and small samples stay exact; a busy service passes it in a second. */
export const exactValuesMax = 64

export interface QuantilesJson {
  readonly kind: 'exact' | 'sketch'
  /** By value, or by bin of the sketch. */
  readonly counts: CountsJson
}

/**
 * A mergeable summary of values that answers quantiles by nearest rank: the smallest value with at least
 * `quantile × count` values at or below it.
 *
 * 1. While at most 64 distinct values were added it is exact; above that it is a DDSketch within 1 % of the value.
 * 2. What it answers depends on the values added only, not on their order or on how they were merged.
 */
export class Quantiles {
  #counts = new SortedCounts()
  #sketched = false

  static of(values: Iterable<number>): Quantiles {
    const quantiles = new Quantiles()
    for (const value of values) quantiles.add(value)
    return quantiles
  }

  static fromJSON(json: QuantilesJson): Quantiles {
    const quantiles = new Quantiles()
    quantiles.#sketched = json.kind === 'sketch'
    quantiles.#counts = SortedCounts.fromJSON(json.counts)
    return quantiles
  }

  /** Of what `counts` held: pairs of key and count one after the other, keys ascending. */
  static ofPairs(sketched: boolean, pairs: ArrayLike<number>): Quantiles {
    const quantiles = new Quantiles()
    quantiles.#sketched = sketched
    quantiles.#counts = SortedCounts.ofPairs(pairs)
    return quantiles
  }

  static readFrom(column: ColumnReader): Quantiles {
    const quantiles = new Quantiles()
    quantiles.#sketched = column.flag()
    quantiles.#counts.readFrom(column)
    return quantiles
  }

  writeTo(column: ColumnWriter): void {
    column.putFlag(this.#sketched)
    this.#counts.writeTo(column)
  }

  /** How many values it summarises. */
  get count(): number {
    return this.#counts.total
  }

  /** True once it is a sketch; false while exact. */
  get sketched(): boolean {
    return this.#sketched
  }

  /** Values, or bins when sketched, with their counts. */
  get counts(): SortedCounts {
    return this.#counts
  }

  /** Adds a value; what is not a finite number was not measured and is left out. */
  add(value: number, count = 1): this {
    if (!Number.isFinite(value) || !(count > 0)) return this
    this.#counts.change(this.#sketched ? binOf(value) : value, count)
    this.#keepSmall()
    return this
  }

  merge(other: Quantiles): this {
    if (other.#sketched) this.#becomeSketch()
    const toBin = this.#sketched && !other.#sketched
    const counts = other === this ? other.#counts.clone() : other.#counts
    for (let index = 0; index < counts.size; index++) {
      const key = counts.keyAt(index)
      this.#counts.change(toBin ? binOf(key) : key, counts.countAt(index))
    }
    this.#keepSmall()
    return this
  }

  /** The value at a quantile from 0 to 1; null when it is empty. */
  quantile(quantile: number): number | null {
    if (this.count === 0) return null
    const key = this.#counts.keyOfRank(nearestRank(quantile, this.count))
    return this.#sketched ? valueOfBin(key) : key
  }

  equals(other: Quantiles): boolean {
    return this === other || (this.#sketched === other.#sketched && this.#counts.equals(other.#counts))
  }

  toJSON(): QuantilesJson {
    return { kind: this.#sketched ? 'sketch' : 'exact', counts: this.#counts.toJSON() }
  }

  #keepSmall(): void {
    if (!this.#sketched && this.#counts.size > exactValuesMax) this.#becomeSketch()
  }

  #becomeSketch(): void {
    if (this.#sketched) return
    const exact = this.#counts
    this.#sketched = true
    this.#counts = new SortedCounts()
    for (let index = 0; index < exact.size; index++)
      this.#counts.change(binOf(exact.keyAt(index)), exact.countAt(index))
  }
}

/** Buckets of one observation share their quantiles. */
export function writeShared(quantiles: Quantiles | null, column: ColumnWriter): void {
  column.putShared(quantiles, write)
}

function write(quantiles: Quantiles, column: ColumnWriter): void {
  quantiles.writeTo(column)
}

export function readShared(column: ColumnReader): Quantiles | null {
  return column.shared(Quantiles.readFrom)
}
