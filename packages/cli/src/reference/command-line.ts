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
    ...program.commands.flatMap(command => [
      section(`## dankai ${command.name()}`, command),
      ...command.commands.map(inner => section(`### dankai ${command.name()} ${inner.name()}`, inner)),
    ]),
  ].join('\n\n')
}

const section = (title: string, command: Command): string =>
  [title, '', '```text', wholeHelp(command), '```'].join('\n')

const wholeHelp = (command: Command): string => command.helpInformation().trimEnd()
