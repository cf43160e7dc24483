import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { ConnectionOf, HttpSettings } from '../connection.ts'
import { claimedCommand, connectionsOf, patienceMs } from '../testing/claimed-command.ts'
import { type LocalReceiver, startLocalReceiver } from '../testing/local-receiver.ts'
import { createHttpRunner } from './http-runner.ts'
import { isPublicAddress } from './public-address.ts'

let receiver: LocalReceiver

before(async () => {
  receiver = await startLocalReceiver(({ url }, response) => {
    if (url === '/api/redirect') response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end()
    else if (url === '/api/missing') response.writeHead(404).end('no such thing')
    else if (url === '/api/count') response.end('{"count": 0, "name": "x", "difference": 1.5}')
    else if (url === '/api/large') response.end('段'.repeat(400_000))
    else if (url === '/api/broken') response.destroy()
    else if (url !== '/api/silent') response.end('done')
  })
})
after(() => receiver.close())

function connection(change: Partial<HttpSettings> = {}, name = 'push'): ConnectionOf<'http'> {
  const settings = {
    baseUrl: `${receiver.url}/api/`,
    allowedHosts: [receiver.host],
    allowedMethods: ['GET', 'POST'],
    allowPrivate: true,
    timeoutMs: patienceMs,
    ...change,
  }
  return { name, kind: 'http', settings, secrets: { authorization: 'Bearer s3cret' } }
}

function call(method: string, url: string, change: Partial<HttpSettings> = {}) {
  const runner = createHttpRunner(connectionsOf(connection(change)))
  return runner.run(claimedCommand({ kind: 'http', method, url }))
}

describe('a call to the outside', () => {
  it('goes through the named connection with its secret headers and the id of the command', async () => {
    const result = await call('POST', 'push/queue/pause')
    const received = receiver.received.at(-1)
    assert.equal(result.outcome, 'succeeded')
    assert.equal(received?.url, '/api/queue/pause')
    assert.equal(received?.headers.authorization, 'Bearer s3cret')
    assert.match(String(received?.headers['idempotency-key']), /^[0-9a-f-]{36}$/)
  })

  it('goes to a whole URL when a connection allows its host', async () => {
    assert.equal((await call('GET', `${receiver.url}/api/x`)).outcome, 'succeeded')
  })

  it('gives back status and the named numbers of a JSON answer', async () => {
    const { output } = await call('GET', 'push/count')
    assert.deepEqual([output?.status, output?.fields], [200, { count: 0, difference: 1.5 }])
  })

  it('keeps at most 16 kB of an answer, cut between characters', async () => {
    const { output } = await call('GET', 'push/large')
    assert.ok(Buffer.byteLength(output?.text ?? '') < 16_000)
    assert.match(output?.text ?? '', /^段+\n…$/)
  })

  for (const [what, method, url, expected] of [
    ['a status that is no success', 'GET', 'push/missing', /found status 404, expected 2xx/],
    ['a redirect, which it does not follow', 'GET', 'push/redirect', /found status 302/],
    ['a method that is not on the list', 'DELETE', 'push/x', /found method DELETE, expected one of GET, POST/],
    [
      'a host that no connection allows',
      'GET',
      'http://other.example/x',
      /no connection that allows host "other.example"/,
    ],
    ['a connection nobody made', 'GET', 'billing/x', /no connection "billing"/],
    ['a protocol that is not HTTP', 'GET', 'file:///etc/passwd', /no connection that allows/],
    ['a read without an answer', 'GET', 'push/broken', /.+/],
  ] as const)
    it(`fails for ${what}`, async () => {
      const result = await call(method, url)
      assert.equal(result.outcome, 'failed')
      assert.match(result.detail ?? '', expected)
    })

  it('is ambiguous when something was sent and no answer came', async t => {
    assert.equal((await call('POST', 'push/broken')).outcome, 'ambiguous')
    // Its time is up when the request is there, however long a busy machine takes to connect.
    const timer = new AbortController()
    t.mock.method(AbortSignal, 'timeout', () => timer.signal)
    const before = receiver.received.length
    const calling = call('POST', 'push/silent', { timeoutMs: 150 })
    while (receiver.received.length === before) await new Promise(resolve => setImmediate(resolve))
    timer.abort()
    const late = await calling
    assert.deepEqual([late.outcome, late.detail], ['ambiguous', 'no answer within 150 ms'])
  })

  it('failed plainly when nothing could be sent', async () => {
    const gone = await startLocalReceiver()
    await gone.close()
    const result = await call('POST', `${gone.url}/x`, { allowedHosts: [gone.host] })
    assert.equal(result.outcome, 'failed')
  })

  it('reaches no private address unless the connection allows it, by number or by name', async () => {
    for (const host of [receiver.host, `localhost:${receiver.host.split(':')[1]}`]) {
      const settings = { allowPrivate: false, allowedHosts: [host], baseUrl: `http://${host}/` }
      const before = receiver.received.length
      const result = await call('GET', 'push/x', settings)
      assert.equal(result.outcome, 'failed')
      assert.match(result.detail ?? '', /expected a public one/)
      assert.equal(receiver.received.length, before)
    }
  })

  it('never leaves the allowed host, whatever a path says', async () => {
    for (const path of [
      'push/../../..//evil.example/x',
      'push/\\evil.example',
      'push//evil.example/x',
      'push/@evil.example',
    ]) {
      await call('GET', path)
      assert.equal(receiver.received.at(-1)?.headers.host, receiver.host)
    }
    for (const path of ['push@evil.example/x', 'push:x@evil.example'])
      assert.equal((await call('GET', path)).outcome, 'failed')
  })
})

describe('a public address', () => {
  for (const [address, isPublic] of [
    ['93.184.216.34', true],
    ['2606:2800:220:1:248:1893:25c8:1946', true],
    ['127.0.0.1', false],
    ['10.1.2.3', false],
    ['172.31.255.255', false],
    ['172.32.0.1', true],
    ['192.168.0.1', false],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['::1', false],
    ['::', false],
    ['fe80::1%eth0', false],
    ['fd00::1', false],
    ['ff02::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['::ffff:93.184.216.34', true],
    ['64:ff9b::a9fe:a9fe', false],
    ['64:ff9b::5db8:d822', true],
    ['2002:7f00:1::', false],
    ['2002:5db8:d822::1', true],
    ['not an address', false],
    ['', false],
  ] as const)
    it(`${isPublic ? 'is' : 'is not'} ${address === '' ? 'nothing' : address}`, () => {
      assert.equal(isPublicAddress(address), isPublic)
    })

  it('is never one of 10/8 or 127/8, however it is dressed as IPv6', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(fc.constantFrom(10, 127), byte, byte, byte, (a, b, c, d) => {
        const hex = [(a << 8) | b, (c << 8) | d].map(group => group.toString(16)).join(':')
        for (const prefix of ['::ffff:', '64:ff9b::']) assert.equal(isPublicAddress(prefix + hex), false)
        assert.equal(isPublicAddress(`2002:${hex}::1`), false)
      }),
    )
  })
})
