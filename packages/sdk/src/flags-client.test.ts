import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defineFlag, type EvaluationContext, evaluateFlag, type FlagDefinition } from '@dankai/flags'
import fc from 'fast-check'
import { createBackoff } from './backoff.ts'
import type { ClientEventName, ClientEvents } from './client-events.ts'
import type { ClientOptions } from './client-options.ts'
import { createDankaiClient, type DankaiClient } from './dankai-client.ts'
import { KnownFlags } from './known-flags.ts'
import { retryAfterMs } from './request.ts'
import { type ControlPlaneDouble, openControlPlaneDouble, type StreamDouble } from './testing/control-plane-double.ts'
import { ManualClock } from './testing/manual-clock.ts'

const mio = { targetingKey: 'mio' }
const flag = (share: number, given: Partial<FlagDefinition> = {}): FlagDefinition =>
  defineFlag({ key: 'new-booking-flow', exposure: { share, cohorts: [], shadow: false }, ...given })

interface Options extends Partial<ClientOptions> {
  readonly answersAcknowledgements?: boolean
}

interface World {
  readonly plane: ControlPlaneDouble
  readonly clock: ManualClock
  readonly client: DankaiClient
}

/** A client on a still clock, whose every back-off is as long as it may be. */
async function open(t: TestContext, { answersAcknowledgements = true, ...options }: Options = {}): Promise<World> {
  const plane = await openControlPlaneDouble()
  plane.answersAcknowledgements = answersAcknowledgements
  const clock = new ManualClock(1_700_000_000_000)
  const client = createDankaiClient({
    url: plane.url,
    key: 'sdk-key',
    name: 'trips-1',
    clock,
    random: () => 1,
    ...options,
  })
  t.after(async () => {
    await Promise.all([client.close(), plane.close()])
    assert.equal(clock.pending, 0, 'a closed client leaves no timer behind')
  })
  return { plane, clock, client }
}

async function openWithFlags(t: TestContext, version: number, options: Options = {}) {
  const world = await open(t, options)
  const stream = await world.plane.streams.next()
  stream.send('flags', version, { version, flags: [flag(1)] })
  await world.client.ready()
  return { ...world, stream }
}

function next<Name extends ClientEventName>(client: DankaiClient, name: Name): Promise<ClientEvents[Name]> {
  return new Promise(resolve => {
    const stop = client.on(name, event => {
      stop()
      resolve(event)
    })
  })
}

/** The message with which the client gives up a connection; by then it waits to open the next one. */
function lostStream(client: DankaiClient): Promise<Error> {
  return new Promise(resolve => {
    const stop = client.on('error', error => {
      if (!error.message.startsWith('Cannot follow flags')) return
      stop()
      resolve(error)
    })
  })
}

/** Ends the present connection and brings the next one about. */
async function reconnect({ plane, clock, client }: World, end: () => void): Promise<StreamDouble> {
  const lost = lostStream(client)
  end()
  await lost
  clock.advance(10_000)
  return plane.streams.next()
}

test('the first set makes the client ready and fresh, and is acknowledged at once', async t => {
  const { plane, client, clock } = await open(t)
  assert.equal(client.status(), 'starting')
  const stream = await plane.streams.next()
  assert.equal(stream.headers.authorization, 'Bearer sdk-key')
  assert.equal(stream.headers.accept, 'text/event-stream')
  assert.equal(stream.headers['dankai-sdk'], `${client.id}; name=trips-1`)
  assert.equal(stream.headers['last-event-id'], undefined)
  const change = next(client, 'change')
  stream.send('flags', 41, { version: 41, flags: [flag(1)] })
  assert.deepEqual(await change, { version: 41, keys: ['new-booking-flow'] })
  await client.ready()
  assert.equal(client.status(), 'fresh')
  assert.equal(client.isEnabled('new-booking-flow', mio), true)
  assert.deepEqual(client.flags(), { version: 41, flags: [flag(1)] })
  const { body } = await plane.acknowledgements.next()
  assert.deepEqual(body, { sdk: client.id, name: 'trips-1', version: 41, appliedAt: clock.now() })
})

