/**
 * Tells the server which version this client serves, so that exposure can be read back and not only ordered.
 *
 * 1. A new version is acknowledged after it is applied, at a random moment of the time the server asks all its clients to
 *    spread over: a change reaches the last of a thousand before the first of them says that it has it. A server with
 *    few clients asks for none; then it is told as soon as the turn of the event loop ends. While a request is on its
 *    way only the latest waits.
 * 2. Without news the last one is repeated every 5 s: it says that this client is alive and still serves that version.
 * 3. A client that ends says so, and nobody waits for it.
 * 4. A request that fails is tried again with back-off, never slower than the heartbeat unless the server asks.
 */
import { type Backoff, createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { PostJson } from './request.ts'

const heartbeatMs = 5_000
/** The first part of the time is left to the change itself, which is still on its way to others. */
const quietPart = 0.2

export interface AcknowledgementOptions {
  readonly sdk: string
  readonly name: string
  readonly post: PostJson
  readonly clock: Clock
  readonly random: () => number
  /** The time over which the server wants what all its clients do at once to be spread. */
  readonly spreadMs: () => number
  readonly report: (error: Error) => void
}

export class Acknowledgements {
  readonly #options: AcknowledgementOptions
  readonly #backoff: Backoff
  #latest: { readonly version: number; readonly appliedAt: number } | null = null
  #unsent = false
  #inFlight = false
  #isDue = false
  #failing = false
  readonly #closing = new AbortController()
  #sending: Promise<void> = Promise.resolve()
  #cancelTimer: () => void = () => {}
  #cancelDue: () => void = () => {}

  constructor(options: AcknowledgementOptions) {
    this.#options = options
    this.#backoff = createBackoff({ firstMs: 200, ceilingMs: heartbeatMs, random: options.random })
  }

  acknowledge(version: number): void {
    this.#latest = { version, appliedAt: this.#options.clock.now() }
    this.#unsent = true
    if (this.#isDue) return
    this.#isDue = true
    this.#afterSpread(() => {
      this.#isDue = false
      if (this.#unsent) this.#send()
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelTimer()
    this.#cancelDue()
    await this.#sending
    if (this.#latest === null) return
    // One try: a server that does not hear it forgets this client a little later by itself.
    await this.#options.post('/v1/acknowledgements/goodbye', { sdk: this.#options.sdk })
  }

  #afterSpread(then: () => void): void {
    const { spreadMs, random, clock } = this.#options
    const within = spreadMs()
    if (within > 0) this.#cancelDue = clock.after(within * (quietPart + (1 - quietPart) * random()), then)
    // Until the turn of the event loop ends, which is no time: the clock has no part in it.
    else setTimeout(then, 0)
  }

  #send(): void {
    if (this.#inFlight || this.#closing.signal.aborted) return
    this.#inFlight = true
    this.#unsent = false
    this.#cancelTimer()
    this.#sending = this.#sendLatest()
  }

  async #sendLatest(): Promise<void> {
    const { sdk, name, post } = this.#options
    const body = { sdk, name, ...this.#latest }
    const outcome = await post('/v1/acknowledgements', body, this.#closing.signal)
    this.#inFlight = false
    if (outcome.kind === 'answered' && outcome.status < 300) this.#succeeded()
    else if (outcome.kind === 'answered') this.#failed(`status ${outcome.status}`, undefined, outcome.retryAfterMs)
    else this.#failed('no answer', outcome.cause, null)
  }

  #succeeded(): void {
    this.#failing = false
    this.#backoff.reset()
    if (this.#unsent) this.#send()
    else this.#sendAfter(heartbeatMs)
  }

  /** One report per outage: the first failure says what is wrong, the hundredth says nothing more. */
  #failed(found: string, cause: unknown, retryAfterMs: number | null): void {
    if (this.#closing.signal.aborted) return
    this.#sendAfter(this.#backoff.next(retryAfterMs ?? 0))
    if (this.#failing) return
    this.#failing = true
    this.#options.report(
      new Error(`Cannot acknowledge flags version ${this.#latest?.version}: found ${found}, expected 2xx`, { cause }),
    )
  }

  #sendAfter(delayMs: number): void {
    if (this.#closing.signal.aborted) return
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#send())
  }
}
