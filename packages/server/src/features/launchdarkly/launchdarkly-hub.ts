/**
 * All streams of LaunchDarkly's clients on this instance.
 *
 *  1. A feed is opened by its first client and stays: environments are few.
 *  2. A comment every 15 s tells proxies and clients that the server lives, and drops clients that read nothing.
 *  3. A client of a browser hears values, not rules; it is told when its values changed.
 */
import type { EvaluationContext } from '@dankai/flags'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { eventFrame, pingFrame } from '../stream/event-frame.ts'
import type { StreamClient } from '../stream/stream-client.ts'
import { evaluatedFlags } from './evaluated-flags.ts'
import { LaunchDarklyFeed } from './launchdarkly-feed.ts'

const commentEveryMs = 15_000
/** An instance holds so many sockets beside those of other protocols. */
const clientsMax = 20_000
/** Each is evaluated anew with every change. */
const evaluatedClientsMax = 5_000

interface EvaluatedClient {
  readonly client: StreamClient
  readonly unsubscribe: () => void
}

export class LaunchDarklyHub {
  readonly #app: Application
  readonly #feeds = new Map<string, LaunchDarklyFeed>()
  readonly #evaluated = new Set<EvaluatedClient>()
  readonly #timer: NodeJS.Timeout

  constructor(app: Application) {
    this.#app = app
    this.#timer = setInterval(() => this.#sayAlive(), commentEveryMs)
    app.onClose(() => this.close())
  }

  async feed(scope: Scope): Promise<LaunchDarklyFeed> {
    const environment = await this.#app.environments.of(scope)
    const key = `${scope.project}\n${scope.environment}`
    const feed = this.#feeds.get(key) ?? new LaunchDarklyFeed(environment, this.#app.log)
    this.#feeds.set(key, feed)
    return feed
  }

  /** Before the answer begins, as an open stream cannot refuse any more. */
  requireRoom(isEvaluated: boolean): void {
    const followers = [...this.#feeds.values()].reduce((sum, feed) => sum + feed.clients.size, 0)
    const [open, most] = isEvaluated ? [this.#evaluated.size, evaluatedClientsMax] : [followers, clientsMax]
    if (open < most) return
    throw new HttpProblem(
      'too-many-requests',
      `Cannot open another stream: found ${most} open on this instance, expected fewer. Poll, or try again later.`,
      {},
      { 'retry-after': '30' },
    )
  }

  follow(view: ServedView, client: StreamClient, context: EvaluationContext, withReasons: boolean): void {
    let said = ''
    const say = (): void => {
      const data = JSON.stringify(evaluatedFlags(view, context, withReasons))
      if (data !== said) client.write(eventFrame({ name: 'put', data }))
      said = data
    }
    this.#evaluated.add({ client, unsubscribe: view.subscribe(say) })
    say()
  }

  /** For clients that ask for their values themselves: old ones, and browsers whose streams cannot send a context. */
  ping(view: ServedView, client: StreamClient): void {
    const say = (): unknown => client.write(changedFrame)
    this.#evaluated.add({ client, unsubscribe: view.subscribe(say) })
    say()
  }

  forget(client: StreamClient): void {
    for (const one of this.#evaluated) {
      if (one.client !== client) continue
      one.unsubscribe()
      this.#evaluated.delete(one)
    }
    for (const feed of this.#feeds.values()) feed.clients.delete(client)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) feed.close()
    for (const { client, unsubscribe } of [...this.#evaluated]) {
      unsubscribe()
      client.close()
    }
  }

  #sayAlive(): void {
    for (const feed of this.#feeds.values()) feed.publish(commentFrame)
    for (const { client } of this.#evaluated) client.write(commentFrame)
  }
}

const changedFrame = pingFrame()
/** A comment of server-sent events, as a chunk of HTTP/1.1. */
const commentFrame = Buffer.from('3\r\n:\n\n\r\n', 'latin1')
