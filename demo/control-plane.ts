import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Api } from '@dankai/cli'

export interface ControlPlane {
  readonly url: string
  readonly api: Api
  /** A key for the SDKs of the demo's services. */
  readonly sdkKey: string
  /** Code of a server that ended by itself; null while it runs or after it was killed. */
  exitCode(): number | null
  /** Kills the server as a power cut would, and starts it again on the same port and folder. */
  crash(): Promise<void>
  close(): Promise<void>
}

/** Starting PostgreSQL for the first time takes a second or two; a slow disk may need much longer. */
const startTimeoutMs = 60_000
const pollEveryMs = 100

/** The server as its own process on the project's Node, exactly as `dankai serve` runs it. */
export async function startControlPlane(settings: { port: number; dataDir: string | null }): Promise<ControlPlane> {
  const adminKey = process.env['DANKAI_ADMIN_KEY'] ?? randomBytes(24).toString('base64url')
  const url = `http://localhost:${settings.port}`
  const api = new Api({
    out: () => {},
    error: () => {},
    columns: 100,
    hasColour: false,
    workingFolder: process.cwd(),
    environment: { DANKAI_URL: url, DANKAI_API_KEY: adminKey },
  })
  let server = spawnServer(settings, adminKey)
  const close = async (): Promise<void> => end(server, 'SIGTERM')
  try {
    await untilReady(api, server)
    const { secret } = await api.post<{ secret: string }>('/v1/keys', {
      kind: 'sdk-server',
      principal: 'trips',
      name: 'demo',
    })
    const crash = async (): Promise<void> => {
      await end(server, 'SIGKILL')
      server = spawnServer(settings, adminKey)
      await untilReady(api, server)
    }
    return { url, api, sdkKey: secret, exitCode: () => server.exitCode, crash, close }
  } catch (error) {
    await close()
    throw error
  }
}

function spawnServer(settings: { port: number; dataDir: string | null }, adminKey: string): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(import.meta.resolve('@dankai/server/main'))], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      DANKAI_PORT: String(settings.port),
      DANKAI_ADMIN_KEY: adminKey,
      DANKAI_LOG_LEVEL: process.env['DANKAI_LOG_LEVEL'] ?? 'error',
      ...(settings.dataDir === null ? {} : { DANKAI_DATA_DIR: settings.dataDir }),
    },
  })
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill(signal)
  await once(server, 'exit')
}

/** Sends the demo's plans, as `dankai apply -f demo/plans` would. */
export async function applyDemoPlans(api: Api): Promise<void> {
  const folder = new URL('./plans/', import.meta.url)
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .map(name => ({ file: `demo/plans/${name}`, text: readFileSync(new URL(name, folder), 'utf8') }))
  const result = await api.post<{ ok: boolean; problems: { message: string }[] }>('/v1/plans', { files })
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'))
}

async function untilReady(api: Api, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(
        `Cannot start the server: found exit code ${server.exitCode}, expected it to run. Its message stands above.`,
      )
    const isReady = await api.get('/readyz').then(
      () => true,
      () => false,
    )
    if (isReady) return
    if (Date.now() > deadline)
      throw new Error(
        `Cannot start the server: found no answer after ${startTimeoutMs / 1000} s, expected it to be ready. Look at its log.`,
      )
    await new Promise(resolve => setTimeout(resolve, pollEveryMs))
  }
}
