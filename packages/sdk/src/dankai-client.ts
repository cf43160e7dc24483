/**
 * The client of the control plane: flags that follow the stream and are evaluated here, and samples that are summed up
 * here and sent about once a second.
 *
 * 1. Asking never waits, never throws and never does I/O: until flags are known, and when one is not, the fallback is
 *    the answer.
 * 2. A version is applied before listeners hear of it, and they hear of it before it is acknowledged.
 * 3. Losing the control plane changes no answer unless `onStale` is `off` or a flag's lease is over; it is said by
 *    `status()`, by the event and in every evaluation.
 *
 * starting -> fresh <-> stale; closed from anywhere. A client that has never heard the server goes from starting to
 * stale too.
 */
import {
  type CompiledFlag,
  type Evaluation,
  type EvaluationContext,
  type EvaluationErrorCode,
  type EvaluationReason,
  emptyEvaluation,
  evaluateInto,
  evaluateOff,
  type FlagDefinition,
  type JsonValue,
} from '@dankai/flags'
import { Acknowledgements } from './acknowledgements.ts'
import type { ReportFigures } from './batch-reports.ts'
import { type Bootstrap, isBootstrap } from './bootstrap.ts'
import { type ClientEventName, type ClientListener, createEventSource, type EventSource } from './client-events.ts'
import { type ClientOptions, type Settings, settingsOf } from './client-options.ts'
import type { Clock } from './clock.ts'
import { FlagLeases } from './flag-leases.ts'
import { type FlagStream, openFlagStream } from './flag-stream.ts'
import { type Application, type FlagMessage, KnownFlags } from './known-flags.ts'
import { Reporting } from './reporting.ts'
import { createPostJson } from './request.ts'
import type { Labels } from './sample-buffer.ts'
import { SilenceWatch } from './silence-watch.ts'
import type { StreamMessage } from './stream-message.ts'

export type ClientStatus = 'starting' | 'fresh' | 'stale' | 'closed'

export interface ClientEvaluation<Value extends JsonValue = JsonValue> extends Omit<Evaluation, 'value'> {
  readonly value: Value
  /** True when the control plane has not been heard for `staleAfterMs`. */
  readonly stale: boolean
  /** The environment's version the answer stands on; null while none is known. */
  readonly version: number | null
}

export interface DankaiClient {
  /** The id this client acknowledges and reports under. */
  readonly id: string
  /** Resolves once the server has sent its flags; rejects when the client is closed before, or after `withinMs`. */
  ready(withinMs?: number): Promise<void>
  isEnabled(flag: string, context: EvaluationContext, fallback?: boolean): boolean
  /** A value of another type than the fallback's is answered with the fallback (null accepts every type). */
  evaluate<Value extends JsonValue>(flag: string, context: EvaluationContext, fallback: Value): ClientEvaluation<Value>
  flags(): { readonly version: number | null; readonly flags: readonly FlagDefinition[] }
  status(): ClientStatus
  on<Name extends ClientEventName>(event: Name, listener: ClientListener<Name>): () => void
  /** So many things happened. */
  count(series: string, labels: Labels, by?: number): void
  /** Something took so long. */
  duration(series: string, labels: Labels, ms: number): void
  /** Something is so large now. */
  value(series: string, labels: Labels, value: number): void
  /** One request served: `http_requests` with its status, and `http_duration`. */
  observeRequest(labels: Labels, request: { readonly status: number; readonly durationMs: number }): void
  /** A user did something by which the variants of experiments are compared; `value` is 1 unless given. */
  track(event: string, context: EvaluationContext, details?: { readonly value?: number | undefined }): void
  samples(): ReportFigures
  /** What became of what was told of users. */
  userEvents(): ReportFigures
  /** Sends all samples and events of users at once; true when the server has them all. */
  flush(): Promise<boolean>
  /** Stops following, sends what is left once, and keeps answering with the last known flags. */
  close(): Promise<void>
}

