/**
 * All streams of LaunchDarkly's clients on this instance.
 *
 *  1. A feed is opened by its first client and stays: environments are few.
 *  2. A client of a browser hears values, not rules; it is told when its values changed.
 */
import type { ServerResponse } from 'node:http'
import type { EvaluationContext } from '@dankai/flags'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { eventFrame, pingFrame } from '../../streaming/event-frame.ts'
import type { OpenedStream, ProtocolStreams } from '../../streaming/protocol-streams.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'
import { evaluatedFlags } from './evaluated-flags.ts'
import { LaunchDarklyFeed } from './launchdarkly-feed.ts'
import { ValueFollowers } from './value-followers.ts'

/** Each is evaluated anew with every change. */
const evaluatedClientsMax = 5_000

export class LaunchDarklyHub {
  readonly #app: Pick<Application, 'environments' | 'streams' | 'log' | 'onClose'>
  readonly #feeds = new Map<string, LaunchDarklyFeed>()
  readonly #values = new ValueFollowers()
  readonly #servers: ProtocolStreams
  readonly #clients: ProtocolStreams

  constructor(app: Pick<Application, 'environments' | 'streams' | 'log' | 'onClose'>) {
    this.#app = app
    this.#servers = app.streams.protocol('launchdarkly')
    this.#clients = app.streams.protocol('launchdarkly-clients', { clientsMax: evaluatedClientsMax })
    app.onClose(() => this.close())
  }

  async feed(scope: Scope): Promise<LaunchDarklyFeed> {
    const environment = await this.#app.environments.of(scope)
    const key = `${scope.project}\n${scope.environment}`
    const feed = this.#feeds.get(key) ?? new LaunchDarklyFeed(environment, this.#app.log)
    this.#feeds.set(key, feed)
    return feed
  }

  /** For servers, which evaluate by themselves. */
  followRules(feed: LaunchDarklyFeed, outgoing: ServerResponse, stream: OpenedStream): void {
    const client: StreamClient = this.#servers.open(outgoing, stream, () => feed.clients.delete(client))
    feed.clients.add(client)
    client.write(feed.put)
  }

  followValues(
    view: ServedView,
    outgoing: ServerResponse,
    stream: OpenedStream,
    asked: { readonly context: EvaluationContext; readonly withReasons: boolean },
  ): void {
    let said = ''
    this.#follow(view, outgoing, stream, client => {
      const data = JSON.stringify(evaluatedFlags(view, asked.context, asked.withReasons))
      if (data !== said) client.write(eventFrame({ name: 'put', data }))
      said = data
    })
  }

  /** For clients that ask for their values themselves: old ones, and browsers whose streams cannot send a context. */
  followPings(view: ServedView, outgoing: ServerResponse, stream: OpenedStream): void {
    this.#follow(view, outgoing, stream, client => client.write(changedFrame))
  }

  close(): void {
    this.#values.close()
    for (const feed of this.#feeds.values()) feed.close()
  }

  #follow(
    view: ServedView,
    outgoing: ServerResponse,
    stream: OpenedStream,
    tell: (client: StreamClient) => unknown,
  ): void {
    let unfollow = (): void => {}
    const client = this.#clients.open(outgoing, stream, () => unfollow())
    unfollow = this.#values.follow(view, () => tell(client))
    tell(client)
  }
}

const changedFrame = pingFrame()
