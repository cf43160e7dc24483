import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextReading } from './hand-reading.ts'
import type { HandMover } from './ports.ts'
import { TestBench } from './testing/test-bench.ts'
import { testHand, testPhase, testPlan } from './testing/test-plan.ts'
import { TestFaults, TestHand } from './testing/test-world.ts'

const longHold = { phases: [testPhase(0, 0.1, { holdMs: 3_600_000 })] }
const roll = {
  by: 'hanako',
  roles: [],
  why: 'wrong build',
  expected: null,
  body: { type: 'rollback', runbook: null },
} as const

async function benchWith(kinds: readonly string[]): Promise<{ bench: TestBench; hands: readonly TestHand[] }> {
  const bench = await TestBench.open()
  const hands = kinds.map(kind => new TestHand(kind))
  bench.hands.splice(0, bench.hands.length, ...hands)
  return { bench, hands }
}

test('hands rise carriers first, then in listed order, each only after the one before was read back', async () => {
  const { bench, hands } = await benchWith(['flag', 'nginx', 'capacity'])
  const [flag, nginx, capacity] = hands as [TestHand, TestHand, TestHand]
  const listed = [testHand('flag:a', 'splitter'), testHand('nginx:b', 'copy'), testHand('capacity:c', 'carrier')]
  flag.mode = 'fails'
  await bench.create(bench.engine(), testPlan({ ...longHold, hands: listed }))
  await bench.runFor(20_000)
  assert.deepEqual([capacity.share, flag.share, nginx.applied], [0.1, 0, 0])
  flag.mode = 'works'
  await bench.runFor(20_000)
  assert.deepEqual([capacity.share, flag.share, nginx.share], [0.1, 0.1, 0.1])
})

test('hands go down all at once: one that hangs and one that fails delay no other, and are retried for ever', async () => {
  const { bench, hands } = await benchWith(['flag', 'nginx', 'capacity'])
  const [flag, nginx, capacity] = hands as [TestHand, TestHand, TestHand]
  const listed = [testHand('flag:a', 'splitter'), testHand('nginx:b', 'copy'), testHand('capacity:c', 'carrier')]
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan({ ...longHold, hands: listed }))
  await bench.runFor(20_000)
  nginx.mode = 'hangs'
  capacity.mode = 'fails'
  await engine.act(id, roll)
  await bench.runFor(100)
  assert.equal(flag.share, 0)
  await bench.runFor(3_600_000)
  assert.equal(await bench.stage(id), 'rollingBack')
  assert.ok(capacity.applied > 100)
  nginx.mode = 'works'
  capacity.mode = 'works'
  await bench.runFor(60_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.deepEqual([nginx.share, capacity.share], [0, 0])
})

test('a raise whose answer comes after the rollback cannot keep the hand up', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  flag.mode = 'hangs'
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan(longHold))
  await bench.runFor(3_000)
  flag.mode = 'works'
  await engine.act(id, roll)
  await bench.runFor(1_000)
  assert.equal(flag.share, 0)
  flag.releaseHanging()
  await bench.runFor(1_000)
  assert.equal(flag.share, 0)
  await bench.runFor(30_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.equal(flag.history.at(-1)?.share, 0)
})

test('rolled back needs the floor in two readings at least the settling time apart', async () => {
  const { bench } = await benchWith(['flag'])
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan(longHold))
  await bench.runFor(20_000)
  const askedAt = bench.clock.time
  await engine.act(id, roll)
  await bench.runFor(1_900)
  assert.equal(await bench.stage(id), 'rollingBack')
  await bench.runFor(1_000)
  const ended = (await bench.bench.eventsOf(id)).find(event => event.body.type === 'RolledBack')
  assert.ok(ended !== undefined && ended.at - askedAt >= 2_000)
})

test('a hand found above what is desired is lowered at once; one found below is left for a person', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  const id = await bench.create(bench.engine(), testPlan(longHold))
  await bench.runFor(20_000)
  flag.set(0.4, 0)
  await bench.runFor(16_000)
  assert.equal(flag.share, 0.1)
  await bench.runFor(16_000)
  const calls = flag.applied
  flag.set(0.05, 0)
  await bench.runFor(60_000)
  assert.deepEqual([flag.share, flag.applied], [0.05, calls])
  assert.ok(
    (await bench.bench.stateOf(id)).drift['flag:a'] !== undefined || (await bench.events(id)).includes('DriftSeen'),
  )
})

test('a hand that cannot be read has no share and is not taken as raised', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  flag.mode = 'unreadable'
  const id = await bench.create(bench.engine(), testPlan(longHold))
  await bench.runFor(30_000)
  const waits = (await bench.bench.statusOf(id)).waitingOn
  const exposure = waits.find(wait => wait.kind === 'exposure')
  assert.equal(exposure?.kind === 'exposure' ? exposure.observed : 'nothing', null)
  assert.match(exposure?.kind === 'exposure' ? String(exposure.problem) : '', /could not be read: connection refused/)
})