test('every request names the environment when one is given', async t => {
  const { plane, client } = await openWithFlags(t, 1, { environment: 'staging & co' })
  await plane.acknowledgements.next()
  client.count('bookings', {})
  const flushed = client.flush()
  ;(await plane.samples.next()).answer(202)
  await flushed
  assert.deepEqual([...plane.queries], ['environment=staging%20%26%20co'])
})

test('a change, an emergency stop and a deletion are applied as they come', async t => {
  const { client, stream } = await openWithFlags(t, 1)
  const rows: readonly [message: object, enabled: boolean, reason: string][] = [
    [{ version: 2, flag: flag(0) }, false, 'OUTSIDE'],
    [{ version: 3, flag: flag(1) }, true, 'ON'],
    [{ version: 4, flag: flag(1, { killed: true }) }, false, 'KILLED'],
    // A stop that could not reach the database carries the present version.
    [{ version: 4, flag: flag(1) }, true, 'ON'],
    [{ version: 4, flag: flag(1, { killed: true }) }, false, 'KILLED'],
    [{ version: 5, deleted: 'new-booking-flow' }, false, 'ERROR'],
  ]
  for (const [message, enabled, reason] of rows) {
    const change = next(client, 'change')
    stream.send('change', (message as { version: number }).version, message)
    await change
    assert.equal(client.isEnabled('new-booking-flow', mio), enabled)
    assert.equal(client.evaluate('new-booking-flow', mio, false).reason, reason)
  }
  assert.deepEqual(client.flags(), { version: 5, flags: [] })
})

test('a lost connection is followed by another that goes on from the last version', async t => {
  const world = await openWithFlags(t, 7)
  const second = await reconnect(world, () => world.stream.drop())
  assert.equal(second.headers['last-event-id'], '7')
  const change = next(world.client, 'change')
  second.send('change', 8, { version: 8, flag: flag(0) })
  await change
  const third = await reconnect(world, () => second.end())
  assert.equal(third.headers['last-event-id'], '8')
  assert.equal(world.client.isEnabled('new-booking-flow', mio), false)
})

test('a server that cannot be reached is named by its error, and nothing is thrown', async t => {
  const plane = await openControlPlaneDouble()
  await plane.close()
  const clock = new ManualClock(0)
  const client = createDankaiClient({ url: plane.url, key: 'sdk-key', name: 'trips-1', clock })
  t.after(() => client.close())
  assert.equal(
    (await lostStream(client)).message,
    'Cannot follow flags: found no connection (ECONNREFUSED). Connecting again',
  )
  clock.advance(10_000)
  assert.equal(client.status(), 'stale', 'a client that has never heard its server says so too')
})

test('a change names the flags that ask for the changed one too, through any number of others, and what they serve', async t => {
  const { client, stream } = await openWithFlags(t, 1)
  const asking = (key: string, ...others: readonly string[]): FlagDefinition =>
    flag(1, { key, prerequisites: others.map(other => ({ flag: other, variants: ['on'] })) })
  const [root, all] = [flag(1, { key: 'root' }), { version: 1, flags: [] as FlagDefinition[] }]
  all.flags = [
    root,
    asking('one', 'root'),
    asking('two', 'one'),
    asking('three', 'two', 'other'),
    flag(1, { key: 'other' }),
  ]
  const isOn = (): string[] => all.flags.map(({ key }) => key).filter(key => client.isEnabled(key, mio))
  const rows: readonly [message: object, keys: readonly string[], on: readonly string[]][] = [
    [{ version: 2, flag: { ...root, on: false } }, ['root', 'one', 'two', 'three'], ['other']],
    [{ version: 2, flag: { ...root, killed: true } }, ['root', 'one', 'two', 'three'], ['other']],
    [{ version: 3, flag: root }, ['root', 'one', 'two', 'three'], ['root', 'one', 'two', 'three', 'other']],
    [{ version: 4, flag: flag(0, { key: 'other' }) }, ['other', 'three'], ['root', 'one', 'two']],
    [{ version: 5, flag: asking('three', 'one') }, ['three'], ['root', 'one', 'two', 'three']],
    [{ version: 6, flag: { ...asking('two'), on: false } }, ['two'], ['root', 'one', 'three']],
    // A circle breaks everybody in it, and ends for all of them.
    [{ version: 7, flag: asking('root', 'three') }, ['root', 'one', 'three'], []],
    [{ version: 8, flag: root }, ['root', 'one', 'three'], ['root', 'one', 'three']],
    [{ version: 9, deleted: 'root' }, ['root', 'one', 'three'], []],
  ]
  const first = next(client, 'change')
  stream.send('flags', 1, all)
  assert.deepEqual((await first).keys, ['new-booking-flow', ...all.flags.map(({ key }) => key)])
  for (const [message, keys, on] of rows) {
    const change = next(client, 'change')
    stream.send('change', 0, message)
    assert.deepEqual((await change).keys, keys, JSON.stringify(message))
    assert.deepEqual(isOn(), on, JSON.stringify(message))
  }
  const again = next(client, 'change')
  stream.send('flags', 9, {
    version: 9,
    flags: all.flags.map(one => (one.key === 'one' ? { ...one, on: false } : one)),
  })
  assert.deepEqual((await again).keys.toSorted(), ['one', 'other', 'root', 'three', 'two'])
})

