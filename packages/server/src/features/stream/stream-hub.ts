/**
 * All streams of this instance: who is connected, what they serve, and how they hear of changes.
 *
 *  1. An audience of an environment has one feed, which is opened by its first client and stays: environments are few.
 *  2. Acknowledgements are counted at once and stored in groups, because a change is acknowledged by everybody within
 *     milliseconds. One that says nothing new is stored every 3 s: a thousand heartbeats are one statement. One
 *     that could not be stored is stored with the SDK's next heartbeat.
 *  3. A ping after 3 s without a change tells clients that the server lives, and drops those that read nothing.
 */
import type { Scope, SdkStore } from '@dankai/store'
import { type Audience, audiences } from '../../http/caller.ts'
import type { Logger } from '../../http/log.ts'
import type { Environments } from '../../serving/environments.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'
import { FlagFeed } from './flag-feed.ts'

/** Three heartbeats of an SDK: one that is silent for longer serves nobody, or soon calls itself stale. */
export const sdkForgottenAfterMs = 15_000

/** How late a ping may be. */
const lookEveryMs = 250
const storeHeartbeatsEveryMs = 3_000

export interface SdkAcknowledgement {
  readonly sdk: string
  readonly name: string
  readonly version: number
  readonly appliedAt: number
}

type SdkNotes = Pick<SdkStore, 'connected' | 'disconnected' | 'acknowledged' | 'ended'>

/** What the hub knows of an SDK's own word. `appliedAt` changes when it applied something, not with its heartbeat. */
type Acknowledged = Pick<SdkAcknowledgement, 'version' | 'appliedAt'>

export class StreamHub {
  readonly #environments: Environments
  readonly #sdks: SdkNotes
  readonly #log: Logger
  readonly #feeds = new Map<string, FlagFeed>()
  readonly #acknowledged = new Map<string, Acknowledged>()
  /** Connections that are being written. */
  readonly #connecting = new Map<string, Promise<void>>()
  readonly #listeners = new Set<() => void>()
  readonly #unstored: Unstored = new Map()
  readonly #heartbeats: Unstored = new Map()
  #storing: Promise<void> | null = null
  #closed = false
  readonly #pinger: NodeJS.Timeout
  readonly #heartbeatTimer: NodeJS.Timeout