export function createDankaiClient(options: ClientOptions): DankaiClient {
  return new Client(settingsOf(options), options)
}

class Client implements DankaiClient {
  readonly id = crypto.randomUUID()
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #known = new KnownFlags()
  readonly #events: EventSource = createEventSource()
  readonly #reporting: Reporting
  readonly #leases: FlagLeases
  /** Written and read within one call: an object for each would be the only thing a call allocates. */
  readonly #answer: Evaluation = emptyEvaluation()
  readonly #acknowledgements: Acknowledgements
  readonly #silence: SilenceWatch
  readonly #stream: FlagStream
  readonly #waiting = new Set<{ resolve(): void; reject(error: Error): void }>()
  #status: ClientStatus = 'starting'
  #switchedOff = false
  #spreadMs = 0
  #followsOn = false
  #lastError: Error | null = null

  constructor(settings: Settings, { bootstrap, environment, onError }: ClientOptions) {
    this.#settings = settings
    this.#clock = settings.clock
    const { url, key, name, random, transport, staleAfterMs } = settings
    if (onError !== undefined) this.#events.on('error', onError)
    const query = environment === undefined ? '' : `?environment=${encodeURIComponent(environment)}`
    const endpoint = (path: string): string => `${url}${path}${query}`
    const authorization = { Authorization: `Bearer ${key}` }
    const shared = { clock: this.#clock, random, report: (error: Error) => this.#report(error) }
    const post = createPostJson({ endpoint, headers: authorization, transport, clock: this.#clock })
    this.#reporting = new Reporting({ ...shared, ...settings, sdk: this.id, post })
    this.#leases = new FlagLeases(this.#clock, keys => this.#tellLapsed(keys))
    this.#acknowledgements = new Acknowledgements({
      ...shared,
      sdk: this.id,
      name,
      post,
      spreadMs: () => this.#spreadMs,
    })
    this.#silence = new SilenceWatch(this.#clock, staleAfterMs, () => this.#becomeStale())
    this.#stream = openFlagStream({
      ...shared,
      url: endpoint('/v1/stream'),
      transport,
      staleAfterMs,
      spreadMs: () => this.#spreadMs,
      headers: { ...authorization, 'Dankai-Sdk': `${this.id}; name=${encodeURIComponent(name)}` },
      lastVersion: () => (this.#followsOn ? this.#known.version : null),
      receive: message => this.#receive(message),
    })
    if (typeof bootstrap === 'function') void this.#loadBootstrap(bootstrap)
    else if (bootstrap !== undefined) this.#beginWith(bootstrap)
  }

