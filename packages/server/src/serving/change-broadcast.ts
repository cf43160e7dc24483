/**
 * Streams of one protocol: who follows what, and each change told to all of them from one encoded buffer.
 *
 *  1. An environment is listened to from its first follower on; environments are few.
 *  2. A client that does not read is dropped by `openStreamClient`, and others never wait for it.
 *  3. A comment at every beat tells proxies and clients that the server lives.
 */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Application } from '../application.ts'
import { openStreamClient, type StreamClient } from '../features/stream/stream-client.ts'
import type { Audience } from '../http/caller.ts'
import { HttpProblem } from '../http/http-problem.ts'
import type { ServedChange, ServedView } from './served-view.ts'

const beatMs = 15_000
/** An instance holds so many sockets beside its own clients'; more are told to come back later. */
const clientsMax = 20_000
/** `:` and two line ends, as a chunk. */
const comment = Buffer.from('3\r\n:\n\n\r\n', 'latin1')

/** `View`: whose changes are told. */
export interface Told<View extends ServedView> {
  /** What a client hears first, who may name the last event it heard; null for nothing. */
  readonly first: (view: View, lastEventId: string | null) => Buffer | null
  /** What all hear of a change; null for nothing. */
  readonly change: (view: View, change: ServedChange) => Buffer | null
}

export class ChangeBroadcast<View extends ServedView> {
  readonly #app: Pick<Application, 'now' | 'onClose'>
  readonly #told: Told<View>
  readonly #followers = new Map<View, Set<StreamClient>>()
  readonly #unsubscribes: (() => void)[] = []
  readonly #beat: NodeJS.Timeout
  #count = 0

  constructor(app: Pick<Application, 'now' | 'onClose'>, told: Told<View>) {
    this.#app = app
    this.#told = told
    this.#beat = setInterval(() => this.#publishToAll(comment), beatMs)
    app.onClose(() => this.close())
  }

  get clientCount(): number {
    return this.#count
  }

  /** Before the answer begins, as an open stream cannot refuse any more. */
  requireRoom(): void {
    if (this.#count < clientsMax) return
    throw new HttpProblem(
      'too-many-requests',
      `Cannot open another stream: found ${clientsMax} open on this instance, expected fewer. Poll, or try again later.`,
      {},
      { 'retry-after': '30' },
    )
  }

  /** `isUpToDate`: the client knows the present state, so there is nothing to hear first. */
  join(
    view: View,
    outgoing: ServerResponse,
    kind: Audience,
    isUpToDate = false,
    lastEventId: string | null = null,
  ): void {
    const followers = this.#followersOf(view)
    const about = { sdk: randomUUID(), name: '', kind, connectedAt: this.#app.now() }
    const client: StreamClient = openStreamClient(outgoing, about, () => {
      if (followers.delete(client)) this.#count--
    })
    followers.add(client)
    this.#count++
    const first = isUpToDate ? null : this.#told.first(view, lastEventId)
    client.write(first ?? comment)
  }

  close(): void {
    clearInterval(this.#beat)
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe()
    for (const followers of this.#followers.values()) for (const client of [...followers]) client.close()
  }

  #followersOf(view: View): Set<StreamClient> {
    const known = this.#followers.get(view)
    if (known !== undefined) return known
    const followers = new Set<StreamClient>()
    this.#followers.set(view, followers)
    this.#unsubscribes.push(
      view.subscribe(change => {
        const frame = this.#told.change(view, change)
        if (frame !== null) for (const client of followers) client.write(frame)
      }),
    )
    return followers
  }

  #publishToAll(frame: Buffer): void {
    for (const followers of this.#followers.values()) for (const client of followers) client.write(frame)
  }
}
