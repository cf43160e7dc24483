import { main } from '../main.ts'
import type { Terminal } from '../terminal.ts'

export interface CommandRun {
  readonly exit: number
  readonly out: readonly string[]
  readonly error: readonly string[]
  /** Both, in the order in which they were written; lines of stderr begin with "! ". */
  readonly transcript: string
}

export interface CommandSetting {
  readonly workingFolder: string
  readonly environment?: Readonly<Record<string, string>>
  /** Called with every line on stdout as it is written. */
  readonly onOut?: (line: string) => void
}

/** Runs a command line in this process, with its own terminal and environment. */
export async function runCommand(args: readonly string[], setting: CommandSetting): Promise<CommandRun> {
  const out: string[] = []
  const error: string[] = []
  const transcript: string[] = []
  const terminal: Terminal = {
    out: line => {
      out.push(line)
      transcript.push(line)
      setting.onOut?.(line)
    },
    error: line => {
      error.push(line)
      transcript.push(line.replace(/^/gm, '! '))
    },
    columns: 100,
    hasColour: false,
    environment: setting.environment ?? {},
    workingFolder: setting.workingFolder,
  }
  const exit = await main(args, terminal)
  return { exit, out, error, transcript: transcript.join('\n') }
}

/** Words of a command line as a shell would part them: blanks, single and double quotes. */
export function splitWords(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double ?? ''),
  )
}