  ready(withinMs?: number): Promise<void> {
    if (this.#known.confirmed) return Promise.resolve()
    if (this.#status === 'closed') return Promise.reject(new Error('Cannot become ready: the client is closed'))
    return new Promise((resolve, reject) => {
      const late = () => waiter.reject(this.#lateError(withinMs))
      const cancel = withinMs === undefined ? () => {} : this.#clock.after(withinMs, late)
      const settle = (then: () => void): void => {
        cancel()
        this.#waiting.delete(waiter)
        then()
      }
      const waiter = { resolve: () => settle(resolve), reject: (error: Error) => settle(() => reject(error)) }
      this.#waiting.add(waiter)
    })
  }

  isEnabled(key: string, context: EvaluationContext, fallback = false): boolean {
    const flag = this.#known.find(key)
    if (flag === undefined) return fallback
    if (this.#isSwitchedOff(flag)) return evaluateOff(flag).value === true
    const { value, errorCode } = evaluateInto(flag, context, this.#answer)
    this.#observe(flag, context)
    return errorCode === null && typeof value === 'boolean' ? value : fallback
  }

  evaluate<Value extends JsonValue>(key: string, context: EvaluationContext, fallback: Value): ClientEvaluation<Value> {
    const flag = this.#known.find(key)
    if (flag === undefined)
      return this.#failed(fallback, this.#known.version === null ? 'PROVIDER_NOT_READY' : 'FLAG_NOT_FOUND')
    const found = this.#isSwitchedOff(flag)
      ? { ...evaluateOff(flag), errorCode: 'STALE' as const }
      : { ...evaluateInto(flag, context, this.#answer) }
    if (found.errorCode !== 'STALE') this.#observe(flag, context)
    if (found.reason === 'ERROR') return this.#failed(fallback, found.errorCode ?? 'PARSE_ERROR')
    if (!isOfTypeOf(fallback, found.value)) return this.#failed(fallback, 'TYPE_MISMATCH')
    return { ...found, value: found.value, stale: this.#status === 'stale', version: this.#known.version }
  }

  flags(): { readonly version: number | null; readonly flags: readonly FlagDefinition[] } {
    return { version: this.#known.version, flags: this.#known.all().map(flag => flag.definition) }
  }

  status(): ClientStatus {
    return this.#status
  }

  on<Name extends ClientEventName>(event: Name, listener: ClientListener<Name>): () => void {
    return this.#events.on(event, listener)
  }

  count(series: string, labels: Labels, by = 1): void {
    this.#reporting.sample('count', series, labels, by)
  }

  duration(series: string, labels: Labels, ms: number): void {
    this.#reporting.sample('amount', series, labels, ms)
  }

  value(series: string, labels: Labels, value: number): void {
    this.#reporting.sample('level', series, labels, value)
  }

  observeRequest(labels: Labels, request: { readonly status: number; readonly durationMs: number }): void {
    this.count('http_requests', { ...labels, status: request.status })
    this.duration('http_duration', labels, request.durationMs)
  }

  track(event: string, context: EvaluationContext, details: { readonly value?: number | undefined } = {}): void {
    this.#reporting.track(event, context, details.value ?? 1)
  }

  samples(): ReportFigures {
    return this.#reporting.samples()
  }

  userEvents(): ReportFigures {
    return this.#reporting.userEvents()
  }

  flush(): Promise<boolean> {
    return this.#reporting.flush()
  }

  async close(): Promise<void> {
    if (this.#status === 'closed') return
    this.#status = 'closed'
    this.#silence.stop()
    this.#leases.close()
    for (const { reject } of [...this.#waiting]) reject(new Error('Cannot become ready: the client was closed'))
    const following = this.#stream.close().then(() => this.#acknowledgements.close())
    await Promise.all([following, this.#reporting.close()])
  }

  async #loadBootstrap(load: () => Promise<Bootstrap>): Promise<void> {
    try {
      const found = await load()
      if (this.#known.confirmed || this.#status === 'closed' || !this.#beginWith(found)) return
      this.#events.emit('change', { version: found.version ?? null, keys: found.flags.map(({ key }) => key) })
    } catch (cause) {
      this.#report(new Error('Cannot begin with bootstrap flags: they could not be read', { cause }))
    }
  }

  /** What is no set of flags is told as an error: a page must not end over what its server wrote into it. */
  #beginWith(found: Bootstrap): boolean {
    const isSound = isBootstrap(found)
    if (isSound) this.#known.bootstrap(found.version ?? null, found.flags)
    else this.#report(new Error('Cannot begin with bootstrap flags: found something else, expected { version, flags }'))
    return isSound
  }

  #report(error: Error): void {
    this.#lastError = error
    this.#events.emit('error', error)
  }

  /** Whoever waits and listens to nothing else is told what kept the flags away, such as a key that is refused. */
  #lateError(withinMs: number | undefined): Error {
    const last = this.#lastError === null ? '' : `. ${this.#lastError.message}`
    return new Error(`Cannot become ready: found no flags within ${withinMs} ms${last}`, { cause: this.#lastError })
  }

  #isSwitchedOff({ definition }: CompiledFlag): boolean {
    return this.#status === 'stale' && (this.#switchedOff || this.#leases.isOver(definition))
  }

  /** What was just written to `#answer`: counted, and told of the user when it is part of an experiment. */
  #observe({ definition }: CompiledFlag, context: EvaluationContext): void {
    if (this.#answer.variant !== null && this.#status !== 'closed')
      this.#reporting.evaluation(definition, this.#answer, context)
  }

  #receive(message: StreamMessage): { readonly stop: string } | 'go on' {
    if (this.#status === 'closed') return 'go on'
    if (message.kind === 'ping') this.#spreadMs = message.spreadMs
    if (message.kind === 'broken') return this.#stopFollowing(message.problem)
    if (isFlagMessage(message)) {
      const stop = this.#apply(message)
      if (stop !== null) return this.#stopFollowing(stop)
    } else this.#heardWhileFollowing()
    return 'go on'
  }

  /** What is known may be incomplete from here on: only a full set mends it. */
  #stopFollowing(stop: string): { readonly stop: string } {
    this.#followsOn = false
    return { stop }
  }

  #apply(message: FlagMessage): string | null {
    const application = this.#known.apply(message, this.#status === 'stale')
    if (application.outcome === 'gap') return gapText(application)
    if (application.outcome === 'older') return `flags version ${application.found} after ${application.known}`
    if (application.outcome === 'applied') this.#applied(message, application.version, application.keys)
    else this.#heardWhileFollowing()
    return null
  }

  #applied(message: FlagMessage, version: number, keys: readonly string[]): void {
    if (message.kind === 'flags') this.#followsOn = true
    this.#acknowledgements.acknowledge(version)
    this.#heardWhileFollowing()
    for (const { resolve } of [...this.#waiting]) resolve()
    for (const key of keys) this.#reportProblem(key)
    if (keys.length > 0) this.#events.emit('change', { version, keys })
  }

  #reportProblem(key: string): void {
    const problem = this.#known.problemsOf(key)[0]
    if (problem !== undefined) this.#events.emit('error', new Error(`${problem.message} Its off variant is served`))
  }

  /** A server that talks but cannot bring this client up to date leaves it stale all the same. */
  #heardWhileFollowing(): void {
    if (!this.#followsOn) return
    const lapsed = this.#status === 'stale' ? this.#leases.over(this.#known.definitions()) : []
    this.#leases.heard()
    this.#silence.heard()
    if (this.#status === 'fresh') return
    this.#status = 'fresh'
    this.#switchedOff = false
    this.#events.emit('fresh', { version: this.#known.version })
    this.#tellLapsed(lapsed)
  }

  /** What they serve has changed without a new version. */
  #tellLapsed(keys: readonly string[]): void {
    if (keys.length > 0) this.#events.emit('change', { version: this.#known.version, keys })
  }

  #becomeStale(): void {
    this.#status = 'stale'
    this.#switchedOff = this.#settings.onStale === 'off'
    this.#events.emit('stale', { version: this.#known.version })
    this.#leases.watch(this.#known.definitions())
  }

  #failed<Value extends JsonValue>(value: Value, errorCode: EvaluationErrorCode): ClientEvaluation<Value> {
    const reason: EvaluationReason = 'ERROR'
    const nothing = { variant: null, ruleId: null, cohort: null, bucket: null, inExperiment: false }
    return { ...nothing, value, reason, errorCode, stale: this.#status === 'stale', version: this.#known.version }
  }
}

function isFlagMessage(message: StreamMessage): message is FlagMessage {
  return 'version' in message
}

function gapText({ found, known }: Extract<Application, { outcome: 'gap' }>): string {
  return `version ${found} after ${known}, expected ${known + 1}; the full set is needed`
}

function isOfTypeOf<Value extends JsonValue>(example: Value, found: JsonValue): found is Value {
  return example === null || (typeof example === typeof found && Array.isArray(example) === Array.isArray(found))
}
