import type { Metric } from '@dankai/plan'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import { type Measure, measureKinds } from './observation.ts'
import { QuantileTotal, type QuantileTotalJson } from './quantile-total.ts'
import { type Quantiles, readShared, writeShared } from './quantiles.ts'

/**
 * One bucket's measure, split for exact addition: a whole part and billionths.
 *
 * Decimal billionths and not floating point, because 0.1 added ten times has to be the literal 1, and because adding a
 * run of buckets at once has to give the same bits as adding them one by one.
 */
export class Part {
  kind: Measure['kind'] = 'count'
  topWhole = 0
  topNanos = 0
  bottomWhole = 0
  bottomNanos = 0
  value = 0
  quantiles: Quantiles | null = null

  /** Takes over a measure; false when nothing was measured: no requests, no samples, not a number. */
  read(measure: Measure): boolean {
    this.kind = measure.kind
    this.value = 0
    this.quantiles = null
    switch (measure.kind) {
      case 'ratio':
        return this.#readQuotient(measure.numerator, measure.denominator)
      case 'mean':
        return this.#readQuotient(measure.sum, measure.count)
      case 'quantile':
        this.quantiles = measure.quantiles
        return this.#readQuotient(0, measure.quantiles.count)
      case 'count':
        return this.#readQuotient(measure.count, 1)
      case 'last':
        this.value = measure.value
        return this.#readQuotient(0, 1) && Number.isFinite(measure.value)
      case 'value':
        return this.#readWeighted(measure.value, measure.samples)
    }
  }

  sameAs(other: Part): boolean {
    return (
      this.topWhole === other.topWhole &&
      this.topNanos === other.topNanos &&
      this.bottomWhole === other.bottomWhole &&
      this.bottomNanos === other.bottomNanos &&
      this.value === other.value &&
      this.kind === other.kind &&
      sameQuantiles(this.quantiles, other.quantiles)
    )
  }

  copy(other: Part): void {
    this.kind = other.kind
    this.topWhole = other.topWhole
    this.topNanos = other.topNanos
    this.bottomWhole = other.bottomWhole
    this.bottomNanos = other.bottomNanos
    this.value = other.value
    this.quantiles = other.quantiles
  }

  writeTo(column: ColumnWriter): void {
    writeAmounts(this, column)
    writeShared(this.quantiles, column)
  }

  readFrom(column: ColumnReader): void {
    readAmounts(this, column)
    this.quantiles = readShared(column)
  }

  #readQuotient(top: number, bottom: number): boolean {
    this.topWhole = Math.floor(top)
    this.topNanos = top === this.topWhole ? 0 : Math.round((top - this.topWhole) * 1e9)
    this.bottomWhole = Math.floor(bottom)
    this.bottomNanos = bottom === this.bottomWhole ? 0 : Math.round((bottom - this.bottomWhole) * 1e9)
    return bottom > 0 && bottom < Infinity && top > -Infinity && top < Infinity
  }

  #readWeighted(value: number, samples: number): boolean {
    this.value = value
    const whole = Math.floor(value)
    const nanos = Math.round((value - whole) * 1e9) * samples
    const carried = Math.floor(nanos / 1e9)
    this.topWhole = whole * samples + carried
    this.topNanos = nanos - carried * 1e9
    this.bottomWhole = samples
    this.bottomNanos = 0
    return samples > 0 && samples < Infinity && Number.isFinite(value)
  }
}

export function sameQuantiles(a: Quantiles | null, b: Quantiles | null): boolean {
  return a === b || (a !== null && b !== null && a.equals(b))
}

/** What a window holds: sums from which one division gives the value. Buckets can be added and taken out exactly. */
export class Sums {
  kind: Measure['kind'] = 'count'
  topWhole = 0
  topNanos = 0
  bottomWhole = 0
  bottomNanos = 0
  /** Newest plain value, for `last` and for pulled values that are all equal. */
  value = 0
  /** How often the plain value differs between neighbours; 0 means all are equal. */
  changes = 0
  buckets = 0
  quantiles: QuantileTotal | Quantiles | null = null
  readonly #shrinks: boolean

  constructor(shrinks: boolean) {
    this.#shrinks = shrinks
  }

  clear(): void {
    this.topWhole = this.topNanos = this.bottomWhole = this.bottomNanos = 0
    this.value = this.changes = this.buckets = 0
    this.quantiles = null
  }

  add(part: Part, times: number): void {
    if (this.buckets > 0 && part.value !== this.value) this.changes++
    this.kind = part.kind
    this.value = part.value
    this.#change(part, times)
  }

  /** Forgets what it held for this one bucket, without copying its quantiles. */
  holdOnly(part: Part): void {
    this.kind = part.kind
    this.topWhole = part.topWhole
    this.topNanos = part.topNanos
    this.bottomWhole = part.bottomWhole
    this.bottomNanos = part.bottomNanos
    this.value = part.value
    this.changes = 0
    this.buckets = 1
    this.quantiles = part.quantiles
  }

  /** Takes the oldest buckets out. The owner corrects `changes`, because only it knows their neighbours. */
  remove(part: Part, times: number): void {
    this.#change(part, -times)
  }