  constructor(environments: Environments, sdks: SdkNotes, log: Logger) {
    this.#environments = environments
    this.#sdks = sdks
    this.#log = log
    this.#pinger = setInterval(() => {
      for (const feed of this.#feeds.values()) feed.pingWhenQuiet()
    }, lookEveryMs)
    this.#heartbeatTimer = setInterval(() => this.#storeHeartbeats(), storeHeartbeatsEveryMs)
  }

  get clientCount(): number {
    return [...this.#feeds.values()].reduce((total, feed) => total + feed.clients.size, 0)
  }

  /** `open` begins the stream; its caller is told the end. Nothing is begun when the flags cannot be read. */
  async connect(
    scope: Scope,
    audience: Audience,
    lastVersion: number | null,
    open: (onEnd: () => void) => StreamClient,
  ): Promise<void> {
    const feed = await this.#feed(scope, audience)
    const client = open(() => this.#disconnect(scope, feed, client))
    // Followed before the first write, so that an end at that write takes it away again.
    feed.add(client)
    if (!client.write(feed.frameAfter(lastVersion)) || !client.write(feed.pingFrame())) return
    const { sdk, name, kind } = client
    const slot = slotOf(scope, sdk)
    const connecting = this.#sdks
      .connected({ ...scope, sdk, name, kind })
      .catch(error => this.#warn(error, 'Cannot store that an SDK connected'))
      .finally(() => {
        if (this.#connecting.get(slot) === connecting) this.#connecting.delete(slot)
      })
    this.#connecting.set(slot, connecting)
  }

  #disconnect(scope: Scope, feed: FlagFeed, client: StreamClient): void {
    if (!feed.remove(client) || this.#closed) return
    // An SDK that has already come back on another connection is still connected.
    if (feed.isFollowedBy(client.sdk)) return
    this.#acknowledged.delete(slotOf(scope, client.sdk))
    void this.#storeDisconnected(scope, feed, client.sdk)
  }

  async #storeDisconnected(scope: Scope, feed: FlagFeed, sdk: string): Promise<void> {
    // That it connected, if that is still being written, would otherwise be the last that is known of it.
    await this.#connecting.get(slotOf(scope, sdk))
    if (feed.isFollowedBy(sdk) || this.#closed) return
    await this.#sdks
      .disconnected(scope, [sdk])
      .catch(error => this.#warn(error, 'Cannot store that an SDK disconnected'))
  }

  acknowledge(scope: Scope, { sdk, version, appliedAt }: SdkAcknowledgement): void {
    const slot = slotOf(scope, sdk)
    const before = this.#acknowledged.get(slot)
    // A stop is applied without a new version, and is news all the same.
    const isHeartbeat = before?.version === version && before.appliedAt === appliedAt
    this.#acknowledged.set(slot, { version, appliedAt })
    if (this.#acknowledged.size > 100_000) this.#acknowledged.delete(this.#acknowledged.keys().next().value ?? '')
    put(isHeartbeat ? this.#heartbeats : this.#unstored, scope, sdk, version)
    if (isHeartbeat) return
    this.#storeSoon()
    for (const listener of this.#listeners) listener()
  }

  /** An SDK that ends in good order: nobody waits for it from here on. */
  async sayGoodbye(scope: Scope, sdk: string): Promise<void> {
    for (const feed of this.#feedsOf(scope))
      for (const client of [...feed.clients].filter(client => client.sdk === sdk)) {
        feed.remove(client)
        client.close()
      }
    this.#acknowledged.delete(slotOf(scope, sdk))
    for (const waiting of [this.#unstored, this.#heartbeats]) waiting.get(keyOf(scope))?.versions.delete(sdk)
    // One that is still being written would otherwise come after its end.
    await this.#connecting.get(slotOf(scope, sdk))
    await this.#sdks.ended(scope, sdk)
    for (const listener of this.#listeners) listener()
  }

  /** Who is connected here, and what each of them last said it serves. */
  census(scope: Scope): ReadonlyMap<string, { readonly name: string; readonly acknowledged: Acknowledged | null }> {
    const clients = this.#feedsOf(scope).flatMap(feed => [...feed.clients])
    return new Map(
      clients.map(({ sdk, name }) => [sdk, { name, acknowledged: this.#acknowledged.get(slotOf(scope, sdk)) ?? null }]),
    )
  }

  /** Calls back at every acknowledgement until the returned function is called. */
  onAcknowledgement(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#pinger)
    clearInterval(this.#heartbeatTimer)
    for (const feed of this.#feeds.values()) {
      feed.close()
      const clients = [...feed.clients]
      for (const client of clients) client.close()
      if (clients.length > 0)
        await this.#sdks
          .disconnected(
            feed.view.scope,
            clients.map(({ sdk }) => sdk),
          )
          .catch(error => this.#warn(error, 'Cannot store that SDKs disconnected'))
    }
    await this.#storing
  }

  async #feed(scope: Scope, audience: Audience): Promise<FlagFeed> {
    const view = await this.#environments.viewFor(audience, scope)
    const key = feedKeyOf(scope, audience)
    const feed = this.#feeds.get(key) ?? new FlagFeed(view)
    this.#feeds.set(key, feed)
    return feed
  }

  #feedsOf(scope: Scope): readonly FlagFeed[] {
    return audiences.flatMap(audience => this.#feeds.get(feedKeyOf(scope, audience)) ?? [])
  }

  #storeHeartbeats(): void {
    for (const { scope, versions } of this.#heartbeats.values())
      for (const [sdk, version] of versions) put(this.#unstored, scope, sdk, version)
    this.#heartbeats.clear()
    if (this.#unstored.size > 0) this.#storeSoon()
  }

  #storeSoon(): void {
    this.#storing ??= this.#storeAcknowledgements().finally(() => {
      this.#storing = null
    })
  }

  async #storeAcknowledgements(): Promise<void> {
    // The turn of the loop lets acknowledgements that arrived together be one statement.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#unstored.size > 0) {
      // An SDK speaks as soon as it is connected; what it says can only be noted beside its name.
      await Promise.all(this.#connecting.values())
      const waiting = [...this.#unstored.values()]
      this.#unstored.clear()
      for (const { scope, versions } of waiting) {
        const acknowledgements = [...versions].map(([sdk, version]) => ({ sdk, version }))
        await this.#sdks
          .acknowledged(scope, acknowledgements)
          .catch(error => this.#warn(error, 'Cannot store acknowledgements'))
      }
    }
  }

  #warn(error: unknown, message: string): void {
    if (!this.#closed) this.#log.warn({ err: error }, message)
  }
}

/** What SDKs said and is not in the database yet, by environment; versions never go back. */
type Unstored = Map<string, { readonly scope: Scope; readonly versions: Map<string, number> }>

function put(waiting: Unstored, scope: Scope, sdk: string, version: number): void {
  const entry = waiting.get(keyOf(scope)) ?? { scope, versions: new Map<string, number>() }
  entry.versions.set(sdk, Math.max(version, entry.versions.get(sdk) ?? 0))
  waiting.set(keyOf(scope), entry)
}

const keyOf = ({ project, environment }: Scope): string => `${project}\n${environment}`
const feedKeyOf = (scope: Scope, audience: Audience): string => `${keyOf(scope)}\n${audience}`
const slotOf = (scope: Scope, sdk: string): string => `${keyOf(scope)}\n${sdk}`
