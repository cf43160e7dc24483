import type { Language } from '@dankai/insight'

/** Where a command writes. Tests give their own; nothing else in the CLI touches the process. */
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
    hasColour: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    environment: process.env,
    workingFolder: process.cwd(),
  }
}

/** DANKAI_LANG, else the locale of the shell; English unless it is Japanese. */
export function languageOf(terminal: Terminal): Language {
  const said =
    terminal.environment['DANKAI_LANG'] ?? terminal.environment['LC_ALL'] ?? terminal.environment['LANG'] ?? ''
  return said.toLowerCase().startsWith('ja') ? 'ja' : 'en'
}
