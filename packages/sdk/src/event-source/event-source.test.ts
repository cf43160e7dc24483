import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { ConnectEvents } from './event-source.ts'
import * as fetched from './fetched-events.ts'
import * as node from './node-events.ts'

let url: string
/** What the next request is answered with. */
let answer: (response: ServerResponse) => void
const server = createServer((_request, response) => answer(response))

before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stream`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const never = new AbortController().signal
const closed = (response: ServerResponse): Promise<void> => new Promise(resolve => response.once('close', resolve))

/** The answer to a request, as the one who asks sees it and as the server does. */
async function connect(connectEvents: ConnectEvents, status = 200, headers = {}, signal = never) {
  const { promise: response, resolve } = Promise.withResolvers<ServerResponse>()
  answer = given => {
    given.writeHead(status, { 'content-type': 'text/event-stream', ...headers }).flushHeaders()
    resolve(given)
  }
  const [source, served] = await Promise.all([connectEvents(url, { accept: 'text/event-stream' }, signal), response])
  return { source, served }
}

for (const [name, connectEvents] of [
  ['fetch', fetched.connectEvents],
  ['Node', node.connectEvents],
] as const)
  describe(`an event stream by ${name}`, () => {
    it('hands over the text as it arrives, with no character cut in two, until the end', async () => {
      const { source, served } = await connect(connectEvents)
      let text = ''
      const { promise: half, resolve } = Promise.withResolvers<void>()
      const reading = source.read(piece => {
        text += piece
        resolve()
        return true
      })
      const bytes = Buffer.from('data: 段階\n\n')
      served.write(bytes.subarray(0, 7))
      await half
      assert.equal(text, 'data: ')
      served.end(bytes.subarray(7))
      await reading
      assert.equal(text, 'data: 段階\n\n')
    })

    it('says status, kind and when to ask again, and is given up unread', async () => {
      const { source, served } = await connect(connectEvents, 503, { 'content-type': 'text/html', 'retry-after': '3' })
      const { status, contentType, retryAfter } = source
      assert.deepEqual([status, contentType, retryAfter], [503, 'text/html', '3'])
      await source.discard()
      await closed(served)
    })

    it('ends the connection when it was told enough', async () => {
      const { source, served } = await connect(connectEvents)
      const reading = source.read(() => false)
      served.write('data: 1\n\n')
      await reading
      await closed(served)
    })

    it('passes on what the reader throws, and ends the connection', async () => {
      const { source, served } = await connect(connectEvents)
      const reading = source.read(() => {
        throw new Error('an event without an end')
      })
      served.write('data: 1\n\n')
      await assert.rejects(reading, /an event without an end/)
      await closed(served)
    })

    it('rejects when the server is cut off, before or while it is read', async () => {
      const first = await connect(connectEvents)
      const reading = first.source.read(() => true)
      first.served.destroy()
      await assert.rejects(reading)
      const second = await connect(connectEvents)
      second.served.destroy()
      await closed(second.served)
      await assert.rejects(second.source.read(() => true))
    })

    it('rejects when it is aborted, before or after the answer', async () => {
      const during = new AbortController()
      const { source, served } = await connect(connectEvents, 200, {}, during.signal)
      const reading = source.read(() => true)
      during.abort()
      await assert.rejects(reading)
      await closed(served)
      const asking = new AbortController()
      answer = () => asking.abort()
      await assert.rejects(connectEvents(url, {}, asking.signal))
    })

    it('never follows a redirect, which would hand the key to another address', async () => {
      let asked = 0
      answer = response => {
        asked++
        response.writeHead(302, { location: url }).end()
      }
      const outcome = await connectEvents(url, { authorization: 'Bearer key' }, never).catch(() => null)
      assert.notEqual(outcome?.status, 200)
      await outcome?.discard()
      assert.equal(asked, 1)
    })
  })
