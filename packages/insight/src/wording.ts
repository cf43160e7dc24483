import type { CompiledPlan } from '@dankai/plan'

export type Language = 'en' | 'ja'

/** What a text needs beside the data: the language, the zone its times are read in, and the plan for names and units. */
export interface Wording {
  readonly language: Language
  /** IANA name; times are printed in it without the zone, because every text of a release uses the same one. */
  readonly timezone: string
  readonly plan: CompiledPlan | null
}

/** The wording of a plan: times in its calendar's zone, UTC when it has no calendar. */
export function wordingOf(plan: CompiledPlan | null, language: Language): Wording {
  return { language, timezone: plan?.calendar?.timezone ?? 'UTC', plan }
}

/** Both languages stand side by side in the source, so that a text can never exist in one only. */
export function inLanguage(wording: Wording, texts: Readonly<Record<Language, string>>): string {
  return texts[wording.language]
}
