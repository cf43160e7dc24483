import type { Language } from '@dankai/insight'
import { Api } from './api.ts'
import type { Localized } from './localized.ts'
import { languageOf, type Terminal } from './terminal.ts'

/** What every command gets: where it writes, in which language, and whether for people or for programs. */
export interface Context {
  readonly terminal: Terminal
  readonly language: Language
  readonly json: boolean
  readonly api: Api
}

export function contextOf(terminal: Terminal, json: boolean): Context {
  return { terminal, language: languageOf(terminal), json, api: new Api(terminal) }
}

/** One JSON line for programs, else the lines for people. */
export function print(context: Context, data: unknown, lines: () => readonly string[]): void {
  if (context.json) context.terminal.out(JSON.stringify(data))
  else for (const line of lines()) context.terminal.out(line)
}

export function say({ language }: Pick<Context, 'language'>, en: string, ja: string): string {
  return inLanguage(language, { en, ja })
}

export function inLanguage(language: Language, texts: Localized): string {
  return texts[language]
}
