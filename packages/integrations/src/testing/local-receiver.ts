import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface LocalReceiver {
  readonly url: string
  readonly host: string
  readonly received: Received[]
  close(): Promise<void>
}

/** An outside system on a free port of this machine. Without an answer function it says 200 and "ok". */
export async function startLocalReceiver(
  answer: (request: Received, response: ServerResponse) => void = (_, response) => response.end('ok'),
): Promise<LocalReceiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const entry = { method, url, headers, body: await text(request) }
    received.push(entry)
    answer(entry, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    received,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
