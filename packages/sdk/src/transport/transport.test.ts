import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { transport as fetchTransport } from './fetch-transport.ts'
import { transport as nodeTransport } from './node-transport.ts'
import type { Transport } from './transport.ts'

let url: string
/** What the next request is answered with. */
let answer: (response: ServerResponse, request: IncomingMessage) => void
const server = createServer((request, response) => answer(response, request))

before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stream`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const never = new AbortController().signal
const closed = (response: ServerResponse): Promise<void> =>
  new Promise(resolve => (response.closed ? resolve() : response.once('close', resolve)))

/** The answer to a request, as the one who asks sees it and as the server does. */
async function connect({ connectEvents }: Transport, status = 200, headers = {}, signal = never) {
  const { promise: response, resolve } = Promise.withResolvers<ServerResponse>()
  answer = given => {
    given.writeHead(status, { 'content-type': 'text/event-stream', ...headers }).flushHeaders()
    resolve(given)
  }
  const [source, served] = await Promise.all([connectEvents(url, { accept: 'text/event-stream' }, signal), response])
  return { source, served }
}

for (const [name, transport] of [
  ['fetch', fetchTransport],
  ['Node', nodeTransport],
] as const) {
  describe(`an event stream by ${name}`, () => {
    it('hands over the text as it arrives, with no character cut in two, until the end', async () => {
      const { source, served } = await connect(transport)
      let heard = ''
      const { promise: half, resolve } = Promise.withResolvers<void>()
      const reading = source.read(piece => {
        heard += piece
        resolve()
        return true
      })
      const bytes = Buffer.from('data: 段階\n\n')
      served.write(bytes.subarray(0, 7))
      await half
      assert.equal(heard, 'data: ')
      served.end(bytes.subarray(7))
      await reading
      assert.equal(heard, 'data: 段階\n\n')
    })

    it('says status, kind and when to ask again, and is given up unread', async () => {
      const { source, served } = await connect(transport, 503, { 'content-type': 'text/html', 'retry-after': '3' })
      const { status, contentType, retryAfter } = source
      assert.deepEqual([status, contentType, retryAfter], [503, 'text/html', '3'])
      await source.discard()
      await closed(served)
    })

    it('ends the connection when it was told enough', async () => {
      const { source, served } = await connect(transport)
      const reading = source.read(() => false)
      served.write('data: 1\n\n')
      await reading
      await closed(served)
    })

    it('passes on what the reader throws, and ends the connection', async () => {
      const { source, served } = await connect(transport)
      const reading = source.read(() => {
        throw new Error('an event without an end')
      })
      served.write('data: 1\n\n')
      await assert.rejects(reading, /an event without an end/)
      await closed(served)
    })

    it('rejects when the server is cut off, before or while it is read', async () => {
      const first = await connect(transport)
      const reading = first.source.read(() => true)
      first.served.destroy()
      await assert.rejects(reading)
      const second = await connect(transport)
      second.served.destroy()
      await closed(second.served)
      await assert.rejects(second.source.read(() => true))
    })

    it('rejects when it is aborted, before or after the answer', async () => {
      const during = new AbortController()
      const { source, served } = await connect(transport, 200, {}, during.signal)
      const reading = source.read(() => true)
      during.abort()
      await assert.rejects(reading)
      await closed(served)
      const asking = new AbortController()
      answer = () => asking.abort()
      await assert.rejects(transport.connectEvents(url, {}, asking.signal))
    })

    it('never follows a redirect, which would hand the key to another address', async () => {
      let asked = 0
      answer = response => {
        asked++
        response.writeHead(302, { location: url }).end()
      }
      const outcome = await transport.connectEvents(url, { authorization: 'Bearer key' }, never).catch(() => null)
      assert.notEqual(outcome?.status, 200)
      await outcome?.discard()
      assert.equal(asked, 1)
    })
  })

  describe(`a post by ${name}`, () => {
    it('sends headers and a body of any characters, and reads the answer whole', async () => {
      const body = JSON.stringify({ note: '段階'.repeat(20_000) })
      let heard: { method: string | undefined; key: string | undefined; text: string } | undefined
      answer = async (response, request) => {
        heard = { method: request.method, key: request.headers.authorization, text: await text(request) }
        response.writeHead(429, { 'retry-after': '3' }).end(body)
      }
      const found = await transport.post(url, { authorization: 'Bearer key' }, body, never)
      assert.deepEqual(heard, { method: 'POST', key: 'Bearer key', text: body })
      assert.deepEqual(found, { status: 429, retryAfter: '3', text: body })
    })

    it('rejects when no answer comes, when it is cut, and when it is aborted', async () => {
      answer = response => void response.destroy()
      await assert.rejects(transport.post(url, {}, '{}', never))
      answer = response => {
        response.writeHead(200, { 'content-length': 10 }).write('half')
        response.destroy()
      }
      await assert.rejects(transport.post(url, {}, '{}', never))
      const asking = new AbortController()
      answer = () => asking.abort()
      await assert.rejects(transport.post(url, {}, '{}', asking.signal))
      await assert.rejects(transport.post(url, {}, '{}', AbortSignal.abort()))
    })

    it('never follows a redirect, which would hand the key to another address', async () => {
      let asked = 0
      answer = response => {
        asked++
        response.writeHead(307, { location: url }).end()
      }
      const outcome = await transport.post(url, { authorization: 'Bearer key' }, '{}', never).catch(() => null)
      assert.notEqual(outcome?.status, 200)
      assert.equal(asked, 1)
    })
  })
}
