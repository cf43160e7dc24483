import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { type LoadSummary, startLoad } from './generate-load.ts'
import { createTally, type Outcome } from './tally.ts'
import { createTraffic } from './traffic.ts'

const started: Server[] = []
after(() => {
  for (const server of started) {
    server.closeAllConnections()
    server.close()
  }
})

const options = { seed: 1, rate: 60, users: 5_000, today: '2026-01-20', planIds: ['p-1', 'p-2'] }

test('the same seed gives the same traffic, another seed another', () => {
  const firstOf = (seed: number) => {
    const next = createTraffic({ ...options, seed })
    return Array.from({ length: 50 }, () => next())
  }
  assert.deepEqual(firstOf(3), firstOf(3))
  assert.notDeepEqual(firstOf(3), firstOf(4))
})

test('every user comes once before any comes again', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 300 }), (seed, users) => {
      const next = createTraffic({ ...options, seed, users })
      const round = () => new Set(Array.from({ length: users }, () => next().userId))
      assert.equal(round().size, users)
      assert.equal(round().size, users)
    }),
  )
})

test('the mix is 60 % search, 15 % version check, 10 % listing, 15 % create, at the rate', () => {
  const next = createTraffic(options)
  const many = Array.from({ length: 40_000 }, () => next())
  for (const [kind, share] of [
    ['search', 0.6],
    ['version-check', 0.15],
    ['listing', 0.1],
    ['create', 0.15],
  ] as const) {
    const found = many.filter(one => one.kind === kind).length / many.length
    assert.ok(Math.abs(found - share) < 0.01, `${kind} ${found}`)
  }
  const rate = (many.length * 1_000) / many.reduce((sum, one) => sum + one.gapMs, 0)
  assert.ok(Math.abs(rate - 60) < 1.5, `${rate} a second`)
})

test('the numbers of a tally add up, whatever came in', () => {
  const outcome = fc.record({
    kind: fc.constantFrom('search', 'create', 'listing', 'version-check'),
    track: fc.constantFrom('stable', 'canary', null),
    status: fc.constantFrom(200, 201, 404, 500, 502, null),
    dueAt: fc.integer({ min: 0, max: 1_000 }),
    tookMs: fc.integer({ min: 0, max: 500 }),
  })
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 60 }), found => {
      const outcomes = found.map(({ tookMs, ...rest }) => ({
        ...rest,
        endedAt: rest.dueAt + tookMs,
      })) as Outcome[]
      const tally = createTally()
      for (const one of outcomes) tally.record(one)
      const { responses, failed, bad, byKind, tracks, firstBad, lastCanary } = tally.summary()
      const all = Object.values(tracks)
      assert.equal(responses + failed, outcomes.length)
      assert.equal(sumOf(Object.values(byKind)), outcomes.length)
      assert.equal(sumOf(all.map(track => track.responses)), responses)
      assert.equal(sumOf(all.map(track => track.bad)) + failed, bad)
      for (const track of all) assert.equal(sumOf(Object.values(track.byStatus)), track.responses)
      const isBad = (one: Outcome) => one.status === null || one.status >= 500
      assert.equal(firstBad?.endedAt, outcomes.find(isBad)?.endedAt)
      assert.equal(lastCanary?.endedAt, outcomes.findLast(one => one.track === 'canary')?.endedAt)
    }),
  )
})

test('exposure ended is the time from the first bad answer of the canary to its last answer', () => {
  const tally = createTally()
  const record = (track: string, status: number, endedAt: number) =>
    tally.record({ kind: 'search', track, status, dueAt: endedAt - 10, endedAt })
  record('canary', 200, 1_000)
  assert.equal(tally.summary().exposureEndedAfterMs, null)
  record('stable', 502, 1_500)
  assert.equal(tally.summary().exposureEndedAfterMs, null)
  record('canary', 500, 2_000)
  record('stable', 200, 2_100)
  record('canary', 200, 4_500)
  record('stable', 200, 9_000)
  const { firstBad, firstBadCanary, lastCanary, exposureEndedAfterMs } = tally.summary()
  assert.deepEqual(
    [firstBad?.endedAt, firstBadCanary?.endedAt, lastCanary?.endedAt, exposureEndedAfterMs],
    [1_500, 2_000, 4_500, 2_500],
  )
})

