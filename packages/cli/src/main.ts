import { type Context, contextOf } from './context.ts'
import { explain } from './explain.ts'
import { createProgram } from './program.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Runs one command line and gives its exit code: 0 done, 1 the answer is no, 2 wrong usage, 3 could not reach something. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const context = commandContext(args, terminal)
  try {
    await createProgram(context).parseAsync([...args], { from: 'user' })
    return 0
  } catch (error) {
    return explain(error, context, args)
  }
}

/** Whether to answer in JSON is known before the line is parsed, because a line that cannot be parsed is answered too. */
export function commandContext(args: readonly string[], terminal: Terminal): Context {
  const end = args.indexOf('--')
  const isJson = (end === -1 ? args : args.slice(0, end)).includes('--json')
  return contextOf(terminal, isJson)
}
