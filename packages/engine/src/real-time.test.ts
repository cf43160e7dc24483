import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from './engine.ts'
import { memoryBenchStore } from './testing/memory-store.ts'
import { testPhase, testPlan } from './testing/test-plan.ts'
import { TestHand, TestRunner, TestSource } from './testing/test-world.ts'

test('on real timers a release runs to its end by hints and timers alone, and stopping leaves nothing behind', async () => {
  const bench = await memoryBenchStore(Date.now)
  const flag = new TestHand('flag')
  const engine = createEngine({
    store: bench.store,
    clock: { now: async () => Date.now() },
    observations: new TestSource(),
    movers: [flag],
    runners: [new TestRunner(['notify'])],
    instance: 'instance-1',
  })
  const ended = new Promise<void>(resolve => {
    bench.subscribe(hint => {
      engine.hear(hint)
      if (flag.share === 1) resolve()
    })
  })
  engine.start()
  const created = await engine.create({
    project: 'default',
    environment: 'production',
    plan: testPlan({ phases: [testPhase(0, 0.1, { holdMs: 30 }), testPhase(1, 1, { holdMs: 30 })] }),
    planDigest: 'digest',
    version: '2.0.0',
    labels: [],
    by: 'hanako',
    exemption: null,
    supports: { verbs: [], hands: ['flag'], channels: ['*'] },
  })
  assert.ok(created.ok)
  await ended
  await engine.stop()
  assert.deepEqual(
    flag.history.map(step => step.share),
    [0.1, 1],
  )
  const live = await bench.store.releases.claimDue('instance-2', 10)
  assert.equal(live.length <= 1, true)
})

test('stopping ends at once although a call hangs', async () => {
  const raiseTimeoutMs = 60_000
  const bench = await memoryBenchStore(Date.now)
  const flag = new TestHand('flag')
  flag.mode = 'hangs'
  const isCalled = new Promise<void>(resolve => {
    flag.apply = async () => {
      resolve()
      await new Promise<never>(() => {})
    }
  })
  const engine = createEngine({
    store: bench.store,
    clock: { now: async () => Date.now() },
    observations: new TestSource(),
    movers: [flag],
    runners: [],
    instance: 'instance-1',
    settings: { stopWithinMs: 20, raiseTimeoutMs },
  })
  bench.subscribe(hint => engine.hear(hint))
  engine.start()
  await engine.create({
    project: 'default',
    environment: 'production',
    plan: testPlan(),
    planDigest: 'digest',
    version: '2.0.0',
    labels: [],
    by: 'hanako',
    exemption: null,
    supports: { verbs: [], hands: ['flag'], channels: ['*'] },
  })
  await isCalled
  const before = performance.now()
  await engine.stop()
  assert.ok(performance.now() - before < raiseTimeoutMs, 'it waited for the call')
})