test('load goes out when it is due, not when the service has time, and ends with numbers that add up', async () => {
  const arrivals = new EventEmitter()
  let open = 0
  let most = 0
  const held: (() => void)[] = []
  const target = await startTarget((_, outgoing) => {
    open += 1
    most = Math.max(most, open)
    held.push(() => {
      open -= 1
      outgoing.writeHead(200, { 'x-served-track': 'stable' }).end('{}')
    })
    arrivals.emit('request')
  })
  const load = startLoad({ target, traffic: createTraffic({ ...options, rate: 400 }) })
  while (most < 30) await once(arrivals, 'request')
  const progress = load.progress()
  assert.deepEqual([progress.sent - progress.underWay, progress.responses], [0, 0])
  arrivals.on('request', () => {
    for (const answer of held.splice(0)) answer()
  })
  await once(arrivals, 'request')
  const summary = await load.stop()
  assertAddsUp(summary)
  assert.equal(summary.underWay, 0)
  assert.equal(summary.tracks.stable?.responses, summary.sent)
  assert.ok(summary.tracks.stable!.maxMs >= 30, 'the wait is part of the answer time')
})

test('a segment counts the outcomes of its own requests, and all segments together everything', async () => {
  const arrivals = new EventEmitter()
  let turn = 0
  let received = 0
  const target = await startTarget((incoming, outgoing) => {
    received += 1
    turn += 1
    if (turn % 7 === 0) incoming.socket.destroy()
    else
      outgoing
        .writeHead(turn % 5 === 0 ? 500 : 200, { 'x-served-track': turn % 2 === 0 ? 'canary' : 'stable' })
        .end('{}')
    arrivals.emit('request')
  })
  const load = startLoad({ target, traffic: createTraffic({ ...options, rate: 500 }) })
  const segments: LoadSummary[] = []
  for (const name of ['second', 'third']) {
    const goal = received + 40
    while (received < goal) await once(arrivals, 'request')
    segments.push(load.nextSegment(name))
  }
  segments.push(await load.stop())
  assert.deepEqual(
    segments.map(segment => segment.name),
    ['start', 'second', 'third'],
  )
  for (const segment of segments) assertAddsUp(segment)
  assert.equal(sumOf(segments.map(segment => segment.sent)), received)
  assert.ok(segments.slice(0, 2).every(segment => segment.failed > 0 && segment.firstBad !== null))
})

test('a target that does not answer any more costs no summary: what is still under way is counted as that', async () => {
  const arrivals = new EventEmitter()
  const target = await startTarget(() => void arrivals.emit('request'))
  const load = startLoad({ target, traffic: createTraffic({ ...options, rate: 400 }) })
  for (let request = 0; request < 5; request += 1) await once(arrivals, 'request')
  const summary = await load.stop(10)
  assertAddsUp(summary)
  assert.ok(summary.underWay >= 5)
  assert.deepEqual([summary.underWay, summary.bad], [summary.sent, 0])
})

test('a target that refuses is a failure of each request, and memory stays bounded', async () => {
  const gone = await startTarget(() => {})
  const ended = started.pop()!
  await new Promise<void>(resolve => ended.close(() => resolve()))
  const outcomes = new EventEmitter()
  const load = startLoad({
    target: gone,
    traffic: createTraffic({ ...options, rate: 300 }),
    onOutcome: () => void outcomes.emit('outcome'),
  })
  while (load.progress().failed < 20) await once(outcomes, 'outcome')
  const summary = await load.stop()
  assertAddsUp(summary)
  assert.deepEqual(
    [summary.failed, summary.bad, summary.responses, summary.tracks],
    [summary.sent, summary.sent, 0, {}],
  )
})

function assertAddsUp(summary: LoadSummary): void {
  assert.equal(summary.sent, summary.responses + summary.failed + summary.underWay)
  assert.equal(summary.responses, sumOf(Object.values(summary.tracks).map(track => track.responses)))
  assert.equal(summary.bad, summary.failed + sumOf(Object.values(summary.tracks).map(track => track.bad)))
  assert.equal(sumOf(Object.values(summary.byKind)), summary.responses + summary.failed)
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

async function startTarget(answer: RequestListener): Promise<URL> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  started.push(server)
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}
