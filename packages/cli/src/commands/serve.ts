import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Context } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'

/** Runs the server in this terminal. Its own process: the CLI loads nothing of it for every other command. */
export async function serve(context: Context): Promise<void> {
  const main = fileURLToPath(import.meta.resolve('@dankai/server/main'))
  const server = spawn(process.execPath, [main], {
    stdio: 'inherit',
    env: context.terminal.environment as NodeJS.ProcessEnv,
  })
  const forward = (signal: NodeJS.Signals): void => void server.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const code = await new Promise<number>(resolve => server.on('exit', exit => resolve(exit ?? exitCode.unreachable)))
  process.off('SIGINT', forward).off('SIGTERM', forward)
  if (code !== 0) throw new CommandEnd(exitCode.unreachable, '')
}
