import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { HttpProblem } from '../http/http-problem.ts'
import { createLogger } from '../http/log.ts'
import { StreamClients } from './stream-clients.ts'

const http = createServer()
const abandoned: AbortController[] = []
/** Keys that the database calls valid; null while it is away. */
let valid: ReadonlySet<string> | null
let invalidKeys: number
let streams: StreamClients

before(async () => {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})
beforeEach(() => {
  valid = new Set()
  invalidKeys = 0
  streams = new StreamClients({
    keys: {
      async validAmong(ids) {
        if (valid === null) throw new Error('away')
        return new Set(ids.filter(id => valid?.has(id)))
      },
    },
    now: () => 0,
    log: createLogger('silent'),
    onInvalidKey: () => invalidKeys++,
  })
})
after(() => {
  for (const request of abandoned) request.abort()
  http.closeAllConnections()
  http.close()
})

/** A request that is being answered here, and what its client gets. */
async function request(): Promise<{ readonly outgoing: ServerResponse; readonly text: Promise<string> }> {
  const controller = new AbortController()
  abandoned.push(controller)
  const { port } = http.address() as AddressInfo
  const arrived = once(http, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const answered = fetch(`http://127.0.0.1:${port}/`, { signal: controller.signal })
  const text = answered.then(response => response.text())
  text.catch(() => {})
  return { outgoing: (await arrived)[1], text }
}

const noEnd = (): never => assert.fail('a stream ended')

describe('streams', () => {
  it('of one protocol have room of their own, and one more is refused before its answer begins', async () => {
    const few = streams.protocol('few', { clientsMax: 1 })
    const others = streams.protocol('others')
    const stream = { kind: 'server', keyId: null } as const
    const first = await request()
    const client = few.open(first.outgoing, stream, () => {})
    const second = await request()
    assert.throws(
      () => few.open(second.outgoing, stream, noEnd),
      (problem: unknown) => problem instanceof HttpProblem && problem.status === 429,
    )
    assert.equal(second.outgoing.headersSent, false)
    const other = others.open(second.outgoing, stream, () => {})
    assert.deepEqual(streams.figures, [
      { protocol: 'few', open: 1, dropped: 0 },
      { protocol: 'others', open: 1, dropped: 0 },
    ])
    client.close()
    other.close()
    assert.deepEqual([await first.text, await second.text], ['', ''])
    few.open((await request()).outgoing, stream, () => {})
    await streams.close()
    assert.deepEqual(
      streams.figures.map(({ open }) => open),
      [0, 0],
    )
  })

  it('of a client that went while its request was read end at once', async () => {
    const one = streams.protocol('one')
    const { port } = http.address() as AddressInfo
    const arrived = once(http, 'request') as Promise<[IncomingMessage, ServerResponse]>
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [, outgoing] = await arrived
    const gone = once(outgoing, 'close')
    socket.destroy()
    await gone
    const { promise, resolve } = Promise.withResolvers<void>()
    const client = one.open(outgoing, { kind: 'server', keyId: 'a' }, resolve)
    assert.equal(client.write(Buffer.from('x')), false)
    await promise
    assert.deepEqual(streams.figures, [{ protocol: 'one', open: 0, dropped: 0 }])
    await streams.close()
  })

  it('end with their key, and nothing ends while the database is away', async () => {
    const one = streams.protocol('one')
    const ended: string[] = []
    const texts: Promise<string>[] = []
    for (const keyId of ['good', 'revoked', 'revoked', null]) {
      const { outgoing, text } = await request()
      one.open(outgoing, { kind: 'server', keyId }, () => ended.push(keyId ?? 'none'))
      texts.push(text)
    }
    valid = null
    await streams.verifyKeys()
    assert.deepEqual([ended, invalidKeys], [[], 0])
    assert.deepEqual([await streams.isValidKey('good'), await streams.isValidKey('of a ticket')], [true, true])
    valid = new Set(['good'])
    await Promise.all([streams.verifyKeys(), streams.verifyKeys()])
    assert.deepEqual([ended, invalidKeys], [['revoked', 'revoked'], 1])
    assert.deepEqual([await streams.isValidKey('good'), await streams.isValidKey('revoked')], [true, false])
    assert.deepEqual([await texts[1], await texts[2]], ['', ''])
    await streams.close()
  })
})
