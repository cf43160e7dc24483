import type { Metric } from '@dankai/plan'
import { gapMsOf } from './data-gap.ts'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import type { Measure } from './observation.ts'
import { RunRing, type RunRingJson } from './run-ring.ts'
import { SlidingWindow } from './sliding-window.ts'
import { Part, quantileOf, Sums, type SumsJson } from './sums.ts'

/** What a running total counts from: the exposure or the beginning of the current phase, or of the release. */
export const totalScopes = ['exposure', 'phase', 'release'] as const
export type TotalScope = (typeof totalScopes)[number]

/** Which buckets a term looks at. */
export type Window =
  | { readonly kind: 'newest' }
  | { readonly kind: 'sliding'; readonly ms: number }
  | { readonly kind: 'total'; readonly scope: TotalScope }

/** A bucket that may still change: it is looked at, never kept. */
export interface OpenBucket {
  readonly start: number
  readonly lengthMs: number
  readonly measure: Measure
}

export type TrackRole = 'value' | 'baseline'

export interface Total {
  readonly scope: TotalScope
  /** Buckets that begin earlier are not of this scope; NaN while the scope has not begun. */
  from: number
  sums: Sums
}

/**
 * The closed buckets of one track as terms look at them: the newest, the last so many minutes, or all since a moment.
 *
 * Buckets come in event order and each is taken once. Nothing here asks what time it is.
 */
export class TrackSamples {
  readonly role: TrackRole
  readonly metric: Metric
  readonly gapMs: number
  readonly quantile: number
  /** Its value is made of samples, also when a source answers with a plain number. */
  readonly asksForSamples: boolean
  readonly newest = new Part()
  readonly newestSums = new Sums(false)
  newestStart = Number.NaN
  newestEnd = Number.NEGATIVE_INFINITY
  newestLengthMs = 0
  /** Where the sliding windows end: at the newest bucket, or at the clock for samples that come by themselves. */
  slidTo = Number.NEGATIVE_INFINITY
  /** Value and samples of the bucket before the newest, across phases. */
  previousValue = Number.NaN
  previousSamples = 0
  /** Start of the first bucket after the newest gap: windows reaching further back are only partly measured. */
  coveredFrom = Number.NaN
  /** Buckets of this track that are not closed yet, oldest first. */
  open: readonly OpenBucket[] = []
  ring: RunRing
  readonly windows: SlidingWindow[]
  readonly totals: Total[]
  readonly #wantsPrevious: boolean

  constructor(role: TrackRole, metric: Metric, wanted: readonly Window[], wantsPrevious: boolean) {
    this.role = role
    this.metric = metric
    this.gapMs = gapMsOf(metric)
    this.quantile = quantileOf(metric)
    this.asksForSamples = ['ratio', 'mean', 'quantile'].includes(metric.measure.kind)
    this.#wantsPrevious = wantsPrevious
    this.ring = new RunRing()
    const spans = new Set(wanted.flatMap(window => (window.kind === 'sliding' ? [window.ms] : [])))
    this.windows = [...spans].sort((a, b) => a - b).map(ms => new SlidingWindow(ms, this.gapMs !== Infinity))
    const scopes = new Set(wanted.flatMap(window => (window.kind === 'total' ? [window.scope] : [])))
    this.totals = [...scopes].map(scope => ({ scope, from: Number.NaN, sums: new Sums(false) }))
  }

  get hasData(): boolean {
    return this.newestEnd !== Number.NEGATIVE_INFINITY
  }

  /** Distance of its buckets; infinite when samples come by themselves. */
  get everyMs(): number {
    return this.gapMs === Infinity ? Infinity : Math.max(this.metric.everyMs!, this.newestLengthMs)
  }

  /**
   * How long the newest bucket stands for the present. A value does until its gap; a baseline only until its next bucket
   * is due, because it has to be measured over the same window as what is compared with it.
   */
  get freshMs(): number {
    return this.role === 'baseline' ? this.everyMs : this.gapMs
  }

  sumsOf(window: Window): Sums {
    if (window.kind === 'newest') return this.newestSums
    if (window.kind === 'sliding') return this.windows.find(sliding => sliding.ms === window.ms)!.sums
    return this.totals.find(total => total.scope === window.scope)!.sums
  }

