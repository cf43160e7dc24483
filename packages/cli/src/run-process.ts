import { explain } from './explain.ts'
import { commandContext, main } from './main.ts'
import { processTerminal } from './terminal.ts'

/** The command as a process: its exit code, and an answer also to what nobody awaited. */
export async function runProcess(): Promise<void> {
  const args = process.argv.slice(2)
  const terminal = processTerminal()
  process.on('uncaughtException', error => process.exit(explain(error, commandContext(args, terminal), args)))
  // `dankai events … | head` closes the pipe: whoever read has read enough.
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 3))
  process.exitCode = await main(args, terminal)
}
