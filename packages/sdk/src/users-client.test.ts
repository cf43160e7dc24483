import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { createBackoff } from './backoff.ts'
import { readBootstrapFile } from './bootstrap-file.ts'
import type { ClientOptions } from './client-options.ts'
import { createDankaiClient, type DankaiClient, fetchBootstrap } from './index.ts'
import { openControlPlaneDouble } from './testing/control-plane-double.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { UserEvents } from './user-events.ts'

const start = 1_700_000_000_000
const exposed = (share: number) => ({ share, cohorts: [], shadow: false })
const experiment = defineFlag({
  key: 'search',
  kind: 'experiment',
  variants: { ml: 'ml_ranking', off: 'control' },
  onVariant: 'ml',
  otherwise: {
    split: [
      { variant: 'ml', weight: 50_000 },
      { variant: 'off', weight: 50_000 },
    ],
    by: null,
    seed: null,
    experiment: true,
  },
})
const release = defineFlag({ key: 'booking', exposure: exposed(0.5) })

async function open(t: TestContext, flags: readonly FlagDefinition[], options: Partial<ClientOptions> = {}) {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(start)
  const errors: string[] = []
  const client = createDankaiClient({
    url: plane.url,
    key: 'key',
    name: 'trips-1',
    clock,
    random: () => 1,
    onError: error => errors.push(error.message),
    ...options,
  })
  t.after(async () => {
    await plane.close()
    await client.close()
    assert.equal(clock.pending, 0, 'a closed client leaves no timer behind')
  })
  const stream = await plane.streams.next()
  stream.send('flags', 1, { version: 1, flags })
  await client.ready()
  // Its heartbeat runs: the acknowledgement is answered, and jumps of the clock cannot time it out.
  await clock.scheduled(5_000)
  return { plane, clock, client, stream, errors }
}

/** The message with which the client gives up a connection; by then it waits to open the next one. */
function lostStream(client: DankaiClient): Promise<void> {
  return new Promise(resolve => {
    const stop = client.on('error', ({ message }) => {
      if (!message.startsWith('Cannot follow flags')) return
      stop()
      resolve()
    })
  })
}

const users = (count: number) => Array.from({ length: count }, (_, index) => ({ targetingKey: `user-${index}` }))

test('the users of an experiment are told once for each variant, with what they did; those of a release are not', async t => {
  const { plane, clock, client } = await open(t, [experiment, release])
  for (const _again of [1, 2])
    for (const user of users(20)) {
      client.evaluate('search', user, 'control')
      client.isEnabled('booking', user)
    }
  client.evaluate('search', {}, 'control')
  client.track('booked', { targetingKey: 'user-1' }, { value: 12_800 })
  client.track('booked', {})
  clock.advance(6_000)
  const { body, answer } = await plane.exposures.next()
  assert.deepEqual([body.sdk, body.batch, body.sentAt], [client.id, 1, start + 6_000])
  assert.equal(body.exposures.length, 20)
  const variantOf = (user: string) => client.evaluate('search', { targetingKey: user }, 'control').variant
  for (const { flag, variant, user, at } of body.exposures)
    assert.deepEqual([flag, variant, at], ['search', variantOf(user), start])
  assert.deepEqual(body.outcomes, [{ event: 'booked', user: 'user-1', at: start, value: 12_800 }])
  answer(202, { accepted: 21, refused: [] })
  const flushed = client.flush()
  ;(await plane.samples.next()).answer(202)
  await flushed
  assert.deepEqual(client.userEvents(), { accepted: 21, refused: 0, dropped: 1, waiting: 0 })
})

test('events of users that could not be sent are sent again in their order, under their number', async t => {
  const { plane, clock, client, errors } = await open(t, [experiment])
  client.track('one', { targetingKey: 'mio' })
  clock.advance(6_000)
  const first = await plane.exposures.next()
  first.answer(503)
  client.track('two', { targetingKey: 'mio' })
  const numbers: [number, string][] = []
  // The back-off has passed by the next report; the answer has to be read before.
  const ofUsers = () => errors.filter(message => message.includes('events of users'))
  while (ofUsers().length === 0) await new Promise(resolve => client.on('error', resolve))
  clock.advance(6_000)
  for (const _batch of [1, 2]) {
    const { body, answer } = await plane.exposures.next()
    numbers.push([body.batch, body.outcomes[0].event])
    answer(202)
  }
  assert.deepEqual(numbers, [
    [1, 'one'],
    [2, 'two'],
  ])
  assert.deepEqual(ofUsers(), ['Cannot send events of users: found status 503, expected 202'])
})

