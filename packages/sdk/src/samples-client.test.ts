import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { ClientOptions } from './client-options.ts'
import { createDankaiClient } from './dankai-client.ts'
import { type Sample, SampleBuffer } from './sample-buffer.ts'
import { openControlPlaneDouble } from './testing/control-plane-double.ts'
import { ManualClock } from './testing/manual-clock.ts'

/** Half a second into a bucket of one second. */
const start = 1_700_000_000_500
const bucketStart = 1_700_000_000_000

async function open(t: TestContext, options: Partial<ClientOptions> = {}) {
  const plane = await openControlPlaneDouble()
  const clock = new ManualClock(start)
  const errors: string[] = []
  const client = createDankaiClient({
    url: plane.url,
    key: 'sdk-key',
    name: 'trips-1',
    service: 'trips',
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
  return { plane, clock, client, errors }
}

const figures = (accepted: number, refused: number, dropped: number, waiting: number) => ({
  accepted,
  refused,
  dropped,
  waiting,
})

test('requests are summed up by bucket, series and labels, and sent within a second', async t => {
  const { plane, clock, client } = await open(t)
  const canary = { track: 'canary', version: '2.5.0' }
  client.observeRequest(canary, { status: 200, durationMs: 12.34 })
  client.observeRequest({ version: '2.5.0', track: 'canary' }, { status: 200, durationMs: 12.26 })
  client.observeRequest(canary, { status: 503, durationMs: 5_001 })
  clock.advance(500)
  client.count('bookings', {}, 3)
  client.value('queue_depth', {}, 7)
  client.value('queue_depth', {}, -2)
  clock.advance(500)
  const { body, headers } = await plane.samples.next()
  const head = { service: 'trips', bucketStart, bucketMs: 1_000 }
  const later = { ...head, bucketStart: bucketStart + 1_000, labels: {} }
  assert.equal(headers.authorization, 'Bearer sdk-key')
  assert.deepEqual(body, {
    sdk: client.id,
    batch: 1,
    sentAt: start + 1_000,
    samples: [
      { ...head, series: 'http_requests', labels: { ...canary, status: '200' }, count: 2 },
      {
        ...head,
        series: 'http_duration',
        labels: canary,
        count: 3,
        sum: 5_025.6,
        values: [
          [12.3, 2],
          [5_000, 1],
        ],
      },
      { ...head, series: 'http_requests', labels: { ...canary, status: '503' }, count: 1 },
      { ...later, series: 'bookings', count: 3 },
      {
        ...later,
        series: 'queue_depth',
        count: 2,
        sum: 5,
        values: [
          [7, 1],
          [-2, 1],
        ],
        last: -2,
      },
    ],
  })
})

test('the open bucket is sent as what is new since the last report, and silence sends nothing', async t => {
  const { plane, clock, client } = await open(t, { flushEveryMs: 200, bucketMs: 10_000 })
  const counts: number[] = []
  for (const by of [2, 3]) {
    client.count('http_requests', {}, by)
    clock.advance(200)
    const post = await plane.samples.next()
    counts.push(post.body.samples[0].count)
    post.answer(202, { accepted: 1, refused: [] })
    await accepted(client, counts.length)
  }
  clock.advance(2_000)
  assert.deepEqual(counts, [2, 3])
  client.count('http_requests', {}, 0)
  const sent = client.flush()
  const last = await plane.samples.next()
  assert.deepEqual([last.body.batch, last.body.samples[0].count], [3, 0], 'nothing went out in between; zero is news')
  last.answer(202)
  assert.equal(await sent, true)
})

test('a batch keeps its number until it is accepted, and after a failure the newest goes first', async t => {
  const { plane, clock, client, errors } = await open(t)
  client.count('http_requests', {}, 1)
  clock.advance(1_000)
  const first = await plane.samples.next()
  client.count('http_requests', {}, 2)
  clock.advance(1_000)
  const failed = client.flush()
  first.drop()
  assert.equal(await failed, false)
  const bodies = [first.body]
  for (const [status, headers] of [
    [503, {}],
    [401, {}],
    [202, {}],
  ] as const) {
    const flushed = client.flush()
    const retry = await plane.samples.next()
    bodies.push(retry.body)
    retry.answer(status, {}, headers)
    if (status !== 202) assert.equal(await flushed, false)
  }
  const second = await plane.samples.next()
  second.answer(202)
  bodies.push(second.body)
  // The newest goes first after a failure: it is news for a server that cannot write it down either.
  const [oldest, newest] = [
    [1, 1],
    [2, 2],
  ]
  assert.deepEqual(
    bodies.map(body => [body.batch, body.samples[0].count]),
    [oldest, newest, newest, newest, oldest],
  )
  await accepted(client, 2)
  assert.deepEqual(client.samples(), figures(2, 0, 0, 0))
  assert.deepEqual(
    errors.filter(message => message.includes('samples')),
    ['Cannot send samples: found no answer, expected 202'],
  )
})

test('429 is answered with patience: nothing is sent before Retry-After has passed', async t => {
  const { plane, clock, client } = await open(t)
  client.count('http_requests', {})
  clock.advance(1_000)
  const first = await plane.samples.next()
  const flushed = client.flush()
  first.answer(429, {}, { 'retry-after': '4' })
  assert.equal(await flushed, false)
  clock.advance(3_000)
  assert.deepEqual(client.samples(), figures(0, 0, 0, 1))
  assert.equal(plane.samples.unread, 0)
  clock.advance(1_000)
  const second = await plane.samples.next()
  assert.deepEqual([second.body.batch, second.body.sentAt - first.body.sentAt], [1, 4_000])
  second.answer(202)
  await accepted(client, 1)
})

test('a batch that is too large is halved under new, rising numbers, down to one sample that is dropped', async t => {
  const { plane, client, errors } = await open(t)
  for (const version of ['1', '2', '3']) client.count('http_requests', { version })
  const flushed = client.flush()
  const seen: unknown[] = []
  for (const status of [413, 413, 413, 202, 202]) {
    const { body, answer } = await plane.samples.next()
    seen.push([body.batch, body.samples.map((sample: Sample) => sample.labels.version)])
    answer(status)
  }
  assert.equal(await flushed, true)
  assert.deepEqual(seen, [
    [1, ['1', '2', '3']],
    [2, ['1', '2']],
    [3, ['1']],
    [4, ['2']],
    [5, ['3']],
  ])
  assert.deepEqual(client.samples(), figures(2, 1, 0, 0))
  assert.ok(errors.includes('Cannot send 1 samples: found status 413, expected 202. They are dropped'))
})

test('what the server refuses is counted and reported, and not sent again', async t => {
  const { plane, client, errors } = await open(t)
  client.count('http_requests', {})
  client.count('http_request', {})
  const partly = client.flush()
  const refused = [{ index: 1, code: 'unknown-series', message: 'found "http_request", expected a series of a plan' }]
  ;(await plane.samples.next()).answer(202, { accepted: 1, refused })
  assert.equal(await partly, true)
  assert.deepEqual(client.samples(), figures(1, 1, 0, 0))
  client.count('http_requests', {})
  const badly = client.flush()
  ;(await plane.samples.next()).answer(400)
  assert.equal(await badly, true, 'nothing is left to send')
  assert.deepEqual(client.samples(), figures(1, 2, 0, 0))
  assert.deepEqual(
    errors.filter(message => message.includes('sample')),
    [
      'Cannot record sample "http_request": found unknown-series: found "http_request", expected a series of a plan. 1 were refused',
      'Cannot send 1 samples: found status 400, expected 202. They are dropped',
    ],
  )
})

test('a long outage costs bounded memory: the oldest batches give way and are counted', async t => {
  const { plane, clock, client } = await open(t)
  client.count('first', {})
  clock.advance(1_000)
  const first = await plane.samples.next()
  for (let batch = 0; batch < 150; batch++) {
    client.count('http_requests', {})
    clock.advance(1_000)
  }
  assert.deepEqual(client.samples(), figures(0, 0, 31, 120))
  // The first is still on its way and the server may have it, so it is not the one that gives way.
  first.drop()
})

test('large reports are sent in batches of at most 500 samples', async t => {
  const { plane, client } = await open(t)
  for (let version = 0; version < 1_100; version++) client.count('http_requests', { version })
  const flushed = client.flush()
  const lengths: number[] = []
  for (let batch = 0; batch < 3; batch++) {
    const { body, answer } = await plane.samples.next()
    lengths.push(body.samples.length)
    answer(202)
  }
  assert.equal(await flushed, true)
  assert.deepEqual(lengths, [500, 500, 100])
})

test('closing sends what is left once, and does not hang on a server that fails', async t => {
  const { plane, client } = await open(t)
  client.count('http_requests', {})
  const closed = client.close()
  const { body, answer } = await plane.samples.next()
  assert.equal(body.samples.length, 1)
  answer(503)
  await closed
  assert.deepEqual(client.samples(), figures(0, 0, 0, 1))
})

const buffer = (): SampleBuffer => new SampleBuffer({ service: 'trips', bucketMs: 1_000 })

test('samples that are no samples are counted, never thrown', () => {
  const samples = buffer()
  const rows: readonly [series: string, labels: Record<string, unknown>, value: number][] = [
    ['http_duration', {}, Number.NaN],
    ['http_duration', {}, Number.POSITIVE_INFINITY],
    ['', {}, 1],
    ['x'.repeat(201), {}, 1],
    ['http_duration', { path: 'x'.repeat(257) }, 1],
    ['http_duration', { '': 'x' }, 1],
    ['http_duration', Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`label${index}`, 1])), 1],
    ['http_duration', null as never, 1],
    [undefined as never, {}, 1],
  ]
  for (const [series, labels, value] of rows)
    samples.add('amount', series, labels as Record<string, string>, value, start)
  samples.add('count', 'http_requests', {}, -1, start)
  assert.equal(samples.dropped, rows.length + 1)
  assert.deepEqual(samples.take(), [])
})

