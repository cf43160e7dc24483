/** The open streams of one protocol on this instance. */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Audience, Caller } from '../http/caller.ts'
import { HttpProblem } from '../http/http-problem.ts'
import { openStreamClient, type StreamClient } from './stream-client.ts'

/** An instance holds so many sockets of a protocol; more are told to come back later. */
const clientsMax = 20_000

export interface StreamRules {
  readonly clientsMax?: number
  /** False where the protocol says in its own words that the server lives. */
  readonly isBeaten?: boolean
}

export interface OpenedStream {
  readonly kind: Audience
  readonly keyId: Caller['keyId']
  readonly sdk?: string
  readonly name?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface StreamFigures {
  readonly protocol: string
  readonly open: number
  readonly dropped: number
}

/** What is told of each opening and end, so that the keys of all streams are known. */
export interface StreamKeys {
  readonly now: () => number
  opened(keyId: string, client: StreamClient): void
  ended(keyId: string, client: StreamClient): void
}

export class ProtocolStreams {
  readonly isBeaten: boolean
  readonly #protocol: string
  readonly #clientsMax: number
  readonly #keys: StreamKeys
  readonly #clients = new Set<StreamClient>()
  #dropped = 0

  constructor(protocol: string, rules: StreamRules, keys: StreamKeys) {
    this.#protocol = protocol
    this.#keys = keys
    this.#clientsMax = rules.clientsMax ?? clientsMax
    this.isBeaten = rules.isBeaten ?? true
  }

  get figures(): StreamFigures {
    return { protocol: this.#protocol, open: this.#clients.size, dropped: this.#dropped }
  }

  /** Begins the answer, or refuses before it began. `onEnd` is called once, never before this returns. */
  open(outgoing: ServerResponse, stream: OpenedStream, onEnd: () => void): StreamClient {
    if (this.#clients.size >= this.#clientsMax) throw full(this.#clientsMax)
    const { kind, keyId, sdk = randomUUID(), name = '', headers } = stream
    const about = { sdk, name, kind, connectedAt: this.#keys.now() }
    const end = (dropped: boolean): void => {
      this.#clients.delete(client)
      if (dropped) this.#dropped++
      if (keyId !== null) this.#keys.ended(keyId, client)
      onEnd()
    }
    const client: StreamClient = openStreamClient(outgoing, about, end, headers)
    this.#clients.add(client)
    if (keyId !== null) this.#keys.opened(keyId, client)
    return client
  }

  publish(frame: Buffer): void {
    for (const client of this.#clients) client.write(frame)
  }

  close(): void {
    for (const client of [...this.#clients]) client.close()
  }
}

function full(most: number): HttpProblem {
  return new HttpProblem(
    'too-many-requests',
    `Cannot open another stream: found ${most} open on this instance, expected fewer. Poll, or try again later.`,
    {},
    { 'retry-after': '30' },
  )
}