test('what is remembered of users is bounded, and a user long ago is told again', () => {
  const events = new UserEvents()
  for (let round = 0; round < 4; round++)
    for (let index = 0; index < 50_000; index++) {
      events.expose('search', 'ml', `user-${round * 50_000 + index}`, 0)
      if (index % 10_000 === 0) events.take()
    }
  events.take()
  events.expose('search', 'ml', 'user-199999', 0)
  events.expose('search', 'ml', 'user-149999', 0)
  assert.equal(events.take().length, 0, 'the newest are remembered')
  events.expose('search', 'ml', 'user-0', 0)
  assert.equal(events.take().length, 1)
  for (let index = 0; index < 20_001; index++) events.note('booked', 'mio', 1, 0)
  assert.equal(events.dropped, 1)
  events.note('booked', 'mio', Number.NaN, 0)
  events.note('', 'mio', 1, 0)
  assert.equal(events.dropped, 3)
})

test('how often each variant was served is told once a minute, and again at the end', async t => {
  const { plane, clock, client } = await open(t, [release])
  const counted = { on: 0, off: 0 }
  for (const user of users(30)) counted[client.isEnabled('booking', user) ? 'on' : 'off']++
  client.evaluate('unknown', {}, 'x')
  clock.advance(60_000)
  clock.advance(1_000)
  const { body, answer } = await plane.samples.next()
  answer(202)
  const found = body.samples.map(({ series, labels, count }: Record<string, unknown>) => [series, labels, count])
  assert.deepEqual(
    found.toSorted((one: [string, { variant: string }], other: typeof one) =>
      one[1].variant > other[1].variant ? -1 : 1,
    ),
    [
      ['flag_evaluations', { flag: 'booking', variant: 'on' }, counted.on],
      ['flag_evaluations', { flag: 'booking', variant: 'off' }, counted.off],
    ],
  )
  client.isEnabled('booking', { targetingKey: 'user-0' })
  const closing = client.close()
  const last = await plane.samples.next()
  assert.equal(last.body.samples[0].count, 1)
  last.answer(202)
  await closing
  assert.deepEqual((await plane.goodbyes.next()).body, { sdk: client.id })
})

test('nothing is told of users or evaluations when that is switched off', async t => {
  const { plane, clock, client } = await open(t, [experiment], { reportsUsers: false, reportsEvaluations: false })
  client.evaluate('search', { targetingKey: 'mio' }, 'control')
  client.track('booked', { targetingKey: 'mio' })
  clock.advance(120_000)
  assert.equal(await client.flush(), true)
  assert.deepEqual([plane.exposures.unread, plane.samples.unread], [0, 0])
})

test('past its lease a flag alone serves its off variant, tells so, and comes back with the control plane', async t => {
  const leased = defineFlag({ key: 'leased', exposure: exposed(1), leaseMs: 30_000 })
  const long = defineFlag({ key: 'long', exposure: exposed(1), leaseMs: 60_000 })
  const { plane, clock, client } = await open(t, [leased, long, defineFlag({ key: 'kept', exposure: exposed(1) })])
  const changes: (readonly string[])[] = []
  client.on('change', ({ keys }) => changes.push(keys))
  const lost = lostStream(client)
  const enabled = () => ['leased', 'long', 'kept'].map(key => client.isEnabled(key, { targetingKey: 'mio' }))
  clock.advance(10_000)
  assert.equal(client.status(), 'stale')
  await lost
  plane.refuseNext()
  clock.advance(200)
  const refused = lostStream(client)
  ;(await plane.refusals.next()).response.writeHead(503, { 'retry-after': '60' }).end()
  await refused
  clock.advance(19_799)
  assert.deepEqual(enabled(), [true, true, true])
  clock.advance(1)
  assert.deepEqual(enabled(), [false, true, true])
  const { value, reason, errorCode, stale } = client.evaluate('leased', { targetingKey: 'mio' }, true)
  assert.deepEqual([value, reason, errorCode, stale], [false, 'OFF', 'STALE', true])
  clock.advance(30_000)
  assert.deepEqual(enabled(), [false, false, true])
  assert.deepEqual(changes, [['leased'], ['long']])
  clock.advance(60_000)
  const fresh = new Promise(resolve => client.on('fresh', resolve))
  ;(await plane.streams.next()).send('ping', null, {})
  await fresh
  assert.deepEqual(enabled(), [true, true, true])
  assert.deepEqual(changes.at(-1), ['leased', 'long'])
})

