import type { Language } from '@dankai/insight'

/** Where a command writes. Tests give their own. */
export interface Terminal {
  readonly out: (line: string) => void
  readonly error: (line: string) => void
  readonly columns: number
  readonly hasColour: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
}

export function processTerminal(): Terminal {
  return {
    out: line => process.stdout.write(`${line}\n`),
    error: line => process.stderr.write(`${line}\n`),
    columns: Math.min(process.stdout.columns ?? 100, 120),
    hasColour: process.stdout.isTTY === true && !process.env['NO_COLOR'],
    environment: process.env,
    workingFolder: workingFolder(),
  }
}

/** A shell can stand in a folder that was removed; then every relative path is one that is not there. */
function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    return process.env['PWD'] ?? '/'
  }
}

/** DANKAI_LANG, else the locale of the shell; English unless it is Japanese. */
export function languageOf({ environment }: Pick<Terminal, 'environment'>): Language {
  const said = environment['DANKAI_LANG'] || environment['LC_ALL'] || environment['LANG'] || ''
  return said.toLowerCase().startsWith('ja') ? 'ja' : 'en'
}
