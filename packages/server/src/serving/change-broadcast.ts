/**
 * Who follows what in one protocol, and each change told to all of them from one encoded buffer.
 *
 *  1. An environment is listened to from its first follower on; environments are few.
 *  2. A client that does not read is dropped, and others never wait for it.
 */
import type { ServerResponse } from 'node:http'
import type { Application } from '../application.ts'
import { commentFrame } from '../streaming/event-frame.ts'
import type { OpenedStream, ProtocolStreams } from '../streaming/protocol-streams.ts'
import type { StreamClient } from '../streaming/stream-client.ts'
import type { ServedChange, ServedView } from './served-view.ts'

/** `View`: whose changes are told. */
export interface Told<View extends ServedView> {
  /** What a client hears first, who may name the last event it heard; null for nothing. */
  readonly first: (view: View, lastEventId: string | null) => Buffer | null
  /** What all hear of a change; null for nothing. */
  readonly change: (view: View, change: ServedChange) => Buffer | null
}

export class ChangeBroadcast<View extends ServedView> {
  readonly #streams: ProtocolStreams
  readonly #told: Told<View>
  readonly #followers = new Map<View, Set<StreamClient>>()
  readonly #unsubscribes: (() => void)[] = []

  constructor(app: Pick<Application, 'streams' | 'onClose'>, protocol: string, told: Told<View>) {
    this.#streams = app.streams.protocol(protocol)
    this.#told = told
    app.onClose(() => {
      for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe()
    })
  }

  join(view: View, outgoing: ServerResponse, stream: OpenedStream, lastEventId: string | null = null): void {
    const followers = this.#followersOf(view)
    const client: StreamClient = this.#streams.open(outgoing, stream, () => followers.delete(client))
    followers.add(client)
    client.write(this.#told.first(view, lastEventId) ?? commentFrame)
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
}
