/** A small control plane on a loopback port that a test leads by hand: real sockets, no memory of flags. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** Things that happen, one by one, to whoever waits for them. */
class Arrivals<Item> {
  readonly #items: Item[] = []
  readonly #waiting: ((item: Item) => void)[] = []

  push(item: Item): void {
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#items.push(item)
    else waiter(item)
  }

  next(): Promise<Item> {
    const item = this.#items.shift()
    return item === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(item)
  }

  get unread(): number {
    return this.#items.length
  }
}

export interface StreamDouble {
  readonly headers: IncomingHttpHeaders
  readonly closed: Promise<void>
  send(type: string, id: number | null, data: unknown): void
  write(text: string): void
  /** As a server that goes away in good order. */
  end(): void
  /** As a server that is killed. */
  drop(): void
}

export interface PostDouble<Body> {
  readonly body: Body
  readonly headers: IncomingHttpHeaders
  answer(status: number, body?: unknown, headers?: Record<string, string>): void
  drop(): void
}

export type Acknowledgement = { sdk: string; name: string; version: number; appliedAt: number }

export interface ControlPlaneDouble {
  readonly url: string
  readonly streams: Arrivals<StreamDouble>
  readonly acknowledgements: Arrivals<PostDouble<Acknowledgement>>
  // biome-ignore lint/suspicious/noExplicitAny: the body is what a test looks into.
  readonly samples: Arrivals<PostDouble<any>>
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly exposures: Arrivals<PostDouble<any>>
  readonly goodbyes: Arrivals<PostDouble<{ sdk: string }>>
  /** Stream requests whose answer the test gives itself. */
  readonly refusals: Arrivals<{ readonly headers: IncomingHttpHeaders; readonly response: ServerResponse }>
  /** Acknowledgements are answered with 202 as they come, until a test takes that over. */
  answersAcknowledgements: boolean
  /** Every query that came with a request. */
  readonly queries: ReadonlySet<string>
  /** The next stream request goes to `refusals`. */
  refuseNext(): void
  close(): Promise<void>
}

export async function openControlPlaneDouble(): Promise<ControlPlaneDouble> {
  const streams = new Arrivals<StreamDouble>()
  const refusals: ControlPlaneDouble['refusals'] = new Arrivals()
  const acknowledgements: ControlPlaneDouble['acknowledgements'] = new Arrivals()
  const samples: ControlPlaneDouble['samples'] = new Arrivals()
  const exposures: ControlPlaneDouble['exposures'] = new Arrivals()
  const goodbyes: ControlPlaneDouble['goodbyes'] = new Arrivals()
  const queries = new Set<string>()
  let toRefuse = 0
  const server = createServer((request, response) => {
    const { method } = request
    const [url, query = ''] = request.url!.split('?')
    queries.add(query)
    if (method === 'POST' && url === '/v1/acknowledgements') return void receiveAcknowledgement(request, response)
    if (method === 'POST' && url === '/v1/acknowledgements/goodbye')
      return void receive<{ sdk: string }>(request, response).then(post => {
        post.answer(202)
        goodbyes.push(post)
      })
    if (method === 'POST' && url === '/v1/exposures')
      return void receive(request, response).then(post => exposures.push(post))
    if (method === 'POST' && url === '/v1/samples')
      return void receive(request, response).then(post => samples.push(post))
    if (method !== 'GET' || url !== '/v1/stream') return void response.writeHead(404).end()
    if (toRefuse === 0) return streams.push(streamDouble(request, response))
    toRefuse--
    refusals.push({ headers: request.headers, response })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const plane: ControlPlaneDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    refusals,
    answersAcknowledgements: true,
    acknowledgements,
    samples,
    exposures,
    goodbyes,
    queries,
    refuseNext: () => void toRefuse++,
    close() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  async function receiveAcknowledgement(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const post = await receive<Acknowledgement>(request, response)
    if (plane.answersAcknowledgements) post.answer(202)
    acknowledgements.push(post)
  }
  return plane
}

function streamDouble({ headers }: IncomingMessage, response: ServerResponse): StreamDouble {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.flushHeaders()
  const write = (text: string): void => void response.write(text)
  return {
    headers,
    closed: new Promise(resolve => response.on('close', resolve)),
    write,
    send(type, id, data) {
      write(`event: ${type}\n${id === null ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
    },
    end: () => void response.end(),
    drop: () => void response.destroy(),
  }
}

async function receive<Body>(request: IncomingMessage, response: ServerResponse): Promise<PostDouble<Body>> {
  const body = (await json(request)) as Body
  return {
    body,
    headers: request.headers,
    answer(status, answer = {}, headers = {}) {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(answer))
    },
    drop: () => void response.destroy(),
  }
}