test('after a take-over a hand that is there already is not set a second time', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  const faults = new TestFaults('raise: between apply and read')
  const id = await bench.create(bench.engine(faults), testPlan(longHold))
  await bench.runFor(1_000)
  assert.ok(faults.isDead)
  bench.engine()
  await bench.runFor(30_000, 1_000)
  assert.equal(flag.applied, 1)
  assert.ok((await bench.events(id)).includes('ExposureReached'))
})

test('an instance that does not own a release lowers its hands when the owner does not', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  const owner = bench.engine()
  const id = await bench.create(owner, testPlan(longHold))
  await bench.runFor(20_000)
  // The owner decides and beats, and its own hands are tied.
  const tied = new TestFaults('lower: before apply')
  const second = bench.engine(tied)
  await second.act(id, roll)
  await bench.tickAll()
  assert.ok(tied.isDead)
  assert.equal(flag.share, 0.1)
  await bench.runFor(4_000, 500)
  assert.equal(flag.share, 0)
})

test('a hand that took a lowering and did not follow is set again until it does', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan(longHold))
  await bench.runFor(20_000)
  flag.mode = 'ignores'
  await engine.act(id, roll)
  await bench.runFor(10_000)
  assert.equal(flag.share, 0.1)
  flag.mode = 'works'
  await bench.runFor(20_000)
  assert.deepEqual([flag.share, await bench.stage(id)], [0, 'rolledBack'])
})

for (const isEnded of [true, false]) {
  test(`an instance that wakes up while its release ${isEnded ? 'has been' : 'is being'} rolled back elsewhere raises nothing`, async () => {
    const { bench, hands } = await benchWith(['flag', 'nginx'])
    const [flag, nginx] = hands as [TestHand, TestHand]
    flag.mode = 'fails'
    const listed = [testHand('flag:a', 'splitter'), testHand('nginx:b', 'copy')]
    const id = await bench.create(bench.engine(), testPlan({ ...longHold, hands: listed }))
    await bench.runFor(20_000)
    const [sleeper] = bench.engines.splice(0, 1)
    await bench.engine().act(id, roll)
    flag.mode = 'works'
    nginx.mode = isEnded ? 'works' : 'unreadable'
    await bench.runFor(30_000, 1_000)
    assert.equal(await bench.stage(id), isEnded ? 'rolledBack' : 'rollingBack')
    bench.engines.push(sleeper!)
    await bench.runFor(60_000, 1_000)
    assert.deepEqual(
      flag.history.filter(step => step.share > 0),
      [],
    )
  })
}

test('an instance whose beats are not written raises nothing once others may think it dead', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  flag.mode = 'fails'
  const { store } = bench.bench
  let isSilent = false
  const beat = async (name: string) => (isSilent ? Promise.reject(new Error('refused')) : store.instances.beat(name))
  const silent = { ...store, instances: { ...store.instances, beat } }
  await bench.create(bench.engine(new TestFaults(), silent), testPlan(longHold))
  await bench.runFor(20_000, 500)
  isSilent = true
  await bench.runFor(4_500, 500)
  flag.mode = 'works'
  await bench.runFor(60_000, 500)
  assert.equal(flag.share, 0)
})

test('two readings closer than the settling time are one', () => {
  const answer = { kind: 'read', share: 0, reached: true, floor: 0, problem: null } as const
  const first = nextReading(null, answer, 2, 2_000, 10_000)
  assert.equal(nextReading(first, answer, 2, 2_000, 11_999).readings, 1)
  assert.equal(nextReading(first, answer, 2, 2_000, 12_000).readings, 2)
  assert.equal(nextReading(first, { ...answer, share: 0.1 }, 2, 2_000, 12_000).readings, 1)
  assert.equal(nextReading(first, answer, 3, 2_000, 12_000).readings, 1)
})

test('whoever lowered for another instance reads the hands twice and then leaves them alone', async () => {
  const { bench, hands } = await benchWith(['flag'])
  const [flag] = hands as [TestHand]
  let isTied = false
  const never = () => new Promise<never>(() => {})
  const tied: HandMover = {
    kind: 'flag',
    settleMs: flag.settleMs,
    apply: target => (isTied ? never() : flag.apply(target)),
    read: target => (isTied ? never() : flag.read(target)),
  }
  bench.hands.splice(0, 1, tied)
  const owner = bench.engine()
  const id = await bench.create(owner, testPlan(longHold))
  await bench.runFor(20_000)
  bench.hands.splice(0, 1, flag)
  bench.engine()
  isTied = true
  await owner.act(id, roll)
  await bench.runFor(10_000, 500)
  assert.equal(await bench.stage(id), 'rolledBack')
  const calls = flag.applied
  const reads = flag.reads
  await bench.runFor(120_000, 500)
  assert.deepEqual([flag.share, flag.applied, flag.reads], [0, calls, reads])
})
