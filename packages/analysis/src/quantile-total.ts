import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { exactValuesMax, type Quantiles } from './quantiles.ts'
import { binOf, nearestRank, valueOfBin } from './sketch-scale.ts'
import { type CountsJson, SortedCounts } from './sorted-counts.ts'

export interface QuantileTotalJson {
  readonly exact: CountsJson
  readonly sketched: CountsJson
}

/**
 * The sum of many `Quantiles`, from which some can be taken out again: what a window over latencies needs.
 *
 * It answers like one `Quantiles` into which everything still inside was merged, whatever came and went before.
 */
export class QuantileTotal {
  /** Values that came exactly. */
  #exact = new SortedCounts()
  /** Bins of values that came as sketches; while there are any, the answer is a sketch. */
  #sketched = new SortedCounts()
  /** Everything inside as bins; built when first needed, kept up to date from then on. */
  #bins: SortedCounts | null = null
  readonly #shrinks: boolean

  /** One that only grows forgets exact values once there are too many, so that four weeks stay small. */
  constructor(shrinks = true) {
    this.#shrinks = shrinks
  }

  get count(): number {
    return this.#exact.total + this.#sketched.total
  }

  add(quantiles: Quantiles, times: number): void {
    this.#change(quantiles, times)
  }

  remove(quantiles: Quantiles, times: number): void {
    this.#change(quantiles, -times)
  }

  quantile(quantile: number): number | null {
    const count = this.count
    if (count <= 0) return null
    const rank = nearestRank(quantile, count)
    if (this.#sketched.total === 0 && this.#exact.size <= exactValuesMax) return this.#exact.keyOfRank(rank)
    if (this.#exact.total === 0) return valueOfBin(this.#sketched.keyOfRank(rank))
    this.#bins ??= this.#buildBins()
    return valueOfBin(this.#bins.keyOfRank(rank))
  }

  clone(): QuantileTotal {
    const copy = new QuantileTotal(this.#shrinks)
    copy.#exact = this.#exact.clone()
    copy.#sketched = this.#sketched.clone()
    return copy
  }

  toJSON(): QuantileTotalJson {
    return { exact: this.#exact.toJSON(), sketched: this.#sketched.toJSON() }
  }

  static fromJSON(json: QuantileTotalJson, shrinks = true): QuantileTotal {
    const total = new QuantileTotal(shrinks)
    total.#exact = SortedCounts.fromJSON(json.exact)
    total.#sketched = SortedCounts.fromJSON(json.sketched)
    return total
  }

  writeTo(column: ColumnWriter): void {
    this.#exact.writeTo(column)
    this.#sketched.writeTo(column)
    column.putFlag(this.#bins !== null)
    this.#bins?.writeTo(column)
  }

  readFrom(column: ColumnReader): void {
    this.#exact.readFrom(column)
    this.#sketched.readFrom(column)
    this.#bins = column.flag() ? (this.#bins ?? new SortedCounts()) : null
    this.#bins?.readFrom(column)
  }

  #change(quantiles: Quantiles, times: number): void {
    const { counts } = quantiles
    const target = quantiles.sketched ? this.#sketched : this.#exact
    for (let index = 0; index < counts.size; index++) {
      const key = counts.keyAt(index)
      const by = counts.countAt(index) * times
      target.change(key, by)
      if (this.#bins !== null) this.#bins.change(quantiles.sketched ? key : binOf(key), by)
    }
    if (!this.#shrinks && this.#exact.size > exactValuesMax) this.#forgetExactValues()
  }

  #forgetExactValues(): void {
    addBins(this.#exact, this.#sketched)
    this.#exact.clear()
    this.#bins = null
  }

  #buildBins(): SortedCounts {
    const bins = this.#sketched.clone()
    addBins(this.#exact, bins)
    return bins
  }
}

function addBins(exact: SortedCounts, bins: SortedCounts): void {
  for (let index = 0; index < exact.size; index++) bins.change(binOf(exact.keyAt(index)), exact.countAt(index))
}
