/**
 * Tells the server which version this client serves, so that exposure can be read back and not only ordered.
 *
 * 1. A new version is acknowledged as soon as what has arrived is applied, in every client of the process: a change
 *    reaches the last of them before the first says that it has it. While a request is on its way only the latest waits.
 * 2. Without news the last one is repeated every 5 s: it says that this client is alive and still serves that version.
 * 3. A client that ends says so, and nobody waits for it.
 * 4. A request that fails is tried again with back-off, never slower than the heartbeat unless the server asks.
 */
import { type Backoff, createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { PostJson } from './request.ts'

const heartbeatMs = 5_000

export interface AcknowledgementOptions {
  readonly sdk: string
  readonly name: string
  readonly post: PostJson
  readonly clock: Clock
  readonly random: () => number
  readonly report: (error: Error) => void
}

export class Acknowledgements {
  readonly #options: AcknowledgementOptions
  readonly #backoff: Backoff
  #latest: { readonly version: number; readonly appliedAt: number } | null = null
  #unsent = false
  #inFlight = false
  /** Waits for the turn of the event loop to end, not for a time: the clock has no part in it. */
  #isDue = false
  #failing = false
  readonly #closing = new AbortController()
  #sending: Promise<void> = Promise.resolve()
  #cancelTimer: () => void = () => {}

  constructor(options: AcknowledgementOptions) {
    this.#options = options
    this.#backoff = createBackoff({ firstMs: 200, ceilingMs: heartbeatMs, random: options.random })
  }

  acknowledge(version: number): void {
    this.#latest = { version, appliedAt: this.#options.clock.now() }
    this.#unsent = true
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => {
      this.#isDue = false
      if (this.#unsent) this.#send()
    }, 0)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelTimer()
    await this.#sending
    if (this.#latest === null) return
    // One try: a server that does not hear it forgets this client a little later by itself.
    await this.#options.post('/v1/acknowledgements/goodbye', { sdk: this.#options.sdk })
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
