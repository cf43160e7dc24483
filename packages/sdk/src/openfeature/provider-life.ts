/**
 * How a provider comes to be ready, and what it tells of the client afterwards.
 *
 * not ready -> ready <-> stale | error
 *
 * 1. Initialising ends when the server has sent its flags; with bootstrap flags it ends well without a server too, and
 *    the provider says STALE.
 * 2. Losing the server is STALE as long as there are flags to answer with, and ERROR when there are none.
 * 3. READY is told again only after one of the two: the first is OpenFeature's own. Each is told once until then, and
 *    nothing before initialising has ended.
 */
import type { ClientOptions } from '../client-options.ts'
import { createDankaiClient, type DankaiClient } from '../dankai-client.ts'

export interface ProviderOptions {
  /** How long initialising waits for the server. */
  readonly readyWithinMs?: number
}

/** The words of both kinds of provider events. */
export interface ProviderVoice {
  ready(): void
  stale(message: string): void
  error(message: string): void
  changed(flags: readonly string[]): void
}

/** Long enough for a busy server, and short enough for a service that starts. */
const readyWithinMsWhenAbsent = 5_000

export class ProviderLife {
  readonly client: DankaiClient
  readonly #readyWithinMs: number
  readonly #voice: ProviderVoice
  readonly #stopListening: readonly (() => void)[]
  #initialised = false
  #lost = false
  #isToldLost = false

  constructor(given: DankaiClient | ClientOptions, options: ProviderOptions, voice: ProviderVoice) {
    this.client = 'evaluate' in given ? given : createDankaiClient(given)
    this.#readyWithinMs = options.readyWithinMs ?? readyWithinMsWhenAbsent
    this.#voice = voice
    this.#stopListening = [
      this.client.on('change', ({ keys }) => this.#initialised && voice.changed(keys)),
      this.client.on('stale', () => this.#lose()),
      this.client.on('fresh', () => this.#tellFound()),
    ]
  }

  async initialize(): Promise<void> {
    try {
      await this.client.ready(this.#readyWithinMs)
    } catch (error) {
      this.#lost = true
      if (this.client.flags().flags.length === 0) throw error
    }
    this.#initialised = true
    // After OpenFeature has told that the provider is ready, which it does in the turn in which this promise is done.
    if (this.#lost) setTimeout(() => this.#lost && this.#tellLost(), 0)
  }

  async close(): Promise<void> {
    for (const stop of this.#stopListening) stop()
    await this.client.close()
  }

  #lose(): void {
    this.#lost = true
    if (this.#initialised) this.#tellLost()
  }

  #tellLost(): void {
    if (this.#isToldLost) return
    this.#isToldLost = true
    if (this.client.flags().flags.length > 0) this.#voice.stale('The control plane is not heard.')
    else this.#voice.error('The control plane is not heard, and no flags are known.')
  }

  #tellFound(): void {
    if (!this.#lost) return
    this.#lost = false
    this.#isToldLost = false
    this.#initialised = true
    this.#voice.ready()
  }
}
