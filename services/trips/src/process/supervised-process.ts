import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** The JSON line with which a process says that it is ready. */
export type ReadyLine = { readonly listening: number } & Readonly<Record<string, unknown>>

export interface SupervisedOptions {
  readonly name: string
  readonly script: string
  /** Called for each start; `before` is what the process said when it was first ready, null the first time. */
  readonly args: (before: ReadyLine | null) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly restarts: boolean
  readonly heapMaxMb: number
  readonly onLine?: (line: Readonly<Record<string, unknown>>) => void
  readonly onLog?: (text: string) => void
  readonly onRestart?: (restarts: number) => void
}

export interface SupervisedProcess {
  readonly ready: ReadyLine
  /** Null between a crash and the restart. */
  pid(): number | null
  restarts(): number
  /** The running process once it is ready; the next one when it is down. */
  whenReady(): Promise<ReadyLine>
  send(line: object): void
  /** Resolves when the process is gone, whatever it took. */
  close(): Promise<void>
}

const READY_MS = 15_000
/** Longer than the grace period in which a process ends in order by itself. */
const TERM_MS = 6_000
const RESTART_FIRST_MS = 200
const RESTART_MAX_MS = 2_000
/** A process that lived this long was not in a crash loop. */
const STEADY_MS = 10_000
const LOG_TAIL_LINES = 20
/** Halves the processor time of a start and takes a third off its memory; a crash loop starts often. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/compiled', import.meta.url))

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Runs a script as a child process and starts it again when it ends by itself.
 *
 * 1. `close` leaves no process behind: first SIGTERM, then SIGKILL, always to the one pid that was started.
 * 2. A process that was started again is told where the first one listened.
 * 3. The pause before a restart doubles up to 2 s, so that a crash loop cannot eat the machine.
 * 4. If the supervisor itself is killed, its children see their stdin close and end.
 */
export async function startSupervised(options: SupervisedOptions): Promise<SupervisedProcess> {
  const supervisor = new Supervisor(options)
  supervisor.start()
  try {
    const ready = await supervisor.whenReady()
    return {
      ready,
      pid: () => supervisor.pid,
      restarts: () => supervisor.restarts,
      whenReady: () => supervisor.whenReady(),
      send: line => supervisor.send(line),
      close: () => supervisor.close(),
    }
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

class Supervisor {
  readonly #options: SupervisedOptions
  readonly #logTail: string[] = []
  readonly #killNow = () => void this.#child?.kill('SIGKILL')
  #child: Child | null = null
  #first: ReadyLine | null = null
  #ready = newReady()
  #isReady = false
  #restarts = 0
  #pauseMs = RESTART_FIRST_MS
  #isClosing = false
  #restartTimer: NodeJS.Timeout | undefined

  constructor(options: SupervisedOptions) {
    this.#options = options
    process.on('exit', this.#killNow)
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  get restarts(): number {
    return this.#restarts
  }

  whenReady(): Promise<ReadyLine> {
    return this.#ready.promise
  }

  send(line: object): void {
    this.#child?.stdin.write(`${JSON.stringify(line)}\n`)
  }

  start(): void {
    const startedAt = performance.now()
    const child = spawnChild(this.#options, this.#first)
    const lateTimer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
    this.#child = child
    child.stdin.on('error', () => {})
    child.once('error', error => this.#log(error.message))
    readLines(child.stderr, text => this.#log(text))
    readJsonLines(child.stdout, line => {
      if (!isReadyLine(line)) return this.#options.onLine?.(line)
      clearTimeout(lateTimer)
      this.#first ??= line
      this.#isReady = true
      this.#ready.resolve(line)
    })
    child.once('close', () => {
      clearTimeout(lateTimer)
      this.#child = null
      if (!this.#isClosing) this.#answerEnd(performance.now() - startedAt)
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#restartTimer)
    if (this.#child) await endChild(this.#child)
    this.#ready.reject(new Error(`Cannot use "${this.#options.name}": found it closed.`))
    process.off('exit', this.#killNow)
  }

  /** The end of a process that was ready opens the wait for the next one; who waits already goes on waiting. */
  #answerEnd(livedMs: number): void {
    if (this.#isReady) this.#ready = newReady()
    this.#isReady = false
    if (this.#first === null || !this.#options.restarts) {
      this.#ready.reject(new Error(endedMessage(this.#options.name, this.#logTail)))
      return
    }
    if (livedMs > STEADY_MS) this.#pauseMs = RESTART_FIRST_MS
    this.#restartTimer = setTimeout(() => this.#restart(), this.#pauseMs)
    this.#pauseMs = Math.min(RESTART_MAX_MS, this.#pauseMs * 2)
  }

  #restart(): void {
    this.#restarts += 1
    this.start()
    this.#options.onRestart?.(this.#restarts)
  }

  #log(text: string): void {
    this.#logTail.push(text)
    if (this.#logTail.length > LOG_TAIL_LINES) this.#logTail.shift()
    this.#options.onLog?.(text)
  }
}

function newReady(): PromiseWithResolvers<ReadyLine> {
  const ready = Promise.withResolvers<ReadyLine>()
  ready.promise.catch(() => {})
  return ready
}

function spawnChild({ script, args, env, heapMaxMb }: SupervisedOptions, first: ReadyLine | null): Child {
  const nodeArgs = [`--max-old-space-size=${heapMaxMb}`, script, ...args(first), '--supervised', 'true']
  return spawn(process.execPath, nodeArgs, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...env },
  })
}

async function endChild(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), TERM_MS)
  child.kill('SIGTERM')
  await gone
  clearTimeout(timer)
}

function readLines(stream: Readable, onLine: (text: string) => void): void {
  createInterface({ input: stream }).on('line', onLine)
}

function readJsonLines(stream: Readable, onLine: (line: Readonly<Record<string, unknown>>) => void): void {
  readLines(stream, text => {
    const line = parsed(text)
    if (line) onLine(line)
  })
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function isReadyLine(line: Readonly<Record<string, unknown>>): line is ReadyLine {
  return typeof line.listening === 'number'
}

function endedMessage(name: string, logTail: readonly string[]): string {
  return `Cannot start "${name}": found that it ended, expected its ready line. It said: ${logTail.join(' | ') || 'nothing'}`
}
