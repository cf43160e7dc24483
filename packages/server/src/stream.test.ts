import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import type { DankaiServer } from './create-server.ts'
import { spreadMsFor } from './features/stream/flag-feed.ts'
import { pingFrame } from './streaming/event-frame.ts'
import { waitingBytesMax } from './streaming/stream-client.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from './testing/test-server.ts'

let house: TestHouse
let one: DankaiServer
/** Another instance on the same database. */
let two: DankaiServer
const clients: DankaiClient[] = []

before(async () => {
  house = await openTestHouse()
  one = await house.open()
  two = await house.open()
})
after(async () => {
  await Promise.all(clients.map(client => client.close()))
  await house.close()
})

const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  ask(one.url, method, path, body === undefined ? {} : { body })

/** An environment of its own for each test, with a key for SDKs. */
async function environment(name: string, kind = 'sdk-server') {
  const { body } = await api('POST', '/v1/keys', { kind, principal: 'trips', name, environment: name })
  const inPlace = (path: string): string => `${path}${path.includes('?') ? '&' : '?'}environment=${name}`
  return {
    key: body.secret as string,
    name,
    call: (method: string, path: string, content?: unknown) => api(method, inPlace(path), content),
    setFlag: (key: string, flag: object, version?: number) =>
      ask(one.url, 'PUT', inPlace(`/v1/flags/${key}`), {
        body: { flag },
        headers: version === undefined ? {} : { 'if-match': String(version) },
      }),
  }
}

async function openClient(server: DankaiServer, key: string, name = 'trips-1'): Promise<DankaiClient> {
  const client = createDankaiClient({ url: server.url, key, name, service: 'trips', flushEveryMs: 100 })
  clients.push(client)
  await client.ready()
  return client
}

/** Resolves when the client serves the flag so. */
async function serves(client: DankaiClient, flag: string, isOn: boolean): Promise<void> {
  while (client.isEnabled(flag, { targetingKey: 'user' }) !== isOn)
    await new Promise<void>(resolve => {
      const stop = client.on('change', () => {
        stop()
        resolve()
      })
    })
}

const everybody = { exposure: { share: 1, cohorts: [], shadow: false } }
const nobody = { exposure: { share: 0, cohorts: [], shadow: false } }

/** The raw wire of one stream, read as text. */
class WireReader {
  readonly #response: Response
  readonly #reader: ReadableStreamDefaultReader<string>
  #text = ''

  constructor(response: Response) {
    this.#response = response
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  }

  get headers(): Headers {
    return this.#response.headers
  }

  /** The next event that is no ping. */
  async next(): Promise<{
    event: string
    id: string | undefined
    data: { version: number; flag?: { key: string }; flags?: unknown[]; deleted?: string }
  }> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end < 0) {
        const { value = '', done } = await this.#reader.read()
        assert.ok(!done, 'the stream ended')
        this.#text += value
        continue
      }
      const block = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 2)
      const event = /^event: (.*)$/m.exec(block)?.[1] ?? ''
      if (event !== 'ping')
        return { event, id: /^id: (.*)$/m.exec(block)?.[1], data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '') }
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel()
  }
}

