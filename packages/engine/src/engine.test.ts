import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBench } from './testing/test-bench.ts'
import { testPlan } from './testing/test-plan.ts'

test('a good release goes through its phases to everyone and ends', async () => {
  const bench = new TestBench()
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan())
  await bench.runFor(300_000)
  assert.equal(bench.state(id).lifecycle.kind, 'completed')
  assert.deepEqual(
    bench.flag.history.map(step => step.share),
    [0.1, 0.5, 1],
  )
  assert.equal(bench.events(id).filter(type => type === 'PhasePromoted').length, 3)
})

test('a release whose errors rise is back at nobody, read twice, and rolled back', async () => {
  const bench = new TestBench()
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan())
  const from = bench.clock.time + 70_000
  bench.source.errorRate = start => (start >= from ? 0.2 : 0)
  await bench.runFor(300_000)
  assert.equal(bench.state(id).lifecycle.kind, 'rolledBack')
  assert.equal(bench.flag.share, 0)
  assert.deepEqual(
    bench.flag.history.map(step => step.share),
    [0.1, 0.5, 0],
  )
})