  /** Takes `count` equal, adjacent buckets; all of them lie on one side of every scope's beginning. */
  push(start: number, lengthMs: number, count: number, part: Part): void {
    if (this.hasData && part.kind !== this.newest.kind) this.#forgetOtherKind()
    if (this.#wantsPrevious) this.#keepPrevious(part, count)
    const end = start + lengthMs * count
    const broken = !this.hasData || start - this.newestEnd >= this.gapMs || this.coveredFrom === Infinity
    if (broken) this.coveredFrom = start
    this.newest.copy(part)
    this.newestSums.holdOnly(part)
    this.newestStart = end - lengthMs
    this.newestEnd = end
    this.newestLengthMs = lengthMs
    if (this.windows.length > 0) this.#pushWindows(start, lengthMs, count, part)
    for (const total of this.totals) if (start >= total.from) total.sums.add(part, count)
  }

  /** Lets the sliding windows end at `end`, which may lie after the newest bucket. */
  slideTo(end: number): void {
    if (end > this.slidTo) this.slidTo = end
    for (const window of this.windows) window.slideTo(this.slidTo, this.ring)
    this.#dropExpired()
  }

  /** True when any number of buckets equal to `part` from `start` on leaves every sliding window's content as it is. */
  isSteadyUnder(part: Part, start: number, lengthMs: number): boolean {
    if (this.windows.length === 0) return true
    if (start !== this.newestEnd || lengthMs !== this.newestLengthMs || !this.newest.sameAs(part)) return false
    return this.windows.every(window => window.isSteady(this.ring) && this.isCovered(window.ms, this.newestEnd))
  }

  isCovered(ms: number, end: number): boolean {
    return this.gapMs === Infinity || end - ms >= this.coveredFrom
  }

  beginTotal(scope: TotalScope, from: number): void {
    for (const total of this.totals) {
      if (total.scope !== scope) continue
      total.from = from
      total.sums.clear()
    }
  }

  forget(): void {
    this.newestEnd = Number.NEGATIVE_INFINITY
    this.newestStart = Number.NaN
    this.slidTo = Number.NEGATIVE_INFINITY
    this.previousValue = Number.NaN
    this.open = []
    this.newestSums.clear()
    this.#forgetOtherKind()
  }

  toJSON(): TrackSamplesJson {
    const { newestStart, newestEnd, newestLengthMs, slidTo, previousValue, previousSamples, coveredFrom } = this
    return {
      numbers: [newestStart, newestEnd, newestLengthMs, slidTo, previousValue, previousSamples, coveredFrom].map(
        String,
      ),
      part: this.hasData ? partRing(this.newest).toJSON() : null,
      ring: this.ring.toJSON(),
      totals: this.totals.map(({ scope, from, sums }) => ({ scope, from: String(from), sums: sums.toJSON() })),
    }
  }

  /** Takes over what was saved, as far as this plan still asks for it. */
  restore(json: TrackSamplesJson): void {
    const [newestStart, newestEnd, newestLengthMs, slidTo, previousValue, previousSamples, coveredFrom] =
      json.numbers.map(Number)
    Object.assign(this, { newestStart, newestEnd, newestLengthMs, slidTo, previousValue, previousSamples, coveredFrom })
    if (json.part !== null) {
      RunRing.fromJSON(json.part, this.newest)
      this.newestSums.holdOnly(this.newest)
    }
    this.ring = RunRing.fromJSON(json.ring, new Part())
    for (const window of this.windows) window.refill(this.ring, this.slidTo)
    for (const total of this.totals) {
      const saved = json.totals.find(candidate => candidate.scope === total.scope)
      if (saved === undefined) continue
      total.from = Number(saved.from)
      total.sums = Sums.fromJSON(saved.sums, false)
    }
  }

  writeTo(column: ColumnWriter): void {
    column.put(this.newestStart)
    column.put(this.newestEnd)
    column.put(this.newestLengthMs)
    column.put(this.slidTo)
    column.put(this.previousValue)
    column.put(this.previousSamples)
    column.put(this.coveredFrom)
    this.newest.writeTo(column)
    this.newestSums.writeTo(column)
    this.ring.writeTo(column)
    for (const window of this.windows) window.writeTo(column)
    for (const { from, sums } of this.totals) {
      column.put(from)
      sums.writeTo(column)
    }
  }

  /** All but the open buckets, which are of the metric. */
  readFrom(column: ColumnReader): void {
    this.newestStart = column.number()
    this.newestEnd = column.number()
    this.newestLengthMs = column.number()
    this.slidTo = column.number()
    this.previousValue = column.number()
    this.previousSamples = column.number()
    this.coveredFrom = column.number()
    this.newest.readFrom(column)
    this.newestSums.readFrom(column)
    this.ring.readFrom(column)
    for (const window of this.windows) window.readFrom(column)
    for (const total of this.totals) {
      total.from = column.number()
      total.sums.readFrom(column)
    }
  }

  #pushWindows(start: number, lengthMs: number, count: number, part: Part): void {
    this.ring.append(start, lengthMs, count, part)
    for (const window of this.windows) window.enter(part, count, this.ring)
    this.slideTo(start + lengthMs * count)
  }

  #dropExpired(): void {
    let first = this.ring.tail
    for (const window of this.windows) if (window.first < first) first = window.first
    if (first > this.ring.head) this.ring.dropBefore(first)
  }

  #keepPrevious(part: Part, count: number): void {
    if (count > 1) this.newestSums.holdOnly(part)
    else if (!this.hasData) return
    this.previousValue = this.newestSums.valueOf(this.quantile)
    this.previousSamples = this.newestSums.samples()
  }

  /** A ratio cannot be added to a plain number: when a source changes its answer, windows begin again. */
  #forgetOtherKind(): void {
    this.coveredFrom = Number.POSITIVE_INFINITY
    this.ring.clear()
    for (const window of this.windows) window.clear(this.ring)
    for (const total of this.totals) total.sums.clear()
  }
}

export interface TrackSamplesJson {
  readonly numbers: readonly string[]
  readonly part: RunRingJson | null
  readonly ring: RunRingJson
  readonly totals: readonly { readonly scope: TotalScope; readonly from: string; readonly sums: SumsJson }[]
}

function partRing(part: Part): RunRing {
  const ring = new RunRing()
  ring.append(0, 0, 1, part)
  return ring
}