test('no answer of a flag changes without the change naming it, whatever asks for what', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const anyFlag = fc.record({
    key: fc.constantFrom(...names),
    on: fc.boolean(),
    asks: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
  })
  const definition = ({ key, on, asks }: { key: string; on: boolean; asks: readonly string[] }): FlagDefinition =>
    flag(1, { key, on, prerequisites: [...new Set(asks)].map(other => ({ flag: other, variants: ['on'] })) })
  const answers = (known: KnownFlags): ReadonlyMap<string, string> =>
    new Map(known.all().map(one => [one.definition.key, JSON.stringify(evaluateFlag(one, mio))]))
  fc.assert(
    fc.property(
      fc.array(anyFlag, { maxLength: 8 }),
      fc.array(fc.oneof(anyFlag, fc.record({ deleted: fc.constantFrom(...names) })), { maxLength: 8 }),
      (initial, changes) => {
        const known = new KnownFlags()
        known.apply({ kind: 'flags', version: 0, flags: initial.map(definition) }, false)
        for (const [index, change] of changes.entries()) {
          const before = answers(known)
          const version = index + 1
          const applied = known.apply(
            'deleted' in change
              ? { kind: 'deletion', version, key: change.deleted }
              : { kind: 'change', version, flag: definition(change) },
            false,
          )
          assert.ok(applied.outcome === 'applied')
          const named = new Set(applied.keys)
          assert.equal(named.size, applied.keys.length, 'nobody is named twice')
          const after = answers(known)
          for (const key of names) if (before.get(key) !== after.get(key)) assert.ok(named.has(key), key)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a gap asks for the full set, and an older change is not applied', async t => {
  const world = await openWithFlags(t, 7)
  world.stream.send('change', 6, { version: 6, flag: flag(0) })
  const second = await reconnect(world, () => world.stream.send('change', 9, { version: 9, flag: flag(0) }))
  await world.stream.closed
  assert.equal(world.client.isEnabled('new-booking-flow', mio), true, 'nothing was applied across the gap')
  assert.equal(second.headers['last-event-id'], undefined)
  const change = next(world.client, 'change')
  second.send('flags', 9, { version: 9, flags: [flag(0)] })
  assert.deepEqual(await change, { version: 9, keys: ['new-booking-flow'] })
})

test('a set older than what is known is refused until the client is stale, so that a lagging server brings nothing back', async t => {
  const { plane, clock, client, stream } = await openWithFlags(t, 9)
  const older = { version: 3, flags: [] }
  let present = stream
  for (const waitMs of [200, 400, 800]) {
    const lost = lostStream(client)
    present.send('flags', 3, older)
    assert.match((await lost).message, /found flags version 3 after 9/)
    clock.advance(waitMs)
    present = await plane.streams.next()
    assert.equal(present.headers['last-event-id'], undefined)
    assert.equal(client.isEnabled('new-booking-flow', mio), true)
  }
  // Talking does not keep a client fresh that cannot be brought up to date.
  clock.advance(9_000)
  assert.equal(client.status(), 'stale')
  const change = next(client, 'change')
  present.send('flags', 3, older)
  assert.deepEqual(await change, { version: 3, keys: ['new-booking-flow'] })
  assert.equal(client.status(), 'fresh')
})

test('silence makes the client stale, which every evaluation says, and a ping on a new connection fresh again', async t => {
  const { plane, client, clock, stream } = await openWithFlags(t, 7)
  clock.advance(9_999)
  assert.equal(client.status(), 'fresh')
  const stale = next(client, 'stale')
  const lost = lostStream(client)
  clock.advance(1)
  assert.deepEqual(await stale, { version: 7 })
  const { value, stale: isStale, version } = client.evaluate('new-booking-flow', mio, false)
  assert.deepEqual({ value, isStale, version }, { value: true, isStale: true, version: 7 })
  await Promise.all([stream.closed, lost])
  clock.advance(200)
  const second = await plane.streams.next()
  assert.equal(second.headers['last-event-id'], '7')
  const fresh = next(client, 'fresh')
  second.send('ping', null, {})
  await fresh
  assert.equal(client.evaluate('new-booking-flow', mio, false).stale, false)
})

test('pings keep the client fresh', async t => {
  const { client, clock, stream } = await openWithFlags(t, 1)
  for (let version = 2; version < 12; version++) {
    clock.advance(3_000)
    const change = next(client, 'change')
    stream.write('event: ping\ndata: {}\n\nevent: of-tomorrow\ndata: ?\n\n')
    // A change behind the ping tells when the ping has been read; it does not come at every second round.
    stream.send('change', version, { version, flag: flag(version % 2) })
    await change
  }
  assert.equal(client.status(), 'fresh')
})

test('with onStale off, a stale client serves off variants until it hears the server again', async t => {
  const { client, clock, plane } = await openWithFlags(t, 7, { onStale: 'off' })
  const lost = lostStream(client)
  clock.advance(10_000)
  assert.equal(client.isEnabled('new-booking-flow', mio, true), false)
  const { value, reason, errorCode } = client.evaluate('new-booking-flow', mio, true)
  assert.deepEqual({ value, reason, errorCode }, { value: false, reason: 'OFF', errorCode: 'STALE' })
  await lost
  clock.advance(200)
  const second = await plane.streams.next()
  const fresh = next(client, 'fresh')
  second.send('ping', null, {})
  await fresh
  assert.equal(client.isEnabled('new-booking-flow', mio), true)
})

test('a server that accepts the connection and never answers is given up', async t => {
  const { plane, clock, client } = await open(t)
  await plane.streams.next()
  plane.refuseNext()
  const lost = lostStream(client)
  clock.advance(10_000)
  assert.match((await lost).message, /nothing for 10000 ms/)
  clock.advance(200)
  await plane.refusals.next()
  const again = lostStream(client)
  clock.advance(10_000)
  assert.match((await again).message, /nothing for 10000 ms/)
  assert.equal(client.status(), 'stale')
})

test('answers that are no event stream are reported without the key, and tried again as the server asks', async t => {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(0)
  for (let refusal = 0; refusal < 3; refusal++) plane.refuseNext()
  const client = createDankaiClient({ url: `${plane.url}/`, key: 'sdk-secret', name: '旅行-1', clock, random: () => 0 })
  t.after(() => Promise.all([client.close(), plane.close()]))
  const rows: readonly [status: number, headers: Record<string, string>, found: RegExp, waitMs: number][] = [
    [401, {}, /found status 401, expected 200 \(is the key one of this environment\?\)/, 0],
    [200, { 'content-type': 'text/html' }, /found text\/html, expected text\/event-stream/, 0],
    [503, { 'retry-after': '7' }, /found status 503/, 7_000],
  ]
  for (const [status, headers, found, waitMs] of rows) {
    const refusal = await plane.refusals.next()
    assert.equal(refusal.headers['dankai-sdk'], `${client.id}; name=${encodeURIComponent('旅行-1')}`)
    const error = next(client, 'error')
    refusal.response.writeHead(status, headers).end('<html>')
    const { message, cause } = await error
    assert.match(message, found)
    assert.doesNotMatch(`${message} ${String(cause)}`, /sdk-secret/)
    if (waitMs > 0) clock.advance(waitMs - 1)
    assert.equal(plane.streams.unread, 0)
    clock.advance(1)
  }
  await plane.streams.next()
})

test('events that cannot be read are reported, and the next connection asks for the full set', async t => {
  const world = await openWithFlags(t, 7)
  let { stream } = world
  for (const text of [
    'event: change\ndata: {"version":\n\n',
    'event: change\ndata: null\n\n',
    'event: flags\ndata: {"version":"8","flags":[]}\n\n',
    'event: flags\ndata: {"version":8,"flags":[{}]}\n\n',
    'event: change\ndata: {"version":8}\n\n',
  ]) {
    const before = stream
    stream = await reconnect(world, () => before.write(text))
    assert.equal(stream.headers['last-event-id'], undefined, text)
  }
  assert.equal(world.client.isEnabled('new-booking-flow', mio), true)
})

test('a flag of a newer kind serves its off variant and is reported, beside flags that work', async t => {
  const { client, stream } = await openWithFlags(t, 1)
  const error = next(client, 'error')
  const strange = { ...flag(1), key: 'of-tomorrow', algorithm: 'quantum' }
  stream.send('flags', 2, { version: 2, flags: [flag(1), strange] })
  assert.match((await error).message, /Cannot accept flag "of-tomorrow": algorithm: found "quantum"/)
  assert.equal(client.isEnabled('new-booking-flow', mio), true)
  assert.equal(client.isEnabled('of-tomorrow', mio), false)
  assert.equal(client.evaluate('of-tomorrow', mio, 'fallback').errorCode, 'PARSE_ERROR')
})

test('acknowledgements are one at a time, the latest wins, and repeat as a heartbeat', async t => {
  const { plane, client, clock, stream } = await openWithFlags(t, 1, { answersAcknowledgements: false })
  const first = await plane.acknowledgements.next()
  for (const version of [2, 3, 4]) {
    const change = next(client, 'change')
    stream.send('change', version, { version, flag: flag(version / 10) })
    await change
  }
  assert.equal(plane.acknowledgements.unread, 0, 'nothing else is on its way while the first is unanswered')
  const appliedAt = clock.now()
  first.answer(202)
  const second = await plane.acknowledgements.next()
  assert.deepEqual([first.body.version, second.body.version], [1, 4])
  second.answer(202)
  for (let beat = 0; beat < 2; beat++) {
    await clock.scheduled(5_000)
    clock.advance(5_000)
    const heartbeat = await plane.acknowledgements.next()
    assert.deepEqual(heartbeat.body, { sdk: client.id, name: 'trips-1', version: 4, appliedAt })
    heartbeat.answer(202)
  }
})

test('a server with many clients has them spread what all of them do at once', async t => {
  const { plane, client, clock, stream } = await openWithFlags(t, 1)
  await plane.acknowledgements.next()
  const change = next(client, 'change')
  stream.send('ping', null, { spreadMs: 500 })
  stream.send('change', 2, { version: 2, flag: flag(0.5) })
  await change
  assert.equal(client.flags().version, 2, 'applied at once')
  clock.advance(499)
  assert.equal(plane.acknowledgements.unread, 0)
  clock.advance(1)
  assert.equal((await plane.acknowledgements.next()).body.version, 2)

  const lost = lostStream(client)
  stream.end()
  await lost
  clock.advance(999)
  assert.equal(plane.streams.unread, 0)
  clock.advance(1)
  const second = await plane.streams.next()
  const again = next(client, 'change')
  second.send('ping', null, { spreadMs: 'often' })
  second.send('change', 3, { version: 3, flag: flag(0) })
  await again
  assert.equal((await plane.acknowledgements.next()).body.version, 3, 'a number that is none asks for nothing')
})

test('an acknowledgement that fails is tried again, reported once, and waits as the server asks', async t => {
  const errors: string[] = []
  const { plane, clock, client } = await openWithFlags(t, 1, {
    answersAcknowledgements: false,
    onError: error => errors.push(error.message),
  })
  const reported = next(client, 'error')
  ;(await plane.acknowledgements.next()).drop()
  await reported
  const rows: readonly [waitMs: number, status: number, headers: Record<string, string>][] = [
    [200, 500, {}],
    [400, 429, { 'retry-after': '3' }],
    [3_000, 202, {}],
  ]
  for (const [waitMs, status, headers] of rows) {
    await clock.scheduled(waitMs)
    clock.advance(waitMs)
    ;(await plane.acknowledgements.next()).answer(status, {}, headers)
  }
  await clock.scheduled(5_000)
  assert.deepEqual(errors, ['Cannot acknowledge flags version 1: found no answer, expected 2xx'])
})

test('before flags are known, and for unknown flags and other types, the fallback is the answer (F-057, F-058)', async t => {
  const { plane, client } = await open(t)
  assert.equal(client.isEnabled('new-booking-flow', mio, true), true)
  assert.equal(client.evaluate('new-booking-flow', mio, 'control').errorCode, 'PROVIDER_NOT_READY')
  const stream = await plane.streams.next()
  const search = flag(1, { key: 'search', variants: { on: 'ml_ranking', off: 'default' } })
  stream.send('flags', 1, { version: 1, flags: [flag(0.5), search] })
  await client.ready()
  const rows: readonly [
    key: string,
    context: EvaluationContext,
    fallback: boolean | string | null,
    value: unknown,
    code: string | null,
  ][] = [
    ['unknown', mio, 'control', 'control', 'FLAG_NOT_FOUND'],
    ['__proto__', mio, 'control', 'control', 'FLAG_NOT_FOUND'],
    ['new-booking-flow', {}, true, true, 'TARGETING_KEY_MISSING'],
    ['search', mio, 'default', 'ml_ranking', null],
    ['search', mio, null, 'ml_ranking', null],
    ['search', mio, false, false, 'TYPE_MISMATCH'],
  ]
  for (const [key, context, fallback, value, code] of rows) {
    const found = client.evaluate(key, context, fallback)
    assert.deepEqual([found.value, found.errorCode], [value, code], key)
  }
  assert.equal(client.isEnabled('search', mio, true), true, 'a text is neither on nor off')
})

test('bootstrap flags answer until the server is heard, and give way to its set, whatever its version', async t => {
  const { plane, client } = await open(t, { bootstrap: { version: 90, flags: [flag(1)] } })
  assert.equal(client.isEnabled('new-booking-flow', mio), true)
  assert.deepEqual([client.status(), client.flags().version], ['starting', 90])
  const stream = await plane.streams.next()
  assert.equal(stream.headers['last-event-id'], undefined)
  stream.send('flags', 3, { version: 3, flags: [flag(0)] })
  await client.ready()
  assert.equal(client.isEnabled('new-booking-flow', mio), false)
})

test('bootstrap flags of no such shape, as a page may hand them over, are told and not thrown', async t => {
  for (const junk of [null, 7, {}, { flags: [null] }, { flags: [flag(1), {}] }, { version: 'x', flags: [] }]) {
    for (const bootstrap of [junk, async () => junk]) {
      const told = Promise.withResolvers<Error>()
      const { client } = await open(t, { bootstrap: bootstrap as never, onError: told.resolve })
      assert.match((await told.promise).message, /^Cannot begin with bootstrap flags: /)
      assert.equal(client.isEnabled('new-booking-flow', mio, true), true)
      assert.deepEqual(client.flags().flags, [])
    }
  }
})

test('ready that rejects says what kept the flags away, without the key', async t => {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(0)
  plane.refuseNext()
  const client = createDankaiClient({ url: plane.url, key: 'sdk-secret', name: 'trips', clock, random: () => 1 })
  t.after(() => Promise.all([client.close(), plane.close()]))
  const late = assert.rejects(client.ready(50), ({ message }: Error) => {
    assert.match(message, /^Cannot become ready: found no flags within 50 ms\. Cannot follow flags: found status 401/)
    return !message.includes('sdk-secret')
  })
  const told = next(client, 'error')
  const { response } = await plane.refusals.next()
  response.writeHead(401).end()
  await told
  clock.advance(50)
  await late
})

test('ready rejects when its time is up or the client is closed', async t => {
  const { client, clock } = await open(t)
  const late = assert.rejects(client.ready(2_000), /Cannot become ready: found no flags within 2000 ms/)
  const closed = assert.rejects(client.ready(), /Cannot become ready: the client was closed/)
  clock.advance(2_000)
  await late
  await client.close()
  await closed
  await assert.rejects(client.ready(), /Cannot become ready: the client is closed/)
})

test('closing ends the connection and leaves the last known answers', async t => {
  const { client, stream } = await openWithFlags(t, 1)
  await client.close()
  await stream.closed
  assert.equal(client.status(), 'closed')
  assert.equal(client.isEnabled('new-booking-flow', mio), true)
})

test('a listener may close the client', async t => {
  const { client, clock, stream } = await openWithFlags(t, 1)
  const closed = new Promise<void>(resolve => {
    client.on('change', () => resolve(client.close()))
  })
  stream.send('change', 2, { version: 2, flag: flag(0) })
  await closed
  assert.equal(client.status(), 'closed')
  assert.equal(clock.pending, 0)
})

test('a listener that throws is reported and stops nothing', async t => {
  const { client, stream } = await openWithFlags(t, 1)
  client.on('error', () => {
    throw new Error('even this one')
  })
  const error = next(client, 'error')
  const stop = client.on('change', () => {
    throw new Error('listener is broken')
  })
  stream.send('change', 2, { version: 2, flag: flag(0) })
  assert.match((await error).message, /Cannot tell a listener of "change"/)
  stop()
  const change = next(client, 'change')
  stream.send('change', 3, { version: 3, flag: flag(1) })
  assert.deepEqual(await change, { version: 3, keys: ['new-booking-flow'] })
})

test('back-off doubles from 0.2 s to 10 s with full jitter, and is never shorter than what the server asks', () => {
  const longest = createBackoff({ firstMs: 200, ceilingMs: 10_000, random: () => 1 })
  assert.deepEqual(
    Array.from({ length: 8 }, () => longest.next()),
    [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000],
  )
  longest.reset()
  assert.equal(longest.next(), 200)
  const shortest = createBackoff({ firstMs: 200, ceilingMs: 10_000, random: () => 0 })
  assert.deepEqual([shortest.next(), shortest.next(700)], [0, 700])
})

test('Retry-After is read as seconds or as a date, within a minute', () => {
  const now = Date.UTC(2026, 0, 1)
  const rows: readonly [header: string | null, ms: number | null][] = [
    [null, null],
    ['3', 3_000],
    ['0', 0],
    ['86400', 60_000],
    ['soon', null],
    [new Date(now + 4_000).toUTCString(), 4_000],
    [new Date(now - 4_000).toUTCString(), 0],
  ]
  for (const [header, ms] of rows) assert.equal(retryAfterMs(header, now), ms, String(header))
})

test('options that can only be mistakes are refused, without showing the key', () => {
  const sound = { url: 'https://dankai.example.com', key: 'sdk-secret', name: 'trips' }
  const rows: readonly [options: object, message: RegExp][] = [
    [{ ...sound, url: 'dankai.example.com' }, /found url "dankai.example.com", expected http:/],
    [{ ...sound, key: 'sdk-secret\n' }, /found key "\*\*\*", expected printable ASCII/],
    [{ ...sound, key: undefined }, /found key/],
    [{ ...sound, name: 'a\nb' }, /found name "a\\nb"/],
    [{ ...sound, staleAfterMs: Number.NaN }, /found staleAfterMs NaN, expected 1000 to 3600000/],
    [{ ...sound, bucketMs: 10 }, /found bucketMs 10/],
  ]
  for (const [options, message] of rows) {
    assert.throws(
      () => createDankaiClient(options as ClientOptions),
      (error: Error) => {
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /sdk-secret/)
        return true
      },
    )
  }
})
