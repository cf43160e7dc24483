import type { DiffersTerm, MetricTerm, NoDataTerm, Span } from '@dankai/plan'
import { type Answer, answers, isTrue } from './answer.ts'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import type { PlacedTerm, TermPlace } from './plan-terms.ts'
import type { Numbers } from './reading.ts'
import type { Window } from './track-samples.ts'

export type Comparison = MetricTerm | DiffersTerm

/** A run of true buckets, for `N times in W`. */
interface TrueRun {
  start: number
  lengthMs: number
  count: number
}

/**
 * One comparison of a plan and what it has seen so far.
 *
 * 1. Only closed buckets are taken, in event order; buckets that begin before `from` are not of its scope.
 * 2. A true bucket starts or extends the run, a false one ends it, an unanswerable one does neither, until a gap has
 *    passed since the last true bucket: then the run has ended too.
 * 3. Terms over a running total are judged when asked. They have no run: a total is one answer, not a row of samples.
 */
export class TermWatch {
  readonly id: string
  readonly term: Comparison
  readonly place: TermPlace
  readonly phase: number | null
  readonly window: Window
  readonly span: Span | null
  readonly comparesWithBaseline: boolean
  readonly comparesWithPrevious: boolean
  readonly gapMs: number
  isActive = false
  /** Buckets that begin earlier do not count. */
  from = Number.NEGATIVE_INFINITY
  /** Answer of the newest bucket taken. */
  newest: Answer = 'unknown'
  hasTaken = false
  trueStart = Number.NaN
  trueEnd = Number.NaN
  times = 0
  runs: TrueRun[] = []

  constructor(placed: PlacedTerm & { readonly term: Comparison }, window: Window, gapMs: number) {
    const { term, place, phase } = placed
    this.id = term.id
    this.term = term
    this.place = place
    this.phase = phase
    this.window = window
    this.gapMs = gapMs
    this.span = term.kind === 'metric' ? term.span : null
    const reference = referenceOf(term)
    this.comparesWithBaseline = reference === 'baseline'
    this.comparesWithPrevious = reference === 'previous'
  }

  get isEager(): boolean {
    return this.window.kind !== 'total'
  }

  activate(from: number): void {
    this.isActive = true
    this.from = from
    this.restart()
  }

  deactivate(): void {
    this.isActive = false
    this.restart()
  }

  restart(): void {
    this.endRun()
    this.newest = 'unknown'
    this.hasTaken = false
    this.times = 0
    this.runs = []
  }

  endRun(): void {
    this.trueStart = this.trueEnd = Number.NaN
  }

  /** Takes `count` adjacent buckets that all have this answer. */
  take(answer: Answer, start: number, lengthMs: number, count: number): void {
    if (start < this.from) return
    this.newest = answer
    this.hasTaken = true
    const end = start + lengthMs * count
    if (answer === 'no') this.endRun()
    else if (answer === 'yes') this.#takeTrue(start, lengthMs, count, end)
    else if (end - this.trueEnd >= this.gapMs) this.endRun()
    if (this.runs.length > 0) this.expireTimes(end)
  }

  /** Lets true samples that lie further back than `N times in W` looks at expire. */
  expireTimes(end: number): void {
    const ms = this.timesWithinMs
    if (ms === null) return
    const from = end - ms
    for (let run = this.runs[0]; run !== undefined; run = this.runs[0]) {
      const left = run.lengthMs > 0 ? Math.ceil((from - run.start) / run.lengthMs) : run.start <= from ? run.count : 0
      const expired = Math.min(run.count, Math.max(0, left))
      run.start += expired * run.lengthMs
      run.count -= expired
      this.times -= expired
      if (run.count > 0) return
      this.runs.shift()
    }
  }

  get timesWithinMs(): number | null {
    return this.span?.kind === 'times' ? this.span.ms : null
  }