  /** The value in the metric's unit; NaN when there is none. */
  valueOf(quantile: number): number {
    switch (this.kind) {
      case 'ratio':
      case 'mean':
        return this.#quotient()
      case 'value':
        return this.changes === 0 && this.buckets > 0 ? this.value : this.#quotient()
      case 'count':
        return this.topNanos === 0 ? this.topWhole : this.topWhole + this.topNanos / 1e9
      case 'last':
        return this.buckets > 0 ? this.value : Number.NaN
      case 'quantile':
        return this.quantiles?.quantile(quantile) ?? Number.NaN
    }
  }

  samples(): number {
    return this.bottomNanos === 0 ? this.bottomWhole : this.bottomWhole + this.bottomNanos / 1e9
  }

  clone(): Sums {
    const copy = new Sums(this.#shrinks)
    Object.assign(copy, this)
    copy.quantiles = this.quantiles === null ? null : this.#ownQuantiles().clone()
    return copy
  }

  toJSON(): SumsJson {
    const { kind, topWhole, topNanos, bottomWhole, bottomNanos, value, changes, buckets } = this
    const numbers = [topWhole, topNanos, bottomWhole, bottomNanos, value, changes, buckets]
    return { kind, numbers, quantiles: this.quantiles === null ? null : this.#ownQuantiles().toJSON() }
  }

  static fromJSON(json: SumsJson, shrinks: boolean): Sums {
    const sums = new Sums(shrinks)
    const [topWhole = 0, topNanos = 0, bottomWhole = 0, bottomNanos = 0, value = 0, changes = 0, buckets = 0] =
      json.numbers
    Object.assign(sums, { kind: json.kind, topWhole, topNanos, bottomWhole, bottomNanos, value, changes, buckets })
    sums.quantiles = json.quantiles === null ? null : QuantileTotal.fromJSON(json.quantiles, shrinks)
    return sums
  }

  writeTo(column: ColumnWriter): void {
    writeAmounts(this, column)
    column.put(this.changes)
    column.put(this.buckets)
    const total = this.quantiles instanceof QuantileTotal ? this.quantiles : null
    column.putFlag(total !== null)
    if (total !== null) total.writeTo(column)
    else writeShared(this.quantiles as Quantiles | null, column)
  }

  readFrom(column: ColumnReader): void {
    readAmounts(this, column)
    this.changes = column.index()
    this.buckets = column.number()
    this.quantiles = column.flag() ? this.#readTotal(column) : readShared(column)
  }

  #readTotal(column: ColumnReader): QuantileTotal {
    const total = this.quantiles instanceof QuantileTotal ? this.quantiles : new QuantileTotal(this.#shrinks)
    total.readFrom(column)
    return total
  }

  #change(part: Part, times: number): void {
    this.buckets += times
    this.topWhole += part.topWhole * times
    this.bottomWhole += part.bottomWhole * times
    if (part.topNanos !== 0) this.#changeTopNanos(part.topNanos * times)
    if (part.bottomNanos !== 0) this.#changeBottomNanos(part.bottomNanos * times)
    if (part.quantiles !== null) this.#changeQuantiles(part.quantiles, times)
  }

  #changeTopNanos(by: number): void {
    const nanos = this.topNanos + by
    const carried = Math.floor(nanos / 1e9)
    this.topWhole += carried
    this.topNanos = nanos - carried * 1e9
  }

  #changeBottomNanos(by: number): void {
    const nanos = this.bottomNanos + by
    const carried = Math.floor(nanos / 1e9)
    this.bottomWhole += carried
    this.bottomNanos = nanos - carried * 1e9
  }

  #changeQuantiles(quantiles: Quantiles, times: number): void {
    const total = this.#ownQuantiles()
    if (times > 0) total.add(quantiles, times)
    else total.remove(quantiles, -times)
  }

  #ownQuantiles(): QuantileTotal {
    if (this.quantiles instanceof QuantileTotal) return this.quantiles
    const total = new QuantileTotal(this.#shrinks)
    if (this.quantiles !== null) total.add(this.quantiles, 1)
    this.quantiles = total
    return total
  }

  #quotient(): number {
    const { topWhole, topNanos, bottomWhole, bottomNanos } = this
    if (bottomWhole <= 0 && bottomNanos <= 0) return Number.NaN
    if (topNanos === 0 && bottomNanos === 0) return topWhole / bottomWhole
    const top = topWhole * 1e9 + topNanos
    const bottom = bottomWhole * 1e9 + bottomNanos
    return top / bottom
  }
}

export interface SumsJson {
  readonly kind: Measure['kind']
  readonly numbers: readonly number[]
  readonly quantiles: QuantileTotalJson | null
}

/** The quantile a metric asks for; the others never use it. */
export function quantileOf(metric: Metric): number {
  return metric.measure.kind === 'quantile' ? metric.measure.quantile : 0.5
}

type Amounts = Pick<Part, 'kind' | 'topWhole' | 'topNanos' | 'bottomWhole' | 'bottomNanos' | 'value'>

function writeAmounts(amounts: Amounts, column: ColumnWriter): void {
  column.putOneOf(measureKinds, amounts.kind)
  column.put(amounts.topWhole)
  column.put(amounts.topNanos)
  column.put(amounts.bottomWhole)
  column.put(amounts.bottomNanos)
  column.put(amounts.value)
}

function readAmounts(amounts: Amounts, column: ColumnReader): void {
  amounts.kind = column.oneOf(measureKinds)
  amounts.topWhole = column.number()
  amounts.topNanos = column.number()
  amounts.bottomWhole = column.number()
  amounts.bottomNanos = column.number()
  amounts.value = column.number()
}
