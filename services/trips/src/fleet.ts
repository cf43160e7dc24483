import { fileURLToPath } from 'node:url'
import { type Faults, noFaults } from './core/faults.ts'
import type { ApiVersion } from './core/version.ts'
import type { Track } from './gateway/route-user.ts'
import type { LoadSummary } from './load/generate-load.ts'
import { type ReadyLine, type SupervisedProcess, startSupervised } from './process/supervised-process.ts'

export interface TripsOptions {
  readonly dankaiUrl: string
  readonly key: string
  readonly flag?: string
  /** Service name its samples carry. Default: trips. */
  readonly service?: string
  /** Requests a second; 0 starts no load generator. */
  readonly rate?: number
  readonly users?: number
  readonly seed?: number
  readonly versions?: Readonly<Record<Track, ApiVersion>>
  /** Lines that the processes write on stderr. */
  readonly onLog?: (process: string, text: string) => void
  /** What the load generator saw in the running segment, every second if not said otherwise. */
  readonly progressEveryMs?: number
  readonly onProgress?: (progress: LoadSummary) => void
  readonly onRestart?: (track: Track, restarts: number) => void
}

export interface TripsApiHandle {
  readonly url: string
  readonly controlUrl: string
  readonly version: ApiVersion
  pid(): number | null
  restarts(): number
  whenReady(): Promise<unknown>
}

export interface Trips {
  readonly gatewayUrl: string
  readonly gatewayControlUrl: string
  readonly apis: Readonly<Record<Track, TripsApiHandle>>
  /** What is not named is off. The faults outlive a crash: a restarted process has them again. */
  setFaults(track: Track, faults: Partial<Faults>): Promise<void>
  /** Ends the running segment of the load and gives what was seen in it. */
  nextSegment(name: string): Promise<LoadSummary>
  /** Pids of all processes that run now. */
  pids(): readonly number[]
  /** Ends every process; gives the last segment of the load, null without load. */
  close(): Promise<LoadSummary | null>
}

const VERSIONS: Readonly<Record<Track, ApiVersion>> = { stable: 'v1.5.0', canary: 'v1.6.0' }
const TRACKS: readonly Track[] = ['stable', 'canary']
const CALL_MS = 2_000
const SUMMARY_MS = 5_000
const FAULT_TRIES = 5

/** Small heaps: four processes share a small machine with a database, and none of them holds much. */
const HEAP_MB = { api: 96, gateway: 96, load: 64 } as const

const script = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * The TripTrip service as processes: two versions of the API, the gateway in front of them, the load generator.
 *
 * 1. When one of them cannot start, those already started are ended before the error is given on.
 * 2. An API that ends by itself is started again on the same port, and the gateway is told of each restart.
 */
export async function startTrips(options: TripsOptions): Promise<Trips> {
  const fleet = new Fleet(options)
  try {
    await fleet.start()
    return fleet.handle()
  } catch (error) {
    await fleet.close()
    throw error
  }
}

class Fleet {
  readonly #options: TripsOptions
  readonly #faults: Record<Track, Faults> = { stable: noFaults, canary: noFaults }
  readonly #apis = new Map<Track, SupervisedProcess>()
  readonly #summaries: PromiseWithResolvers<LoadSummary>[] = []
  #gateway: SupervisedProcess | null = null
  #load: SupervisedProcess | null = null

