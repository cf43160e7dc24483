import { exactValuesMax, type Quantiles, type QuantilesJson } from './quantiles.ts'
import { binOf, nearestRank, valueOfBin } from './sketch-scale.ts'

export interface QuantileTotalJson {
  readonly exact: QuantilesJson['counts']
  readonly sketch: QuantilesJson['counts']
}

/**
 * The sum of many `Quantiles`, from which some can be taken out again: what a window over latencies needs.
 *
 * It answers like one `Quantiles` into which everything still inside was merged, whatever came and went before.
 */
export class QuantileTotal {
  #exact = new Map<number, number>()
  /** Values inside that came as sketches; above zero the answer is a sketch. */
  #sketchedCount = 0
  /** Everything inside as bins; built when first needed, kept up to date from then on. */
  #bins: BinCounts | null = null
  #sketchBins = new Map<number, number>()
  #count = 0
  readonly #shrinks: boolean

  /** One that only grows forgets exact values once there are too many, so that four weeks stay small. */
  constructor(shrinks = true) {
    this.#shrinks = shrinks
  }

  get count(): number {
    return this.#count
  }

  add(quantiles: Quantiles, times: number): void {
    this.#change(quantiles, times)
  }

  remove(quantiles: Quantiles, times: number): void {
    this.#change(quantiles, -times)
  }

  quantile(quantile: number): number | null {
    if (this.#count <= 0) return null
    const rank = nearestRank(quantile, this.#count)
    if (this.#sketchedCount === 0 && this.#exact.size <= exactValuesMax) return this.#exactAt(rank)
    this.#bins ??= this.#buildBins()
    return valueOfBin(this.#bins.binAt(rank))
  }

  clone(): QuantileTotal {
    const copy = new QuantileTotal(this.#shrinks)
    copy.#exact = new Map(this.#exact)
    copy.#sketchBins = new Map(this.#sketchBins)
    copy.#sketchedCount = this.#sketchedCount
    copy.#count = this.#count
    return copy
  }

  toJSON(): QuantileTotalJson {
    return { exact: ascending(this.#exact), sketch: ascending(this.#sketchBins) }
  }

  static fromJSON(json: QuantileTotalJson, shrinks = true): QuantileTotal {
    const total = new QuantileTotal(shrinks)
    for (const [value, count] of json.exact) total.#changeExact(value, count)
    for (const [bin, count] of json.sketch) total.#changeSketch(bin, count)
    return total
  }

  #change(quantiles: Quantiles, times: number): void {
    if (quantiles.sketched) for (const [bin, count] of quantiles.entries()) this.#changeSketch(bin, count * times)
    else for (const [value, count] of quantiles.entries()) this.#changeExact(value, count * times)
    if (!this.#shrinks && this.#exact.size > exactValuesMax) this.#forgetExactValues()
  }

  #forgetExactValues(): void {
    for (const [value, count] of this.#exact) {
      changeCount(this.#sketchBins, binOf(value), count)
      this.#sketchedCount += count
    }
    this.#exact.clear()
  }

  #changeExact(value: number, by: number): void {
    changeCount(this.#exact, value, by)
    this.#count += by
    this.#bins?.change(binOf(value), by)
  }

  #changeSketch(bin: number, by: number): void {
    changeCount(this.#sketchBins, bin, by)
    this.#sketchedCount += by
    this.#count += by
    this.#bins?.change(bin, by)
  }

  #exactAt(rank: number): number | null {
    let left = rank
    if (this.#exact.size === 1) for (const value of this.#exact.keys()) return value
    for (const [value, count] of ascending(this.#exact)) {
      left -= count
      if (left <= 0) return value
    }
    return null
  }

  #buildBins(): BinCounts {
    const bins = new BinCounts()
    for (const [value, count] of this.#exact) bins.change(binOf(value), count)
    for (const [bin, count] of this.#sketchBins) bins.change(bin, count)
    return bins
  }
}

function ascending(counts: ReadonlyMap<number, number>): [number, number][] {
  return [...counts].sort((a, b) => a[0] - b[0])
}

function changeCount(counts: Map<number, number>, key: number, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

/** Counts by bin in one dense array; about 230 bins cover 1 ms to 100 s. */
class BinCounts {
  #lowest = 0
  #counts = new Float64Array(0)
  #total = 0

  change(bin: number, by: number): void {
    this.#cover(bin)
    this.#counts[bin - this.#lowest]! += by
    this.#total += by
  }

  /** Counted from the top, because the quantiles people ask for are near it. */
  binAt(rank: number): number {
    let above = this.#total - rank
    for (let index = this.#counts.length - 1; index >= 0; index--) {
      above -= this.#counts[index]!
      if (above < 0) return index + this.#lowest
    }
    return this.#lowest
  }

  #cover(bin: number): void {
    const end = this.#lowest + this.#counts.length
    if (bin >= this.#lowest && bin < end) return
    const spare = 64
    const lowest = this.#counts.length === 0 ? bin - spare : Math.min(this.#lowest, bin - spare)
    const highest = this.#counts.length === 0 ? bin + spare : Math.max(end, bin + spare)
    const grown = new Float64Array(highest - lowest)
    grown.set(this.#counts, this.#lowest - (this.#counts.length === 0 ? this.#lowest : lowest))
    this.#lowest = lowest
    this.#counts = grown
  }
}
