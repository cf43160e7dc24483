import type { Localized, Located, Note } from '../problem.ts'

export function note(code: string, severity: Note['severity'], at: Located, en: string, ja: string): Note {
  const message: Localized = { en, ja }
  return { code, severity, place: at.place, path: at.path, message }
}
