import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pause } from './testing/deadline.ts'
import { type FaultHouse, openFaultHouse } from './testing/fault-house.ts'
import { serviceName } from './testing/fault-plan.ts'
import { followsTo, isHeldAtHalf, type Journey, sendFailures, startJourney } from './testing/journey.ts'
import { checkJourney } from './testing/journey-laws.ts'

/** While a release fails, its messages hang and somebody floods the doors for metrics with what no sender would send. */
let house: FaultHouse
let journey: Journey | null = null
before(async () => {
  house = await openFaultHouse()
})
after(async () => {
  await journey?.close()
  await house.close()
})

const sample = (change: Record<string, unknown>) => ({
  service: serviceName,
  series: 'http_requests',
  labels: { track: 'canary', status: '200' },
  bucketStart: Date.now(),
  bucketMs: 1_000,
  count: 1_000_000,
  ...change,
})
const batch = (samples: readonly unknown[]): string =>
  JSON.stringify({ sdk: crypto.randomUUID(), batch: 1, sentAt: Date.now(), samples })
const manyOf = (length: number, change: (index: number) => Record<string, unknown>): string =>
  batch(Array.from({ length }, (_, index) => sample(change(index))))

/** What is sent, where, and the answers it may have. None of it may count, so none may hide the failures. */
const hostile: readonly (readonly [what: string, path: string, body: () => string | Buffer, answers: number[]])[] = [
  ['no JSON', '/v1/samples', () => '{"samples": [', [400]],
  ['JSON that is no batch', '/v1/samples', () => '[[[[]]]]', [400, 422]],
  ['20 MB', '/v1/samples', () => Buffer.alloc(20_000_000, 'a'), [400, 413]],
  ['a batch of tomorrow', '/v1/samples', () => manyOf(500, () => ({ bucketStart: Date.now() + 86_400_000 })), [202]],
  ['long names', '/v1/samples', () => manyOf(500, () => ({ series: 'x'.repeat(1_000) })), [202]],
  [
    'an own label for each',
    '/v1/samples',
    () => manyOf(500, index => ({ labels: { id: `${Math.random()}${index}` } })),
    [202],
  ],
  [
    'labels of the prototype',
    '/v1/samples',
    () => '{"sdk":"x","batch":1,"samples":[{"labels":{"__proto__":{}}}]}',
    [202, 400, 422],
  ],
  ['numbers that are none', '/v1/samples', () => manyOf(500, () => ({ count: -1, sum: 'NaN' })), [202]],
  ['bytes that are no protobuf', '/otlp/v1/metrics', () => Buffer.from('ffffffff07', 'hex'), [400]],
]

interface Flood {
  /** Ends it; the answers that were not as they should be. */
  end(): Promise<readonly string[]>
}

/** What any sender may hear of a machine that does not keep up: "later", and the batch stays with the sender. */
const later = [429, 503]

/** All of it at once, again and again. */
function flood(url: string): Flood {
  const wrong: string[] = []
  let isOver = false
  const senders = hostile.map(async ([what, path, body, answers]) => {
    while (!isOver) {
      const { status, said } = await post(`${url}${path}`, body())
      if (status !== null && ![...answers, ...later].includes(status)) wrong.push(`${what}: ${status} ${said}`)
      await pause()
    }
  })
  return {
    async end() {
      isOver = true
      await Promise.all(senders)
      return wrong
    },
  }
}

/** A server may hang up on a body that is too large before it was sent whole. */
async function post(url: string, body: string | Buffer): Promise<{ status: number | null; said: string }> {
  const type = url.endsWith('/otlp/v1/metrics') ? 'application/x-protobuf' : 'application/json'
  try {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
    return { status: answer.status, said: (await answer.text()).slice(0, 300) }
  } catch {
    return { status: null, said: '' }
  }
}

describe('hostile metrics and messages that hang', () => {
  it('do not keep a release that fails from being rolled back', async t => {
    journey = await startJourney({ house, instances: 1, faults: [], moment: 'the release starts' })
    const { watch, first } = journey
    await watch.until('the second phase is held', isHeldAtHalf)
    house.receiver.hangsAt = what => what.startsWith('POST /message')
    const hostility = flood(first.url)
    let wrong: readonly string[] = []
    try {
      const startedAt = performance.now()
      await sendFailures(journey, () => watch.has('RollbackStarted'))
      await followsTo(journey, 0)
      t.diagnostic(`exposure was gone ${Math.round(performance.now() - startedAt)} ms after the first failure`)
    } finally {
      wrong = await hostility.end()
    }
    assert.deepEqual([...new Set(wrong)].slice(0, 5), [])
    house.receiver.hangsAt = () => false
    await watch.until('the release is over', () => watch.isOver)
    await checkJourney(journey, house)
  })
})
