import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createIngest } from './ingest.ts'
import { readSamples } from './read-samples.ts'

const now = 1_800_000_000_000

const sample = (change: object = {}) => ({
  service: 'trips',
  series: 'http_requests',
  labels: {},
  bucketStart: now,
  bucketMs: 1_000,
  count: 1,
  ...change,
})
const readOne = (change: object, sentAt: number | null = now) => {
  const { byService, refused } = readSamples([sample(change)], sentAt, now)
  return byService.get('trips')?.[0] ?? refused[0]?.code
}

describe('reading samples', () => {
  it('corrects any clock by whole buckets, so that the way over the network moves none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -86_400_000, max: 86_400_000 }),
        fc.constantFrom(1_000, 5_000, 10_000),
        (off, bucketMs) => {
          const read = readOne({ bucketStart: now + off, bucketMs }, now + off)
          assert.ok(typeof read === 'object')
          assert.ok(Math.abs(read.start - now) <= bucketMs / 2)
          assert.equal(Math.abs((read.start - now - off) % bucketMs), 0)
        },
      ),
    )
  })

  for (const [what, change, sentAt, expected] of [
    ['30 s ahead of a sender that does not say when it sent', { bucketStart: now + 30_000 }, null, 'taken'],
    ['more than that', { bucketStart: now + 30_001 }, null, 'future'],
    ['an hour old', { bucketStart: now - 3_601_000 }, now, 'taken'],
    ['older', { bucketStart: now - 3_601_001 }, now, 'late'],
  ] as const)
    it(`${expected === 'taken' ? 'takes' : 'refuses'} a bucket ${what} (semantics E)`, () => {
      const read = readOne(change, sentAt)
      assert.equal(typeof read === 'object' ? 'taken' : read, expected)
    })

  it('takes the track from its label, and keeps a word it does not know as a label', () => {
    for (const [labels, track, left] of [
      [{ track: 'canary', status: '200' }, 'canary', { status: '200' }],
      [{ 'dankai.track': 'stable', track: 'canary' }, 'stable', {}],
      [{ track: 'blue' }, 'all', { track: 'blue' }],
      [{}, 'all', {}],
    ] as const) {
      const read = readOne({ labels })
      assert.ok(typeof read === 'object')
      assert.deepEqual([read.track, read.labels], [track, left])
    }
  })

  it('gives count, sum and quantiles of values, whichever of them the sender left out', () => {
    const read = readOne({
      count: undefined,
      values: [
        [10, 3],
        [20, 1],
      ],
    })
    assert.ok(typeof read === 'object')
    assert.deepEqual([read.count, read.sum, read.last], [4, 50, null])
    assert.deepEqual(read.quantiles, {
      kind: 'exact',
      counts: [
        [10, 3],
        [20, 1],
      ],
    })
  })

  it('never throws and never loses a good sample, whatever stands beside it', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), others => {
        const { byService, refused } = readSamples([...others, sample()], now, now)
        const taken = [...byService.values()].flat().length
        assert.ok(byService.has('trips'))
        assert.equal(taken + refused.length, others.length + 1)
      }),
    )
  })
})

describe('the door for samples', () => {
  const batch = (size: number) => {
    const read = readSamples(
      Array.from({ length: size }, () => sample()),
      now,
      now,
    )
    return { project: 'p', environment: 'e', sdk: 's', no: 1, trusted: true, byService: read.byService }
  }

  it('says 429 with Retry-After while too much waits to be written, and goes on afterwards', async () => {
    const written: (() => void)[] = []
    const handed: number[] = []
    const ingest = createIngest({
      log: { append: () => new Promise(resolve => written.push(() => resolve({ id: 1 }))) },
      handOn: ({ services }) => handed.push(services.length),
      keepOffline: () => {},
    })
    const first = ingest.take(batch(60_000))
    await assert.rejects(ingest.take(batch(60_000)), (error: { status: number; headers: object }) => {
      assert.deepEqual([error.status, error.headers], [429, { 'retry-after': '1' }])
      return true
    })
    written.shift()?.()
    assert.deepEqual([(await first).duplicate, handed, ingest.waiting], [false, [1], 0])
    const next = ingest.take(batch(60_000))
    written.shift()?.()
    await next
  })

  it('hands a batch on once: not when it is a repetition, and to memory when the database is away', async () => {
    const answers: (() => Promise<{ duplicate: true } | { id: number }>)[] = [
      async () => ({ id: 1 }),
      async () => ({ duplicate: true }),
      () => Promise.reject(new Error('away')),
    ]
    const heard: string[] = []
    const ingest = createIngest({
      log: { append: () => answers.shift()!() },
      handOn: () => heard.push('durable'),
      keepOffline: () => heard.push('in memory'),
    })
    assert.equal((await ingest.take(batch(1))).duplicate, false)
    assert.equal((await ingest.take(batch(1))).duplicate, true)
    await assert.rejects(ingest.take(batch(1)), /away/)
    assert.deepEqual(heard, ['durable', 'in memory'])
  })
})
