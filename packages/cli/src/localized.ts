import type { Language } from '@dankai/insight'

/** Both languages stand side by side in the source, so that a text can never exist in one only. */
export type Localized = Readonly<Record<Language, string>>

/** The four parts every refusal has. In Japanese `cannot` ends in 〜ません and `found` is a clause such as「5 があります」. */
export interface Refusal {
  readonly cannot: string
  readonly found: string
  readonly expected: string
  readonly next: string
}

export function refuse(en: Refusal, ja: Refusal): Localized {
  return {
    en: `Cannot ${en.cannot}: found ${en.found}, expected ${en.expected}. ${en.next}`,
    ja: `${ja.cannot}: ${ja.found}が、${ja.expected}${endsInLatin.test(ja.expected) ? ' ' : ''}が必要です。${ja.next}`,
  }
}

/** A word in Latin letters is set off from the particle behind it. */
const endsInLatin = /[\x21-\x7e]$/

/** A text that is the same in both: what a server or another package said. */
export function asSaid(text: string): Localized {
  return { en: text, ja: text }
}