  constructor(options: TripsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await allOrThrow(TRACKS.map(track => this.#startApi(track)))
    this.#gateway = await this.#startGateway()
    if ((this.#options.rate ?? 60) > 0) this.#load = await this.#startLoad()
  }

  handle(): Trips {
    return {
      gatewayUrl: urlOf(this.#gateway!.ready),
      gatewayControlUrl: controlOf(this.#gateway!.ready),
      apis: { stable: this.#apiHandle('stable'), canary: this.#apiHandle('canary') },
      setFaults: (track, faults) => this.#setFaults(track, faults),
      nextSegment: name => this.#nextSegment(name),
      pids: () => this.#processes().flatMap(process => process.pid() ?? []),
      close: () => this.close(),
    }
  }

  /** The processes end whether or not the load generator lives to say what it saw. */
  async close(): Promise<LoadSummary | null> {
    const load = this.#load
    this.#load = null
    const last = load && load.pid() !== null ? this.#summary().catch(() => null) : null
    await load?.close()
    await Promise.all(this.#processes().map(process => process.close()))
    this.#giveUpSummaries()
    return last
  }

  #processes(): readonly SupervisedProcess[] {
    return [this.#load, this.#gateway, ...this.#apis.values()].filter(process => process !== null)
  }

  #apiHandle(track: Track): TripsApiHandle {
    const api = this.#apis.get(track)!
    return {
      url: urlOf(api.ready),
      controlUrl: controlOf(api.ready),
      version: this.#versionOf(track),
      pid: () => api.pid(),
      restarts: () => api.restarts(),
      whenReady: () => api.whenReady(),
    }
  }

  #versionOf(track: Track): ApiVersion {
    return (this.#options.versions ?? VERSIONS)[track]
  }

  async #startApi(track: Track): Promise<void> {
    const api = await startSupervised({
      ...this.#shared(`trips-${track}`),
      script: script('./main.ts'),
      restarts: true,
      heapMaxMb: HEAP_MB.api,
      env: { DEPLOYMENT_TRACK: track },
      args: before => [...this.#apiArgs(track), ...(before ? samePlace(before) : [])],
      onRestart: restarts => this.#answerRestart(track, restarts),
    })
    this.#apis.set(track, api)
  }

  #apiArgs(track: Track): readonly string[] {
    return ['--version', this.#versionOf(track), '--faults', JSON.stringify(this.#faults[track])]
  }

  #startGateway(): Promise<SupervisedProcess> {
    const { dankaiUrl, key, flag, service } = this.#options
    return startSupervised({
      ...this.#shared('trips-gateway'),
      script: script('./gateway/main.ts'),
      restarts: true,
      heapMaxMb: HEAP_MB.gateway,
      env: { GATEWAY_KEY: key },
      args: before => [
        ...['--stable', urlOf(this.#apis.get('stable')!.ready), '--canary', urlOf(this.#apis.get('canary')!.ready)],
        ...['--dankai', dankaiUrl, '--flag', flag ?? 'new-booking-flow', '--service', service ?? 'trips'],
        ...(before ? samePlace(before) : []),
      ],
    })
  }

  #startLoad(): Promise<SupervisedProcess> {
    const { rate = 60, users = 5_000, seed = 1, progressEveryMs = 1_000 } = this.#options
    return startSupervised({
      ...this.#shared('trips-load'),
      script: script('./load/main.ts'),
      restarts: false,
      heapMaxMb: HEAP_MB.load,
      args: () => [
        ...['--target', urlOf(this.#gateway!.ready), '--rate', `${rate}`, '--users', `${users}`],
        ...['--seed', `${seed}`, '--progress-every-ms', `${progressEveryMs}`],
      ],
      onLine: line => this.#answerLoadLine(line),
    })
  }

  #shared(name: string) {
    const { onLog } = this.#options
    return { name, ...(onLog ? { onLog: (text: string) => onLog(name, text) } : {}) }
  }

  #answerRestart(track: Track, restarts: number): void {
    this.#options.onRestart?.(track, restarts)
    if (!this.#gateway) return
    void call('POST', `${controlOf(this.#gateway.ready)}/restarts`, { track }).then(outcome => {
      if (outcome !== 'done') this.#options.onLog?.('trips-fleet', `Cannot tell the gateway of a restart: ${outcome}`)
    })
  }

  #answerLoadLine(line: Readonly<Record<string, unknown>>): void {
    const { type, ...seen } = line
    if (type === 'progress') this.#options.onProgress?.(seen as unknown as LoadSummary)
    if (type === 'summary') this.#summaries.shift()?.resolve(seen as unknown as LoadSummary)
  }

  #summary(): Promise<LoadSummary> {
    const summary = Promise.withResolvers<LoadSummary>()
    this.#summaries.push(summary)
    return summary.promise
  }

  #giveUpSummaries(): void {
    for (const { reject } of this.#summaries.splice(0)) reject(new Error('Cannot read the load summary: found none.'))
  }

  async #nextSegment(name: string): Promise<LoadSummary> {
    if (!this.#load || this.#load.pid() === null) {
      throw new Error(`Cannot start segment "${name}": found no load generator, expected one that runs (rate > 0).`)
    }
    const summary = this.#summary()
    this.#load.send({ segment: name })
    const timer = setTimeout(() => this.#giveUpSummaries(), SUMMARY_MS)
    return summary.finally(() => clearTimeout(timer))
  }

  /** A process that is down just now takes the new faults from its command line, or is asked again when it is ready. */
  async #setFaults(track: Track, faults: Partial<Faults>): Promise<void> {
    this.#faults[track] = { ...noFaults, ...faults }
    const api = this.#apis.get(track)!
    let outcome = 'not tried'
    for (let tries = 0; tries < FAULT_TRIES; tries += 1) {
      await api.whenReady()
      outcome = await call('PUT', `${controlOf(api.ready)}/faults`, this.#faults[track])
      if (outcome === 'done') return
    }
    throw new Error(`Cannot set the faults of "${track}": found ${outcome}, expected 200.`)
  }
}

function urlOf(ready: ReadyLine): string {
  return `http://127.0.0.1:${ready.listening}`
}

function controlOf(ready: ReadyLine): string {
  return String(ready.control)
}

/** A restarted process must be found where the one before it was. */
function samePlace(before: ReadyLine): readonly string[] {
  return ['--port', `${before.listening}`, '--control', controlOf(before)]
}

async function call(method: string, url: string, body: object): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, {
      method,
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_MS),
    })
    await answer.arrayBuffer()
    return answer.ok ? 'done' : `status ${answer.status}`
  } catch (error) {
    return `no answer (${error instanceof Error ? error.message : error})`
  }
}

/** Waits for all before it throws, so that none is still starting while the others are ended. */
async function allOrThrow(starts: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(starts)
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  if (failed) throw failed.reason
}
