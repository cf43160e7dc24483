import { CommandEnd, exitCode, unreachable } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { asSaid } from '../localized.ts'

/** Runs the server in this process until SIGTERM or SIGINT. It is loaded here alone: no other command pays for it. */
export async function serve(context: Context): Promise<void> {
  const { createServer, makeHeapRoom, readSettings } = await import('@dankai/server')
  const reading = readSettings(context.terminal.environment)
  if (!reading.ok) throw new CommandEnd(exitCode.usage, { code: 'usage', message: asSaid(reading.problems.join('\n')) })
  // Listened for before anything starts, so that a stop during the start still ends cleanly; more signals change nothing.
  const asked = new Promise<void>(resolve => process.on('SIGTERM', resolve).on('SIGINT', resolve))
  makeHeapRoom()
  const server = await createServer(reading.settings).catch((error: Error) => {
    throw unreachable(error.message)
  })
  const { url, firstAdminKey } = server
  print(context, { url, firstAdminKey, pid: process.pid }, () => [
    say(context, `Dankai is on ${url}`, `Dankai は ${url} で動いています`),
    ...(firstAdminKey === null ? [] : keyLines(context, firstAdminKey)),
  ])
  await asked
  await server.stop()
}

function keyLines(context: Context, key: string): readonly string[] {
  return [
    say(context, `First admin key, shown this once: ${key}`, `最初の管理者キー。表示はこの一度だけです: ${key}`),
    say(context, 'Give it to the CLI as DANKAI_API_KEY.', 'CLI には DANKAI_API_KEY として渡します。'),
  ]
}
