import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import { createProgram } from '../program.ts'

/** The help of every command, as `dankai COMMAND --help` prints it on a terminal of 100 columns. */
export function renderCommandLine(): string {
  const terminal = {
    out: () => {},
    error: () => {},
    columns: 100,
    hasColour: false,
    environment: {},
    workingFolder: '',
  }
  const program = createProgram(contextOf(terminal, false))
  return [
    ['```text', wholeHelp(program), '```'].join('\n'),
    ...program.commands.map(command =>
      [`## dankai ${command.name()}`, '', '```text', wholeHelp(command), '```'].join('\n'),
    ),
  ].join('\n\n')
}

const wholeHelp = (command: Command): string => command.helpInformation().trimEnd()
