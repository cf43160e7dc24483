/**
 * All open streams of this instance, whatever their protocol.
 *
 *  1. Each protocol has room of its own: pages of many users never take the place of a service's SDKs.
 *  2. A comment at every beat tells proxies and clients that the server lives, and drops those that read nothing.
 *  3. A stream ends with the key it was opened with: the keys of all streams are verified together, every 1.5 s and when
 *     a key was revoked here. A database that is away ends nothing.
 */
import { type KeyStore, keysAskedMax } from '@dankai/store'
import type { Logger } from '../http/log.ts'
import { commentFrame } from './event-frame.ts'
import { ProtocolStreams, type StreamFigures, type StreamRules } from './protocol-streams.ts'
import type { StreamClient } from './stream-client.ts'

const beatMs = 15_000
/**
 * Access promises five seconds. A revoked key may have been verified just before, is taken for three seconds more, and
 * a stream it opens in the last of them is found at the next look.
 */
const verifyEveryMs = 1_500

export class StreamClients {
  readonly #keys: Pick<KeyStore, 'validAmong'>
  readonly #now: () => number
  readonly #log: Logger
  readonly #onInvalidKey: () => void
  readonly #protocols: ProtocolStreams[] = []
  readonly #byKey = new Map<string, Set<StreamClient>>()
  /** Keys that the database is asked about alone: a thousand pages that come back at once ask once. */
  readonly #asked = new Map<string, Promise<boolean>>()
  readonly #beat: NodeJS.Timeout
  readonly #verifier: NodeJS.Timeout
  #verifying: Promise<void> | null = null
  #isClosed = false

  constructor(parts: {
    readonly keys: Pick<KeyStore, 'validAmong'>
    readonly now: () => number
    readonly log: Logger
    /** Called when a key of open streams turns out to be valid no more, before they end. */
    readonly onInvalidKey: () => void
  }) {
    this.#keys = parts.keys
    this.#now = parts.now
    this.#log = parts.log
    this.#onInvalidKey = parts.onInvalidKey
    this.#beat = setInterval(() => {
      for (const streams of this.#protocols) if (streams.isBeaten) streams.publish(commentFrame)
    }, beatMs)
    this.#verifier = setInterval(() => {
      if (this.#verifying === null) void this.verifyKeys()
    }, verifyEveryMs)
  }

  get figures(): readonly StreamFigures[] {
    return this.#protocols.map(({ figures }) => figures)
  }

  /** `name`: as figures call it. */
  protocol(name: string, rules: StreamRules = {}): ProtocolStreams {
    const streams = new ProtocolStreams(name, rules, {
      now: this.#now,
      opened: (keyId, client) => this.#clientsOf(keyId).add(client),
      ended: (keyId, client) => this.#forget(keyId, client),
    })
    this.#protocols.push(streams)
    return streams
  }

  /** Whether a stream may be opened with a key that was verified some time ago; so it is when the database cannot say. */
  async isValidKey(keyId: string): Promise<boolean> {
    // Whoever has streams was verified just now, and ends with them.
    if (this.#byKey.has(keyId)) return true
    const asked = this.#asked.get(keyId) ?? this.#ask(keyId)
    this.#asked.set(keyId, asked)
    return asked
  }

  /** Resolves when the streams of every key that was valid no more at the call have ended. */
  async verifyKeys(): Promise<void> {
    // What is being asked may have been answered before the key was revoked.
    while (this.#verifying !== null) await this.#verifying
    this.#verifying = this.#verifyAll()
      .catch(error => {
        if (!this.#isClosed) this.#log.debug({ err: error }, 'cannot verify the keys of open streams at the moment')
      })
      .finally(() => {
        this.#verifying = null
      })
    await this.#verifying
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#beat)
    clearInterval(this.#verifier)
    for (const streams of this.#protocols) streams.close()
    await this.#verifying
  }

  async #verifyAll(): Promise<void> {
    const asked = [...this.#byKey.keys()]
    for (let from = 0; from < asked.length; from += keysAskedMax) {
      const ids = asked.slice(from, from + keysAskedMax)
      const valid = await this.#keys.validAmong(ids)
      for (const id of ids) if (!valid.has(id)) this.#endAll(id)
    }
  }

  #ask(keyId: string): Promise<boolean> {
    return this.#keys
      .validAmong([keyId])
      .then(valid => valid.has(keyId))
      .catch(() => true)
      .finally(() => this.#asked.delete(keyId))
  }

  #endAll(keyId: string): void {
    const clients = [...(this.#byKey.get(keyId) ?? [])]
    if (clients.length === 0) return
    this.#onInvalidKey()
    this.#log.info({ keyId, streams: clients.length }, 'streams end with their key')
    for (const client of clients) client.close()
  }

  #clientsOf(keyId: string): Set<StreamClient> {
    const clients = this.#byKey.get(keyId) ?? new Set()
    this.#byKey.set(keyId, clients)
    return clients
  }

  #forget(keyId: string, client: StreamClient): void {
    const clients = this.#byKey.get(keyId)
    clients?.delete(client)
    if (clients?.size === 0) this.#byKey.delete(keyId)
  }
}
