/**
 * What is served to an audience, as the clients of Dankai's own stream hear it.
 *
 *  1. A change is encoded once, whatever the number of clients.
 *  2. A client that resumes from a version in the ring hears exactly what it missed, in one buffer that all who missed the
 *     same share; any other hears the full set.
 *  3. When all may have changed, everybody hears the full set again.
 *  4. Whoever hears nothing for `pingEveryMs` hears a ping. A change says as well that the server lives, so a thousand
 *     clients are not woken for a ping beside it.
 */
import type { ServedChange, ServedView } from '../../serving/served-view.ts'
import { eventFrame, pingFrame } from '../../streaming/event-frame.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'

/** A client that was away for a thousand changes is served faster by the full set. */
const ringMax = 1_000
/** A release of a hundred flags with long lists of users is a tenth of this. */
const ringBytesMax = 4 * 1_048_576
const pingEveryMs = 3_000
/** Clients hear now and then how many they are, also where changes never pause. */
const countEveryMs = 30_000
/** An acknowledgement takes a fifth of a millisecond: two fifths of a core while all of a thousand come in half a second. */
const spreadMsPerClient = 0.5
/** Whoever stops everything waits for acknowledgements. */
const spreadMaxMs = 2_000

interface EncodedChange {
  readonly version: number
  readonly frame: Buffer
}

export class FlagFeed {
  readonly #clients = new Set<StreamClient>()
  /** How many connections an SDK has: one that comes back may be here twice for a moment. */
  readonly #connections = new Map<string, number>()
  readonly view: ServedView
  readonly #unsubscribe: () => void
  #ring: EncodedChange[] = []
  #ringBytes = 0
  /** What somebody missed who comes back now: after a break of the network all of them come from the same version. */
  #missed: { readonly after: number; readonly frame: Buffer } | null = null
  #fullSet: Buffer | null = null
  #publishedAt = performance.now()
  #pingedAt = performance.now()

  constructor(view: ServedView) {
    this.view = view
    this.#unsubscribe = view.subscribe(change => this.#hear(change))
  }

  get clients(): ReadonlySet<StreamClient> {
    return this.#clients
  }

  add(client: StreamClient): void {
    this.#clients.add(client)
    this.#connections.set(client.sdk, (this.#connections.get(client.sdk) ?? 0) + 1)
  }

  /** False when it was not there. */
  remove(client: StreamClient): boolean {
    if (!this.#clients.delete(client)) return false
    const left = (this.#connections.get(client.sdk) ?? 1) - 1
    if (left === 0) this.#connections.delete(client.sdk)
    else this.#connections.set(client.sdk, left)
    return true
  }

  isFollowedBy(sdk: string): boolean {
    return this.#connections.has(sdk)
  }

  /** What a client must hear first; empty when it missed nothing. */
  frameAfter(version: number | null): Buffer {
    const missed = version === null ? null : this.#missedSince(version)
    return missed ?? this.#encodeFullSet()
  }

  /** That the server lives, and over how long so many clients as there are now spread what they all do at once. */
  pingFrame(): Buffer {
    return pingFrame(spreadMsFor(this.clients.size))
  }

  pingWhenQuiet(): void {
    const now = performance.now()
    if (now - this.#publishedAt < pingEveryMs && now - this.#pingedAt < countEveryMs) return
    this.#pingedAt = now
    this.#publish(this.pingFrame())
  }

  #publish(frame: Buffer): void {
    this.#publishedAt = performance.now()
    for (const client of this.#clients) client.write(frame)
  }

  close(): void {
    this.#unsubscribe()
  }

  #hear(change: ServedChange): void {
    this.#fullSet = null
    this.#missed = null
    if (change.kind === 'all') {
      this.#ring = []
      this.#ringBytes = 0
      if (this.clients.size > 0) this.#publish(this.#encodeFullSet())
      return
    }
    const encoded = encodeChange(change)
    this.#remember(encoded)
    this.#publish(encoded.frame)
  }

  #remember(change: EncodedChange): void {
    this.#ring.push(change)
    this.#ringBytes += change.frame.length
    while (this.#ring.length > ringMax || (this.#ringBytes > ringBytesMax && this.#ring.length > 1))
      this.#ringBytes -= this.#ring.shift()?.frame.length ?? 0
  }

  #missedSince(version: number): Buffer | null {
    const first = this.#ring[0]
    if (first === undefined || version < first.version - 1 || version > this.view.version) return null
    if (this.#missed?.after !== version) {
      const frames = this.#ring.slice(version - first.version + 1).map(({ frame }) => frame)
      this.#missed = { after: version, frame: Buffer.concat(frames) }
    }
    return this.#missed.frame
  }

  #encodeFullSet(): Buffer {
    if (this.#fullSet !== null) return this.#fullSet
    const { version } = this.view
    const data = JSON.stringify({ version, flags: this.view.definitions() })
    this.#fullSet = eventFrame({ name: 'flags', id: version, data })
    return this.#fullSet
  }
}

export function spreadMsFor(clients: number): number {
  return Math.min(Math.floor(clients * spreadMsPerClient), spreadMaxMs)
}

function encodeChange(change: Exclude<ServedChange, { kind: 'all' }>): EncodedChange {
  const { version } = change
  const frame = (name: string, data: object): Buffer =>
    eventFrame({ name, id: version, data: JSON.stringify({ version, ...data }) })
  switch (change.kind) {
    case 'flag':
      return { version, frame: frame('change', { flag: change.flag }) }
    case 'removed':
      return { version, frame: frame('change', { deleted: change.key }) }
    case 'passed':
      return { version, frame: frame('version', {}) }
  }
}
