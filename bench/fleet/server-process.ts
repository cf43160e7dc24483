import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const adminKey = 'dk_admin_key_of_the_benchmarks'

export interface ServerSettings {
  readonly dataDir: string
  /** Absent: the server starts its own PostgreSQL. */
  readonly databaseUrl?: string
  readonly port?: number
}

export interface ServerMemory {
  /** MB the process has of the machine. */
  readonly rssMb: number
  /** MB of live objects, after a collection. */
  readonly heapMb: number
}

/** A server as `dankai serve` runs it, in a process of its own. */
export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly databaseUrl: string
  memory(): Promise<ServerMemory>
  /** Seconds of processor time it has used. */
  cpuSeconds(): number
  /** As by a power cut. Resolves when the process is gone. */
  kill(): Promise<void>
  stop(): Promise<void>
}

const mainFile = fileURLToPath(import.meta.resolve('@dankai/server/main'))
const heapReport = fileURLToPath(new URL('heap-report.ts', import.meta.url))

/** `DANKAI_BENCH_NODE_OPTIONS`, for example `--cpu-prof`, goes to the server alone. */
export async function startServer(settings: ServerSettings): Promise<ServerProcess> {
  const options = (process.env['DANKAI_BENCH_NODE_OPTIONS'] ?? '').split(' ').filter(option => option !== '')
  const child = spawn(process.execPath, ['--expose-gc', '--import', heapReport, ...options, mainFile], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'] ?? '',
      DANKAI_PORT: String(settings.port ?? 0),
      DANKAI_DATA_DIR: settings.dataDir,
      DANKAI_ADMIN_KEY: adminKey,
      DANKAI_SECRET_KEY: '07'.repeat(32),
      DANKAI_LOG_LEVEL: process.env['DANKAI_LOG_LEVEL'] ?? 'fatal',
      ...(settings.databaseUrl === undefined ? {} : { DATABASE_URL: settings.databaseUrl }),
    },
  })
  const url = await addressOf(child)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    url,
    port: Number(new URL(url).port),
    databaseUrl: settings.databaseUrl ?? embeddedUrl(settings.dataDir),
    async memory() {
      const answer = once(child, 'message')
      child.send('report memory')
      const [{ rss, heapUsed }] = (await answer) as [NodeJS.MemoryUsage]
      return { rssMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20 }
    },
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /^Dankai is on (\S+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('Cannot start the server: found it ended, expected an address. Its message stands above.')
}

/** Where the server's own PostgreSQL is: its folder has the password, and the port on the fourth line of its pid file. */
function embeddedUrl(dataDir: string): string {
  const folder = join(dataDir, 'postgres', 'postgres')
  const port = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[3]
  const password = readFileSync(join(dataDir, 'postgres', 'postgres.password'), 'utf8').trim()
  return `postgresql://dankai:${encodeURIComponent(password)}@127.0.0.1:${port}/dankai`
}

const ticksPerSecond = 100

/** From Linux's process table; NaN where there is none. */
function cpuSecondsOf(pid: number): number {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return Number.NaN
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