for (const [what, setBy, awayMs, isOver] of [
  ['set back keeps nobody in longer than the lease', -6 * 3_600_000, 30_000, true],
  ['set back ends no lease either', -6 * 3_600_000, 29_000, false],
  ['that went on while the device slept ends it', 6 * 3_600_000, 11_000, true],
] as const)
  test(`a time of day ${what}`, async t => {
    const leased = defineFlag({ key: 'leased', exposure: exposed(1), leaseMs: 30_000 })
    const { clock, client } = await open(t, [leased])
    clock.setTimeOfDay(start + setBy)
    clock.advance(awayMs)
    assert.equal(client.status(), 'stale')
    assert.equal(client.isEnabled('leased', { targetingKey: 'mio' }), !isOver)
  })

test('a client goes on for an hour without its control plane, says stale, and is up to date when it comes back', async t => {
  const { plane, clock, client } = await open(t, [release])
  const answers = () => users(50).map(user => client.isEnabled('booking', user))
  const before = answers()
  let attempts = 0
  let lost = lostStream(client)
  clock.advance(10_000)
  await lost
  for (const end = start + 3_600_000; clock.now() < end; attempts++) {
    plane.refuseNext()
    lost = lostStream(client)
    clock.advance(10_000)
    ;(await plane.refusals.next()).response.destroy()
    await lost
    assert.equal(client.status(), 'stale')
  }
  assert.equal(attempts, 359, 'asked every ten seconds at most')
  assert.deepEqual(answers(), before)
  clock.advance(10_000)
  const fresh = new Promise(resolve => client.on('fresh', resolve))
  ;(await plane.streams.next()).send('flags', 2, { version: 2, flags: [{ ...release, killed: true }] })
  await fresh
  assert.deepEqual(new Set(answers()), new Set([false]))
})

test('after an hour away 1,000 clients come back over ten seconds, not in the same one', () => {
  const random = randomFrom(20_261_122)
  const awayUntil = 3_600_000
  const returns = Array.from({ length: 1_000 }, () => {
    const backoff = createBackoff({ firstMs: 200, ceilingMs: 10_000, random })
    let at = 0
    while (at < awayUntil) at += backoff.next()
    return at - awayUntil
  })
  const bySecond = Object.groupBy(returns, ms => Math.floor(ms / 1_000))
  const busiest = Math.max(...Object.values(bySecond).map(clients => clients!.length))
  assert.ok(busiest < 250, `${busiest} clients in one second`)
  assert.ok(Math.max(...returns) < 10_000, 'and all of them come back')
})

test('bootstrap flags come from a file or an address; what is not there is reported and waits for the server', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'dankai-sdk-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'flags.json')
  writeFileSync(file, JSON.stringify({ version: 7, flags: [release] }))
  const plane = await openControlPlaneDouble()
  const options = { url: plane.url, key: 'key', name: 'trips-1', clock: new ManualClock(start) }
  const client = createDankaiClient({ ...options, bootstrap: () => readBootstrapFile(file) })
  t.after(async () => {
    await plane.close()
    await client.close()
  })
  await new Promise(resolve => client.on('change', resolve))
  assert.deepEqual(client.flags(), { version: 7, flags: [release] })
  const answering = (text: string, status = 200) => ({ fetch: async () => new Response(text, { status }) })
  const { flags } = await fetchBootstrap('https://flags.example.com/', answering(JSON.stringify({ flags: [release] })))
  assert.deepEqual(flags, [release])
  const rows: readonly [text: string, status: number, message: RegExp][] = [
    ['', 404, /found status 404, expected 200/],
    ['<html>', 200, /found something else, expected JSON/],
    ['{"flags":[null]}', 200, /found something else/],
    ['{"version":"7","flags":[]}', 200, /found something else/],
  ]
  for (const [text, status, message] of rows)
    await assert.rejects(fetchBootstrap('https://flags.example.com/', answering(text, status)), message)
  const failing = createDankaiClient({ ...options, bootstrap: () => readBootstrapFile(join(folder, 'none.json')) })
  t.after(() => failing.close())
  const { message } = await new Promise<Error>(resolve => failing.on('error', resolve))
  assert.match(message, /bootstrap flags/)
})

/** mulberry32: the same numbers in every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