test('a label that should not be one cannot fill the memory', () => {
  const samples = buffer()
  for (let user = 0; user < 5_000; user++) samples.add('count', 'http_requests', { user }, 1, start)
  assert.equal(samples.dropped, 3_000)
  assert.equal(samples.take().length, 2_000)
  samples.add('count', 'http_requests', { user: 0 }, 1, start)
  assert.equal(samples.take().length, 1)
})

test('however values fall, reports hold at most 64 of them each, lose none, and are off by half a percent', () => {
  const value = fc.oneof(fc.double({ min: 0, max: 60_000, noNaN: true }), fc.integer({ min: -5, max: 1_000 }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 400 }), fc.nat(400), (values, cut) => {
      const samples = buffer()
      const taken: Sample[] = []
      for (const [index, amount] of values.entries()) {
        if (index === cut) taken.push(...samples.take())
        samples.add('amount', 'http_duration', { track: 'canary' }, amount, start)
      }
      taken.push(...samples.take())
      assert.ok(taken.every(sample => sample.values!.length <= 64 && sample.count === countOf(sample)))
      const sum = taken.reduce((total, sample) => total + sample.sum!, 0)
      assert.ok(Math.abs(sum - values.reduce((total, amount) => total + amount, 0)) < 1e-3)
      const sent = taken.flatMap(sample =>
        sample.values!.flatMap(([amount, count]) => Array<number>(count).fill(amount)),
      )
      const pairs = zip(sent.sort(byAmount), values.toSorted(byAmount))
      assert.equal(sent.length, values.length)
      assert.ok(pairs.every(([rounded, exact]) => Math.abs(rounded - exact) <= Math.abs(exact) * 0.005 + 1e-300))
    }),
    { numRuns: 500, seed: 20_240_118 },
  )
})

const byAmount = (one: number, other: number): number => one - other
const countOf = ({ values }: Sample): number => values!.reduce((total, [, count]) => total + count, 0)
const zip = (left: readonly number[], right: readonly number[]): [number, number][] =>
  left.map((item, index) => [item, right[index]!])

/** Waits until the client has read the answers to its batches. */
async function accepted(client: { samples(): { accepted: number } }, samples: number): Promise<void> {
  while (client.samples().accepted < samples) await new Promise(resolve => setImmediate(resolve))
}
