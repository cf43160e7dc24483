import { binOf, nearestRank, valueOfBin } from './sketch-scale.ts'

/** Distinct values kept exactly. Scripted worlds and small samples stay exact; a busy service passes it in a second. */
export const exactValuesMax = 64

export interface QuantilesJson {
  readonly kind: 'exact' | 'sketch'
  /** Ascending pairs of value (or bin) and count. */
  readonly counts: readonly (readonly [number, number])[]
}

/**
 * A mergeable summary of values that answers quantiles by nearest rank: the smallest value with at least
 * `quantile × count` values at or below it.
 *
 * 1. While at most 64 distinct values were added it is exact; above that it is a DDSketch within 1 % of the value.
 * 2. What it answers depends on the values added only, not on their order or on how they were merged.
 */
export class Quantiles {
  #counts = new Map<number, number>()
  #sketched = false
  #count = 0
  #ascending: readonly number[] | null = null

  static of(values: Iterable<number>): Quantiles {
    const quantiles = new Quantiles()
    for (const value of values) quantiles.add(value)
    return quantiles
  }

  static fromJSON(json: QuantilesJson): Quantiles {
    const quantiles = new Quantiles()
    quantiles.#sketched = json.kind === 'sketch'
    for (const [key, count] of json.counts) quantiles.#addKey(key, count)
    return quantiles
  }

  /** How many values it summarises. */
  get count(): number {
    return this.#count
  }

  /** True once it is a sketch; false while exact. */
  get sketched(): boolean {
    return this.#sketched
  }

  add(value: number, count = 1): this {
    if (!Number.isFinite(value) || !(count > 0)) return this
    this.#addKey(this.#sketched ? binOf(value) : value, count)
    this.#keepSmall()
    return this
  }

  merge(other: Quantiles): this {
    if (other.#sketched) this.#becomeSketch()
    const toBin = this.#sketched && !other.#sketched
    for (const [key, count] of [...other.#counts]) this.#addKey(toBin ? binOf(key) : key, count)
    this.#keepSmall()
    return this
  }

  /** The value at a quantile from 0 to 1; null when it is empty. */
  quantile(quantile: number): number | null {
    if (this.#count === 0) return null
    let left = nearestRank(quantile, this.#count)
    const keys = this.#keys()
    for (const key of keys) {
      left -= this.#counts.get(key) ?? 0
      if (left <= 0) return this.#sketched ? valueOfBin(key) : key
    }
    return null
  }

  /** Values (or bins, when sketched) with their counts, in no particular order. */
  entries(): IterableIterator<[number, number]> {
    return this.#counts.entries()
  }

  equals(other: Quantiles): boolean {
    if (this === other) return true
    if (this.#count !== other.#count || this.#sketched !== other.#sketched) return false
    if (this.#counts.size !== other.#counts.size) return false
    for (const [key, count] of this.#counts) if (other.#counts.get(key) !== count) return false
    return true
  }

  toJSON(): QuantilesJson {
    const counts = this.#keys().map((key): [number, number] => [key, this.#counts.get(key) ?? 0])
    return { kind: this.#sketched ? 'sketch' : 'exact', counts }
  }

  #addKey(key: number, count: number): void {
    const before = this.#counts.get(key)
    if (before === undefined) this.#ascending = null
    this.#counts.set(key, (before ?? 0) + count)
    this.#count += count
  }

  #keepSmall(): void {
    if (!this.#sketched && this.#counts.size > exactValuesMax) this.#becomeSketch()
  }

  #becomeSketch(): void {
    if (this.#sketched) return
    const exact = this.#counts
    this.#sketched = true
    this.#counts = new Map()
    this.#count = 0
    for (const [value, count] of exact) this.#addKey(binOf(value), count)
    this.#ascending = null
  }

  #keys(): readonly number[] {
    this.#ascending ??= [...this.#counts.keys()].sort((a, b) => a - b)
    return this.#ascending
  }
}
