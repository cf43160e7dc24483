import { createServer, type DankaiServer } from './create-server.ts'
import { makeHeapRoom } from './heap-room.ts'
import { isLoopback, readSettings, type Settings } from './settings.ts'

/** Wrong settings, as for a command line. */
const usageExit = 2
/** Something it needs (a port, a database) could not be had. */
const unreachableExit = 3

/** Starts the server from the environment and stops it at SIGTERM or SIGINT, once, however often they come. */
export async function run(): Promise<void> {
  const reading = readSettings(process.env)
  if (!reading.ok) {
    process.stderr.write(`${reading.problems.join('\n')}\n`)
    process.exitCode = usageExit
    return
  }
  let server: DankaiServer | null = null
  let isStopping = false
  const stop = (): void => {
    isStopping = true
    server?.stop().then(
      () => process.exit(0),
      () => process.exit(unreachableExit),
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  makeHeapRoom()
  try {
    server = await createServer(reading.settings)
    if (isStopping) return stop()
    announce(server, reading.settings)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(unreachableExit)
  }
}

function announce({ url, firstAdminKey }: DankaiServer, { host, adminKey }: Settings): void {
  process.stdout.write(`Dankai is on ${url}\n`)
  if (firstAdminKey !== null)
    process.stdout.write(`First admin key, shown this once: ${firstAdminKey}\nGive it to the CLI as DANKAI_API_KEY.\n`)
  if (isLoopback(host) && adminKey === null && firstAdminKey === null)
    process.stdout.write('From this machine it needs no key.\n')
}
