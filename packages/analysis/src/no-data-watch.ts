import type { NoDataTerm } from '@dankai/plan'
import type { Assessment } from './assessment.ts'
import type { ColumnReader, ColumnWriter } from './number-column.ts'
import type { PlacedTerm, TermPlace } from './plan-terms.ts'
import { unknownAssessment } from './term-assessment.ts'

/** How long a metric has said nothing; `since` is null while nobody expects it to speak. */
export interface Silence {
  readonly since: number | null
  readonly gapMs: number
}

/**
 * `error_rate has no data for 5m`: true once the metric has been silent for that long, and at least for its gap.
 * Of `highest`, every member has to be silent.
 */
export class NoDataWatch {
  readonly term: NoDataTerm
  readonly place: TermPlace
  readonly phase: number | null
  isActive = false
  /** Silence before the scope began does not count. */
  from = Number.NEGATIVE_INFINITY

  private constructor(term: NoDataTerm, place: TermPlace, phase: number | null) {
    this.term = term
    this.place = place
    this.phase = phase
  }

  static from({ term, place, phase }: PlacedTerm & { readonly term: NoDataTerm }): NoDataWatch {
    return new NoDataWatch(term, place, phase)
  }

  enterPhase(index: number, at: number): void {
    if (this.phase === null) return
    if (this.phase === index && this.place !== 'criterion') this.activate(at)
    else this.isActive = false
  }

  isCriterionOf(phase: number | null): boolean {
    return this.place === 'criterion' && this.phase === phase
  }

  activate(from: number): void {
    this.isActive = true
    this.from = from
  }

  assess(silences: readonly Silence[], now: number): Assessment {
    const since = this.#since(silences)
    const metAt = this.metAt(silences)
    if (!this.isActive || since === null) return unknownAssessment
    const gapMs = gapOf(silences)
    const holdsAt = gapMs === Infinity ? metAt : since + gapMs
    const isSilent = holdsAt !== null && now >= holdsAt
    const isMet = metAt !== null && now >= metAt
    return {
      ...unknownAssessment,
      met: isMet ? 'yes' : 'no',
      holds: isSilent ? 'yes' : 'no',
      trueSince: isSilent ? since : null,
      metAt: isSilent && !isMet ? metAt : null,
      missingSince: isSilent && gapMs !== Infinity ? since : null,
    }
  }

  /** When it is met if the silence goes on. */
  metAt(silences: readonly Silence[]): number | null {
    const since = this.#since(silences)
    if (!this.isActive || since === null) return null
    const gapMs = gapOf(silences)
    const waitMs = gapMs === Infinity ? this.term.forMs : Math.max(gapMs, this.term.forMs)
    return waitMs > 0 ? since + waitMs : null
  }

  #since(silences: readonly Silence[]): number | null {
    if (silences.length === 0 || silences.some(silence => silence.since === null)) return null
    return Math.max(this.from, ...silences.map(silence => silence.since!))
  }

  toJSON(): NoDataWatchJson {
    return { id: this.term.id, isActive: this.isActive, from: String(this.from) }
  }

  restore(json: NoDataWatchJson): void {
    this.isActive = json.isActive
    this.from = Number(json.from)
  }

  writeTo(column: ColumnWriter): void {
    column.putFlag(this.isActive)
    column.put(this.from)
  }

  readFrom(column: ColumnReader): void {
    this.isActive = column.flag()
    this.from = column.number()
  }
}

export interface NoDataWatchJson {
  readonly id: string
  readonly isActive: boolean
  readonly from: string
}

function gapOf(silences: readonly Silence[]): number {
  return Math.max(...silences.map(silence => silence.gapMs))
}
