import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBench } from './testing/test-bench.ts'
import { testPhase, testPlan } from './testing/test-plan.ts'
import { TestFaults } from './testing/test-world.ts'

test('a good release goes through its phases to everyone and ends', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), testPlan())
  await bench.runFor(300_000)
  assert.equal(await bench.stage(id), 'completed')
  assert.deepEqual(
    bench.flag.history.map(step => step.share),
    [0.1, 0.5, 1],
  )
})

test('a release whose errors rise is back at nobody, read twice, and rolled back', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), testPlan())
  const from = bench.clock.time + 70_000
  bench.source.errorRate = start => (start >= from ? 0.2 : 0)
  await bench.runFor(300_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.deepEqual(
    bench.flag.history.map(step => step.share),
    [0.1, 0.5, 0],
  )
})

test('nothing is written while nothing changes but the moment of the last look', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), testPlan({ phases: [testPhase(0, 0.1, { holdMs: null })] }))
  await bench.runFor(120_000)
  const before = await bench.bench.eventsOf(id)
  await bench.runFor(3_600_000)
  assert.deepEqual(await bench.bench.eventsOf(id), before)
})

test('a second instance takes over from a dead one and goes on, and the gap counts as covered when it is short', async () => {
  const bench = await TestBench.open()
  const faults = new TestFaults()
  const id = await bench.create(bench.engine(faults), testPlan())
  bench.engine()
  await bench.runFor(30_000, 1_000)
  faults.isDead = true
  await bench.runFor(300_000, 1_000)
  assert.equal(await bench.stage(id), 'completed')
  assert.equal((await bench.events(id)).includes('CoverageLost'), false)
})

test('when all instances are down for ten minutes the hold is as much longer, and the record says so', async () => {
  const bench = await TestBench.open()
  const faults = new TestFaults()
  const id = await bench.create(bench.engine(faults), testPlan({ phases: [testPhase(0, 0.1, { holdMs: 120_000 })] }))
  await bench.runFor(60_000)
  faults.isDead = true
  bench.clock.moveTo(bench.clock.time + 600_000)
  bench.engine()
  await bench.runFor(50_000, 1_000)
  assert.equal(await bench.stage(id), 'running')
  const lost = (await bench.bench.eventsOf(id)).find(event => event.body.type === 'CoverageLost')
  assert.ok(lost)
  await bench.runFor(30_000, 1_000)
  assert.equal(await bench.stage(id), 'completed')
})

test('a rule that was met while all instances were down fires on take-over, although the errors are over', async () => {
  const bench = await TestBench.open()
  const faults = new TestFaults()
  const id = await bench.create(bench.engine(faults), testPlan({ phases: [testPhase(0, 0.1, { holdMs: 600_000 })] }))
  await bench.runFor(60_000)
  faults.isDead = true
  const from = bench.clock.time + 100_000
  bench.source.errorRate = start => (start >= from && start < from + 60_000 ? 0.2 : 0)
  bench.clock.moveTo(from + 300_000)
  bench.engine()
  await bench.runFor(30_000, 1_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.equal(bench.flag.share, 0)
})

test('a process that was suspended counts the time as not covered', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), testPlan({ phases: [testPhase(0, 0.1, { holdMs: 600_000 })] }))
  await bench.runFor(60_000)
  bench.clock.moveTo(bench.clock.time + 600_000)
  await bench.runFor(10_000)
  assert.ok((await bench.events(id)).includes('CoverageRestored'))
  assert.equal(await bench.stage(id), 'running')
})
