import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { adminKey } from '../../testing/test-server.ts'

export interface InstanceSettings {
  readonly databaseUrl: string
  readonly dataDir: string
  /** Where compiled modules are kept for the next start; halves what a start costs. */
  readonly cacheFolder?: string
  /** Where this instance dies, one text a start; starts after the last one live. See fault-injection.ts. */
  readonly faults?: readonly string[]
  /** True: a process that died is started again at once on the same port, as a service manager does. */
  readonly isKept?: boolean
}

/** One instance of Dankai as `dankai serve` runs it: a process of its own, reached by HTTP alone. */
export interface InstanceProcess {
  readonly url: string
  readonly pid: number
  /** Moments at which it died, epoch milliseconds. */
  readonly deaths: readonly number[]
  /** What it wrote to its log, newest last. */
  readonly lastLines: readonly string[]
  /** Faults planned "from SIGUSR2" count from here on. */
  arm(): void
  /** As by a power cut. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Resolves at the next death. */
  death(): Promise<void>
  /** Starts it again after a death; on the same port. */
  start(): Promise<void>
  /** For good. */
  close(): Promise<void>
}

const linesKept = 30
const mainFile = fileURLToPath(new URL('../../main.ts', import.meta.url))

export async function openInstance(settings: InstanceSettings): Promise<InstanceProcess> {
  const deaths: number[] = []
  const lastLines: string[] = []
  const waiting = new Set<() => void>()
  const faults = [...(settings.faults ?? [])]
  let child: ChildProcess
  let url = ''
  let isClosing = false
  let isArmable = false

  const start = async (): Promise<void> => {
    const port = url === '' ? '0' : new URL(url).port
    const [fault] = faults
    isArmable = fault?.endsWith('from SIGUSR2') ?? false
    child = spawnServer(settings, port, fault)
    createInterface({ input: child.stderr! }).on('line', line => keepLine(lastLines, line))
    child.once('exit', (_, signal) => ended(signal))
    url = await addressOf(child, lastLines)
  }
  const died = (): void => {
    faults.shift()
    deaths.push(Date.now())
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  /** One that could not start ends by itself: that is no death, and its fault is still to come. */
  const ended = (signal: NodeJS.Signals | null): void => {
    if (signal === 'SIGKILL') died()
    if (settings.isKept === true && !isClosing) start().catch(error => keepLine(lastLines, String(error)))
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const end = once(child, 'exit')
    child.kill('SIGKILL')
    await end
  }
  await start()
  return {
    get url() {
      return url
    },
    get pid() {
      return child.pid ?? 0
    },
    deaths,
    lastLines,
    // Without a listener the signal would end the process.
    arm: () => void (isArmable && child.kill('SIGUSR2')),
    kill,
    death: () => new Promise<void>(resolve => waiting.add(resolve)),
    start,
    async close() {
      isClosing = true
      await kill()
    },
  }
}

function spawnServer({ databaseUrl, dataDir, cacheFolder }: InstanceSettings, port: string, fault: string | undefined) {
  return spawn(process.execPath, [mainFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: databaseUrl,
      DANKAI_PORT: port,
      DANKAI_DATA_DIR: dataDir,
      DANKAI_ADMIN_KEY: adminKey,
      DANKAI_SECRET_KEY: '07'.repeat(32),
      DANKAI_LOG_LEVEL: process.env['DANKAI_LOG_LEVEL'] ?? 'warn',
      ...(cacheFolder === undefined ? {} : { NODE_COMPILE_CACHE: cacheFolder }),
      ...(fault === undefined ? {} : { DANKAI_FAULT: fault }),
    },
  })
}

function keepLine(lines: string[], line: string): void {
  lines.push(line.slice(0, 500))
  if (lines.length > linesKept) lines.shift()
}

/** The address it says it is on; a process that ends before has a fault of the test in its log. */
async function addressOf(child: ChildProcess, lastLines: readonly string[]): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /^Dankai is on (\S+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`Cannot start an instance: found it ended, expected an address. ${lastLines.join(' | ')}`)
}
