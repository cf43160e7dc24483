/**
 * Problems and notes are data: a stable code, a place, the path in the plan and the sentence in two languages.
 *
 * Inputs are whatever a reader of the language finds wrong; the output is a bounded list in the order of the files.
 * Invariants:
 *   1. A log never holds more than `problemsAtMost` problems, whatever the input.
 *   2. The same sentence at the same place is kept once: strategies share the plan's lines.
 *   3. Nothing here throws.
 */
import type { Place } from './compiled-plan.ts'

export type Language = 'en' | 'ja'

export interface Localized {
  readonly en: string
  readonly ja: string
}

export interface Problem {
  readonly code: string
  readonly place: Place
  /** Where in the document: `phases[1].promoteWhen[0]`. */
  readonly path: string
  readonly message: Localized
}

/** A note does not refuse the plan. `warning`: the plan will surprise its author. `info`: worth knowing. */
export interface Note extends Problem {
  readonly severity: 'info' | 'warning'
}

/** Anything that stands somewhere in a document. */
export interface Located {
  readonly place: Place
  readonly path: string
}

/** Fifty problems are more than a person repairs in one sitting, and bound the answer to a hostile file. */
export const problemsAtMost = 50

export interface ProblemLog {
  readonly add: (code: string, at: Located, message: Localized) => void
  readonly list: () => readonly Problem[]
  readonly isFull: () => boolean
}

export function createProblemLog(): ProblemLog {
  const kept = new Map<string, Problem>()
  return {
    add(code, at, message) {
      if (kept.size >= problemsAtMost) return
      const key = `${at.place.file}\n${at.place.line}\n${at.place.column}\n${message.en}`
      if (!kept.has(key)) kept.set(key, { code, place: at.place, path: at.path, message })
    },
    list: () => [...kept.values()],
    isFull: () => kept.size >= problemsAtMost,
  }
}

/** The four parts every refusal has. In Japanese `cannot` ends in 〜ません and `found` is a clause such as 「5 があります」. */
export interface Refusal {
  readonly cannot: string
  readonly found: string
  readonly expected: string
  readonly next: string
}

export function refuse(en: Refusal, ja: Refusal): Localized {
  return {
    en: `Cannot ${en.cannot}: found ${en.found}, expected ${en.expected}. ${en.next}`,
    ja: `${ja.cannot}: ${ja.found}が、${spaceAfterLatin(ja.expected)}が必要です。${ja.next}`,
  }
}

/** Japanese after a Latin letter, digit or sign reads better with a space between. */
export function spaceAfterLatin(text: string): string {
  return /[!-~]$/u.test(text) ? `${text} ` : text
}

/** `plan.yaml:12:5: Cannot …`, the form editors and CI logs turn into a link. */
export function renderProblem(problem: Problem, language: Language): string {
  const { file, line, column } = problem.place
  return `${file}:${line}:${column}: ${problem.message[language]}`
}

/** Sorted as a person reads: by file, then by line and column. */
export function sortByPlace<T extends Problem>(problems: readonly T[]): readonly T[] {
  return [...problems].sort(
    (a, b) => compareText(a.place.file, b.place.file) || a.place.line - b.place.line || a.place.column - b.place.column,
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Shown in messages: one line, never longer than a screen is wide. */
export function quote(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim()
  const letters = [...line]
  return `"${letters.length > 120 ? `${letters.slice(0, 117).join('')}…` : line}"`
}

export function listWords(words: readonly string[], language: Language): string {
  if (language === 'ja') return words.join('、')
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