  #takeTrue(start: number, lengthMs: number, count: number, end: number): void {
    if (!(start - this.trueEnd < this.gapMs)) this.trueStart = start
    this.trueEnd = end
    if (this.span?.kind !== 'times') return
    this.times += count
    if (this.span.ms !== null && count > 0) this.#keepTrueRun(start, lengthMs, count)
  }

  #keepTrueRun(start: number, lengthMs: number, count: number): void {
    const last = this.runs.at(-1)
    const continues = last !== undefined && last.lengthMs === lengthMs && last.start + lengthMs * last.count === start
    if (continues) last.count += count
    else this.runs.push({ start, lengthMs, count })
  }

  toJSON(): TermWatchJson {
    const { id, newest, hasTaken, times, runs } = this
    const numbers = [this.from, this.trueStart, this.trueEnd].map(String)
    return {
      id,
      text: this.term.text,
      isActive: this.isActive,
      newest,
      hasTaken,
      times,
      numbers,
      runs: runs.map(run => ({ ...run })),
    }
  }

  /** Takes over a saved state when the sentence is still the same. */
  restore(json: TermWatchJson): void {
    if (json.text !== this.term.text) return
    const [from, trueStart, trueEnd] = json.numbers.map(Number)
    const { isActive, newest, hasTaken, times } = json
    Object.assign(this, { isActive, newest, hasTaken, times, from, trueStart, trueEnd })
    this.runs = json.runs.map(run => ({ ...run }))
  }

  writeTo(column: ColumnWriter): void {
    column.putFlag(this.isActive)
    column.put(this.from)
    column.putOneOf(answers, this.newest)
    column.putFlag(this.hasTaken)
    column.put(this.trueStart)
    column.put(this.trueEnd)
    column.put(this.times)
    column.put(this.runs.length)
    for (const { start, lengthMs, count } of this.runs) {
      column.put(start)
      column.put(lengthMs)
      column.put(count)
    }
  }

  readFrom(column: ColumnReader): void {
    this.isActive = column.flag()
    this.from = column.number()
    this.newest = column.oneOf(answers)
    this.hasTaken = column.flag()
    this.trueStart = column.number()
    this.trueEnd = column.number()
    this.times = column.number()
    this.runs.length = 0
    for (let left = column.index(); left > 0; left--) {
      this.runs.push({ start: column.number(), lengthMs: column.number(), count: column.number() })
    }
  }
}

export interface TermWatchJson {
  readonly id: string
  readonly text: string
  readonly isActive: boolean
  readonly newest: Answer
  readonly hasTaken: boolean
  readonly times: number
  readonly numbers: readonly string[]
  readonly runs: readonly Readonly<TrueRun>[]
}

export function isComparison(placed: PlacedTerm): placed is PlacedTerm & { readonly term: Comparison } {
  return placed.term.kind !== 'noData'
}

export function isNoData(placed: PlacedTerm): placed is PlacedTerm & { readonly term: NoDataTerm } {
  return placed.term.kind === 'noData'
}

export function referenceOf(term: Comparison): 'baseline' | 'previous' | null {
  if (term.kind === 'differs') return term.from
  return term.limit.kind === 'reference' ? term.limit.reference : null
}

/** The answer of one look, without duration: rules of minimum samples, absent references and partial counts included. */
export function judge(term: Comparison, numbers: Numbers): Answer {
  if (!numbers.hasEnough || Number.isNaN(numbers.value)) return 'unknown'
  if (term.kind === 'metric' && term.limit.kind === 'amount') {
    return trust(term, numbers, term.limit.value, true)
  }
  const reference = referenceFor(term, numbers)
  if (Number.isNaN(reference)) return 'unknown'
  if (term.kind === 'differs') return judgeDifference(term, numbers.value, reference)
  const limit = limitOf(term, reference)
  if (Number.isNaN(limit)) return 'unknown'
  return trust(term, numbers, limit, false)
}

/** The number the value is compared with; NaN while there is none. For `differs`, the allowed distance. */
export function limitFor(term: Comparison, numbers: Numbers): number {
  if (term.kind === 'metric' && term.limit.kind === 'amount') return term.limit.value
  const reference = referenceFor(term, numbers)
  if (term.kind === 'metric') return limitOf(term, reference)
  return term.relative ? term.by * Math.abs(reference) : term.by
}

function referenceFor(term: Comparison, numbers: Numbers): number {
  if (referenceOf(term) === 'previous') return numbers.previousHasEnough ? numbers.previous : Number.NaN
  return numbers.baselineHasEnough ? numbers.baseline : Number.NaN
}

/** A multiple or a percentage of nothing is no limit: NaN. Points on top of nothing are one. */
function limitOf(term: MetricTerm, reference: number): number {
  if (term.limit.kind === 'amount') return term.limit.value
  const { multiple, plus, plusRelative } = term.limit
  if (reference === 0 && (multiple !== 1 || plusRelative !== 0)) return Number.NaN
  return multiple * reference + plus + plusRelative * reference
}

function judgeDifference(term: DiffersTerm, value: number, reference: number): Answer {
  if (term.relative && reference === 0) return 'unknown'
  const allowed = term.relative ? term.by * Math.abs(reference) : term.by
  return isTrue(Math.abs(value - reference), term.op, allowed, false) ? 'yes' : 'no'
}

/** A value that can only be higher in truth may exceed a limit, but never stay under one. */
function trust(term: MetricTerm, numbers: Numbers, limit: number, exact: boolean): Answer {
  const { op } = term
  const holds = isTrue(numbers.value, op, limit, exact)
  if (numbers.completeness === 'whole') return holds ? 'yes' : 'no'
  const asksForHigh = op === '>' || op === '>='
  if (asksForHigh) return holds ? 'yes' : numbers.completeness === 'partial' ? 'no' : 'unknown'
  if (op === '=') return numbers.value > limit ? 'no' : 'unknown'
  return holds ? 'unknown' : 'no'
}