async function openWire(server: DankaiServer, key: string, lastEventId?: number): Promise<WireReader> {
  const response = await fetch(`${server.url}/v1/stream`, {
    headers: {
      authorization: `Bearer ${key}`,
      'dankai-sdk': `${randomUUID()}; name=wire`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
  })
  assert.equal(response.status, 200)
  return new WireReader(response)
}

describe('the stream of flags', () => {
  it('begins with the full set and goes on with one change a version', async () => {
    const place = await environment('changes')
    await place.setFlag('a', everybody)
    const wire = await openWire(one, place.key)
    assert.equal(wire.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    const first = await wire.next()
    assert.deepEqual([first.event, first.data.version, first.data.flags?.length, first.id], ['flags', 1, 1, '1'])
    await place.setFlag('b', {})
    await place.setFlag('a', nobody, 1)
    const changes = [await wire.next(), await wire.next()]
    assert.deepEqual(
      changes.map(({ event, data }) => [event, data.version, data.flag?.key]),
      [
        ['change', 2, 'b'],
        ['change', 3, 'a'],
      ],
    )
    await ask(one.url, 'DELETE', `/v1/flags/b?environment=${place.name}`, { headers: { 'if-match': '2' } })
    assert.deepEqual((await wire.next()).data, { version: 4, deleted: 'b' })
    await wire.close()
  })

  it('goes on after Last-Event-ID with exactly what was missed', async () => {
    const place = await environment('resume')
    const wire = await openWire(one, place.key)
    await wire.next()
    for (const key of ['a', 'b', 'c']) await place.setFlag(key, {})
    for (let version = 1; version <= 3; version++) assert.equal((await wire.next()).data.version, version)
    await wire.close()
    const resumed = await openWire(one, place.key, 1)
    assert.deepEqual([(await resumed.next()).data.version, (await resumed.next()).data.version], [2, 3])
    await resumed.close()
    const unknown = await openWire(one, place.key, 77)
    assert.equal((await unknown.next()).event, 'flags')
    await unknown.close()
  })

  it('brings a change made through one instance to the SDKs of another', async () => {
    const place = await environment('instances')
    const client = await openClient(two, place.key)
    await place.setFlag('dark-mode', everybody)
    await serves(client, 'dark-mode', true)
  })

  it('is refused without an SDK’s name tag, and to a client that follows another environment', async () => {
    const place = await environment('tags')
    const refused = await ask(one.url, 'GET', '/v1/stream', { key: place.key, headers: { 'dankai-sdk': 'me' } })
    assert.deepEqual([refused.status, refused.body.code], [400, 'malformed'])
    const elsewhere = { 'dankai-sdk': randomUUID(), 'dankai-environment': 'production' }
    assert.equal((await ask(one.url, 'GET', '/v1/stream', { key: place.key, headers: elsewhere })).status, 403)
  })

  it('asks its clients to spread what all of them do at once, the more the more there are', () => {
    const spreadOf = (clients: number): unknown =>
      JSON.parse(/data: (.*)\n/.exec(String(pingFrame(spreadMsFor(clients))))![1]!)
    const rows: readonly [clients: number, ping: object][] = [
      [0, {}],
      [1, {}],
      [100, { spreadMs: 50 }],
      [1_000, { spreadMs: 500 }],
      [100_000, { spreadMs: 2_000 }],
    ]
    for (const [clients, ping] of rows) assert.deepEqual(spreadOf(clients), ping, `${clients} clients`)
  })

  it('ends in good order when the server stops', async () => {
    const place = await environment('stopping')
    const stopping = await house.open()
    const response = await fetch(`${stopping.url}/v1/stream`, {
      headers: { authorization: `Bearer ${place.key}`, 'dankai-sdk': randomUUID() },
    })
    const [text] = await Promise.all([response.text(), stopping.stop()])
    assert.match(text, /^event: flags\n/)
  })

  it('drops a client that does not read, and never makes the others wait for it', async () => {
    const place = await environment('stalled')
    const stalled = connect(one.port, '127.0.0.1')
    await once(stalled, 'connect')
    stalled.pause()
    stalled.write(
      `GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${place.key}\r\nDankai-Sdk: ${randomUUID()}; name=stalled\r\n\r\n`,
    )
    const reading = await openClient(one, place.key)
    const big = { variants: { on: true, off: false, note: 'x'.repeat(100_000) } }
    let version = 0
    const isDropped = async () => (await metric('dankai_stream_clients_dropped')) > 0
    for (let sent = 0; !(await isDropped()); sent += 100_000) {
      assert.ok(sent < 40 * waitingBytesMax, 'still not dropped')
      const { body } = await place.setFlag(
        'note',
        { ...big, on: version % 2 === 0 },
        version === 0 ? undefined : version,
      )
      version = body.flag.version
    }
    await until(
      async () => reading.flags().version,
      known => known === version,
    )
    await closed(stalled)
  })

  it('brings megabytes of missed changes to a client that reads, and the full set where that is less', async () => {
    const place = await environment('far-behind')
    const dropped = await metric('dankai_stream_clients_dropped')
    const variants = { on: true, off: false, note: 'x'.repeat(100_000) }
    const write = async (from: number, to: number) => {
      for (let version = from; version < to; version++)
        assert.equal((await place.setFlag('note', { variants, on: version % 2 === 0 }, version)).status, 200)
    }
    await place.setFlag('note', { variants })
    const first = await openWire(one, place.key)
    assert.equal((await first.next()).data.version, 1)
    await first.close()
    await write(1, 31)
    const resumed = await openWire(one, place.key, 1)
    for (let version = 2; version <= 31; version++) assert.equal((await resumed.next()).data.version, version)
    await write(31, 50)
    for (let version = 32; version <= 50; version++) assert.equal((await resumed.next()).data.version, version)
    await resumed.close()
    const late = await openWire(one, place.key, 1)
    const all = await late.next()
    assert.deepEqual([all.event, all.data.version], ['flags', 50])
    await late.close()
    assert.equal(await metric('dankai_stream_clients_dropped'), dropped)
  })

  it('serves a full set many times the cap to a client that reads', async () => {
    const place = await environment('large')
    const dropped = await metric('dankai_stream_clients_dropped')
    const variants = { on: true, off: false, note: 'x'.repeat(900_000) }
    for (let index = 0; index < 10; index++)
      assert.equal((await place.setFlag(`note-${index}`, { variants })).status, 200)
    const client = await openClient(one, place.key)
    assert.equal(client.flags().flags.length, 10)
    assert.equal(await metric('dankai_stream_clients_dropped'), dropped)
  })
})

async function metric(name: string): Promise<number> {
  const { body } = await api('GET', '/metrics')
  return Number(new RegExp(`^${name}(?:\\{protocol="dankai"\\})? (\\d+)`, 'm').exec(body)?.[1])
}

async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  if (socket.closed) return
  const end = once(socket, 'close')
  socket.resume()
  await end
}

const planText = (name: string): string => `kind: ReleasePlan
name: ${name}
service: trips
exposure:
  - flag: ${name}
metrics:
  error_rate: { ratio: http_requests(status=5xx) / http_requests, every: 1s, minSamples: 10 }
rollbackWhen:
  - { name: Error Rate Spike, if: error_rate > 5%, then: rollback now }
phases:
  - { name: half, expose: 50%, hold: 1h }
  - { name: all, expose: 100%, hold: open }
rollback:
  - { name: back, within: 5m, do: [{ expose: 0% }] }
`

async function startRelease(place: Awaited<ReturnType<typeof environment>>, name: string): Promise<string> {
  const applied = await place.call('POST', '/v1/plans', { files: [{ file: `${name}.yaml`, text: planText(name) }] })
  assert.equal(applied.status, 200, JSON.stringify(applied.body))
  const { status, body } = await place.call('POST', '/v1/releases', { plan: name, version: '2.0.0' })
  assert.equal(status, 201, JSON.stringify(body))
  return body.id
}

const untilRelease = (
  place: Awaited<ReturnType<typeof environment>>,
  id: string,
  isEnough: (release: Answer['body']) => boolean,
) => until(async () => (await place.call('GET', `/v1/releases/${id}`)).body, isEnough)

describe('a release of a service with a real SDK', () => {
  it('has reached its phase when the SDK acknowledged it, and goes back by itself on bad samples', async () => {
    const place = await environment('breach')
    const client = await openClient(one, place.key)
    const id = await startRelease(place, 'booking')
    const held = await untilRelease(place, id, ({ status }) => status.waitingOn[0]?.kind === 'hold')
    assert.deepEqual([held.hands[0].reached, held.hands[0].share], [true, 0.5])
    const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`)
    const exposed = () => users.filter(targetingKey => client.isEnabled('booking', { targetingKey })).length
    assert.ok(Math.abs(exposed() - 500) < 80, `found ${exposed()} of 1,000`)

    const lowered = new Promise<void>(resolve => client.on('change', () => exposed() === 0 && resolve()))
    for (let request = 0; request < 100; request++)
      client.observeRequest({ track: 'canary' }, { status: request % 2 === 0 ? 500 : 200, durationMs: 20 })
    assert.equal(await client.flush(), true)
    await lowered
    const back = await untilRelease(place, id, release => !release.live)
    assert.deepEqual(
      [back.status.stage, back.status.reasons[0].because],
      ['rolledBack', 'Error Rate Spike: error_rate > 5%'],
    )
  })

  it('is not judged by samples of a wrong clock, of another track’s label or twice', async () => {
    const place = await environment('odd-samples')
    const at = Math.floor(Date.now() / 1_000) * 1_000
    const sample = {
      service: 'trips',
      series: 'http_requests',
      labels: { status: '500' },
      bucketStart: at,
      bucketMs: 1_000,
      count: 3,
    }
    const post = (change: object) =>
      ask(one.url, 'POST', '/v1/samples', {
        key: place.key,
        body: { sdk: randomUUID(), batch: 1, sentAt: Date.now(), samples: [sample], ...change },
      })
    const hourAhead = await post({
      sentAt: Date.now() + 3_600_000,
      samples: [{ ...sample, bucketStart: at + 3_600_000 }],
    })
    assert.deepEqual([hourAhead.status, hourAhead.body.accepted], [202, 1])
    const future = await post({ samples: [{ ...sample, bucketStart: at + 60_000 }, sample] })
    assert.deepEqual(
      [future.body.accepted, future.body.refused[0].index, future.body.refused[0].code],
      [1, 0, 'future'],
    )
    assert.equal((await post({ samples: [{ ...sample, bucketStart: at - 7_200_000 }] })).body.refused[0].code, 'late')

    const sdk = randomUUID()
    const before = await metric('dankai_sample_batches_repeated_total')
    assert.equal((await post({ sdk, batch: 7 })).status, 202)
    assert.equal((await post({ sdk, batch: 7 })).status, 202)
    assert.equal((await metric('dankai_sample_batches_repeated_total')) - before, 1)
  })

  for (const [what, samples, code] of [
    ['a number that is none', [{ count: 'NaN' }], 'invalid'],
    ['a count below zero', [{ count: -1 }], 'invalid'],
    [
      'an endless number',
      '[{"service":"s","series":"x","labels":{},"bucketStart":0,"bucketMs":1000,"count":1e999}]',
      'invalid',
    ],
    ['a bucket without length', [{ bucketMs: 0 }], 'invalid'],
    ['nothing measured', [{ count: undefined }], 'empty'],
    [
      'a label of the prototype',
      '[{"service":"s","series":"x","labels":{"__proto__":"x"},"bucketStart":0,"bucketMs":1000,"count":1}]',
      'label',
    ],
    [
      'too many labels',
      [{ labels: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`l${index}`, 'x'])) }],
      'label',
    ],
    ['no object', [null], 'invalid'],
  ] as const)
    it(`refuses a sample with ${what}, and takes the good one beside it`, async () => {
      const place = await environment('hostile')
      const good = { service: 's', series: 'x', labels: {}, bucketStart: Date.now(), bucketMs: 1_000, count: 1 }
      const bad =
        typeof samples === 'string'
          ? samples.slice(1, -1)
          : JSON.stringify(samples.map(change => (change === null ? null : { ...good, ...change }))).slice(1, -1)
      const body = `{"sdk":"${randomUUID()}","batch":1,"sentAt":${Date.now()},"samples":[${bad},${JSON.stringify(good)}]}`
      const { status, body: receipt } = await ask(one.url, 'POST', '/v1/samples', { key: place.key, body })
      assert.deepEqual([status, receipt.accepted, receipt.refused[0].code], [202, 1, code])
    })

  it('refuses a batch that is too large as a whole', async () => {
    const place = await environment('hostile')
    const samples = Array.from({ length: 2_001 }, () => ({}))
    const { status } = await ask(one.url, 'POST', '/v1/samples', {
      key: place.key,
      body: { sdk: randomUUID(), batch: 1, sentAt: 0, samples },
    })
    assert.equal(status, 422)
    const huge = await ask(one.url, 'POST', '/v1/samples', { key: place.key, body: { note: 'x'.repeat(1_100_000) } })
    assert.equal(huge.status, 413)
  })
})

describe('an emergency stop', () => {
  it('takes the change from everybody at once, says who serves that, rolls back, and is lifted', async () => {
    const place = await environment('emergency')
    const near = await openClient(one, place.key, 'near')
    const far = await openClient(two, place.key, 'far')
    await place.setFlag('kill-switch', { ...everybody, kind: 'ops' })
    const id = await startRelease(place, 'flights')
    await place.setFlag('flights-beta', everybody)
    await untilRelease(place, id, ({ status }) => status.waitingOn[0]?.kind === 'hold')
    await Promise.all([near, far].map(client => serves(client, 'flights-beta', true)))

    const stop = { stop: true, why: 'prices are wrong', id: randomUUID() }
    // An SDK of a machine that is too slow to speak within a second is counted when the stop is posted once more.
    const { status, body } = await until(
      () => place.call('POST', '/v1/emergency', stop),
      ({ body }) => body.acknowledged === 2,
    )
    assert.deepEqual([status, body.stopped, body.stored, body.stops.length], [200, true, 'database', 1])
    assert.deepEqual([body.connected, body.silent], [2, []])
    for (const client of [near, far]) {
      await serves(client, 'flights-beta', false)
      assert.equal(client.isEnabled('kill-switch', { targetingKey: 'user' }), true)
    }
    const back = await untilRelease(place, id, release => !release.live)
    assert.equal(back.status.stage, 'rolledBack')
    const refused = await place.call('POST', '/v1/releases', { plan: 'flights', version: '2.0.1' })
    assert.deepEqual([refused.status, refused.body.code], [409, 'not-possible'])
    assert.match(refused.body.detail, /emergency stop by admin \(prices are wrong\)/)

    const lifted = await place.call('POST', '/v1/emergency', { stop: false, why: 'fixed' })
    assert.deepEqual([lifted.body.stopped, lifted.body.stops], [false, []])
    for (const client of [near, far]) await serves(client, 'flights-beta', true)
    const { body: audit } = await place.call('GET', '/v1/audit')
    const whys = audit.items
      .filter(({ action }: { action: string }) => action.includes('emergency'))
      .map(({ why }: { why: string }) => why)
    assert.deepEqual([...new Set(whys)], ['fixed', 'prices are wrong'])
  })

  it('may name one flag, and the same stop posted twice is one', async () => {
    const place = await environment('one-flag')
    const client = await openClient(one, place.key)
    for (const key of ['a', 'b']) await place.setFlag(key, everybody)
    await serves(client, 'b', true)
    const stop = { stop: true, why: 'test', flag: 'a', id: randomUUID() }
    await place.call('POST', '/v1/emergency', stop)
    const { body } = await ask(two.url, 'POST', `/v1/emergency?environment=${place.name}`, { body: stop })
    assert.deepEqual(body.stops, [{ id: stop.id, target: 'flag a' }])
    await serves(client, 'a', false)
    assert.equal(client.isEnabled('b', { targetingKey: 'user' }), true)
  })
})
