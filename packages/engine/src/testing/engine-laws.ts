import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, foldEvents, type ReleaseState } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import fc from 'fast-check'
import { type FaultPoint, faultPoints } from '../fault-points.ts'
import type { BenchStoreFactory } from './memory-store.ts'
import { TestBench } from './test-bench.ts'
import { testHand, testPhase, testPlan, testRule, testStep } from './test-plan.ts'
import { TestFaults, TestHand } from './test-world.ts'

/**
 * What holds whoever dies when. Run on every store that the engine may stand on.
 *
 *  1. Exposure never rises once a now-rule fired, and ends at nobody.
 *  2. Every result of a command is folded once; nothing is run twice where the receiver cannot tell.
 *  3. Generations rise one by one; what an older one answers late never stays.
 *  4. The stored state is the fold of the stored log.
 */
export function defineEngineLaws(name: string, createStore: BenchStoreFactory, runs: number): void {
  for (const point of faultPoints) {
    test(`${name}: one of two instances dies at "${point}", and nothing is lost or done twice`, async () => {
      let wasReached = false
      for (const passage of [1, 2]) {
        const faults = new TestFaults(point, passage)
        await rollBackWith(createStore, faults)
        wasReached ||= faults.isDead
      }
      assert.ok(wasReached, `the scenario never comes to "${point}"`)
    })
  }

  test(`${name}: the laws hold in whatever order instances wake, die, freeze, hands fail and people act`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(moveArbitrary, { maxLength: 25 }), moves => playMoves(createStore, moves)),
      { numRuns: runs },
    )
  })
}

// ── A release that goes bad, with everything in it ──────────────────────────────────────────────────────────────────

function fullPlan(): CompiledPlan {
  const gate = testStep('before.0', { verb: 'http', method: 'POST', url: 'shop/warm-up' })
  const migration = testStep(
    'before.1',
    { verb: 'run', command: 'migrate' },
    { onFail: { kind: 'ask', role: 'admin' } },
  )
  const cleanUp = testStep('rollback.0', { verb: 'sql', text: 'select 1' })
  const notices = [{ template: 'news', to: ['ops'], priority: null }]
  return testPlan({
    hands: [testHand('flag:checkout', 'splitter'), testHand('nginx:shop', 'copy')],
    before: [gate, migration],
    phases: [testPhase(0, 0.1, { holdMs: 30_000 }), testPhase(1, 0.5, { holdMs: 3_600_000 })],
    rules: [testRule('rules.0', { kind: 'now' }, 20_000)],
    rollback: [cleanUp],
    notices: { promoted: notices, rollbackStarted: notices },
  })
}

async function openBench(createStore: BenchStoreFactory): Promise<{ bench: TestBench; nginx: TestHand }> {
  const bench = await TestBench.open({}, createStore)
  const nginx = new TestHand('nginx')
  bench.hands.push(nginx)
  return { bench, nginx }
}

async function rollBackWith(createStore: BenchStoreFactory, faults: TestFaults): Promise<void> {
  const { bench, nginx } = await openBench(createStore)
  const plan = fullPlan()
  const quiet = bench.engine()
  const id = await bench.create(quiet, plan)
  // The one that will die owns the release; a person acts through it as well. One that has not said yet that it is
  // alive would lose it again at once.
  await bench.tick(bench.engine(faults), faults)
  await takeOver(bench, id)
  await bench.runFor(60_000, 1_000)
  await confirmAmbiguous(bench, id)
  await takeOver(bench, id)
  await bench.runFor(60_000, 1_000)
  assert.equal(bench.flag.share, 0.5)
  const from = bench.clock.time
  bench.source.errorRate = start => (start >= from ? 0.3 : 0)
  await bench.runFor(120_000, 1_000)
  await checkLaws(bench, id, plan)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.deepEqual([bench.flag.share, nginx.share], [0, 0])
  await bench.bench.close()
}

/** The instance that is to die becomes the owner, unless it is dead. */
async function takeOver(bench: TestBench, id: string): Promise<void> {
  const { engine, faults } = bench.engines[1]!
  if (!faults.isDead) await settled(engine.act(id, resumeNothing), faults)
}

/** Refused, and claims the release all the same. */
const resumeNothing = { by: 'taro', roles: [], why: null, expected: null, body: { type: 'resume' } } as const

async function settled(work: Promise<unknown>, faults: TestFaults): Promise<void> {
  let isOver = false
  void work.catch(() => {}).finally(() => (isOver = true))
  while (!isOver && !faults.isDead) await new Promise(resolve => setImmediate(resolve))
}

/** The migration may or may not have run: a person looks, and says that it did. */
async function confirmAmbiguous(bench: TestBench, id: string): Promise<void> {
  const living = bench.engines.find(({ faults }) => !faults.isDead)!
  const body = { type: 'confirm', step: 'before.1', evidence: null } as const
  await living.engine.act(id, { by: 'hanako', roles: ['admin'], why: 'looked', expected: null, body })
}

// ── Random lives ────────────────────────────────────────────────────────────────────────────────────────────────────

type Move =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'kill'; readonly point: FaultPoint; readonly passage: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'freeze' }
  | { readonly kind: 'thaw' }
  | { readonly kind: 'hand'; readonly mode: TestHand['mode'] }
  | { readonly kind: 'let through' }
  | { readonly kind: 'errors'; readonly rate: number | null }
  | { readonly kind: 'act'; readonly type: 'promote' | 'pause' | 'resume' | 'rollback' }

const moveArbitrary: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      point: fc.constantFrom(...faultPoints),
      passage: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'freeze' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'thaw' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('hand' as const),
      mode: fc.constantFrom('works' as const, 'fails' as const, 'hangs' as const, 'unreadable' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'let through' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('errors' as const), rate: fc.constantFrom(0, 0.04, 0.3, null) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      type: fc.constantFrom('promote' as const, 'pause' as const, 'resume' as const, 'rollback' as const),
    }),
  },
)

async function playMoves(createStore: BenchStoreFactory, moves: readonly Move[]): Promise<void> {
  const { bench, nginx } = await openBench(createStore)
  const plan = fullPlan()
  const id = await bench.create(bench.engine(), plan)
  const frozen: TestBench['engines'] = []
  for (const move of moves) {
    await playMove(bench, id, frozen, move)
    await checkLaws(bench, id, plan)
  }
  bench.engines.push(...frozen.splice(0))
  bench.engine()
  for (const hand of [bench.flag, nginx]) {
    hand.mode = 'works'
    hand.releaseHanging()
  }
  await bench.runFor(60_000, 1_000)
  await checkLaws(bench, id, plan)
  await checkHands(bench, id, [bench.flag, nginx])
  await bench.bench.close()
}

async function playMove(bench: TestBench, id: string, frozen: TestBench['engines'], move: Move): Promise<void> {
  const present = bench.engines.at(-1)
  switch (move.kind) {
    case 'pass':
      return bench.runFor(move.ms, 2_000)
    case 'kill':
      bench.engine(new TestFaults(move.point, move.passage))
      return
    case 'start':
      bench.engine()
      return
    case 'freeze':
      frozen.push(...bench.engines.splice(0, 1))
      return
    case 'thaw':
      bench.engines.push(...frozen.splice(0, 1))
      return
    case 'hand':
      bench.flag.mode = move.mode
      return
    case 'let through':
      bench.flag.releaseHanging()
      return
    case 'errors': {
      const { rate } = move
      const from = bench.clock.time
      const before = bench.source.errorRate
      bench.source.errorRate = start => (start >= from ? rate : before(start))
      return
    }
    case 'act': {
      if (present === undefined || present.faults.isDead) return
      const body = move.type === 'rollback' ? { type: move.type, runbook: null } : { type: move.type }
      const action = { by: 'hanako', roles: ['admin'], why: 'because', expected: null, body }
      return settled(present.engine.act(id, action), present.faults)
    }
  }
}

// ── Laws ────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function checkLaws(bench: TestBench, id: string, plan: CompiledPlan): Promise<void> {
  const events = await bench.bench.eventsOf(id)
  checkLog(events)
  checkState(plan, events, await bench.bench.stateOf(id))
  await checkCommands(bench, id, events)
}

function checkLog(events: readonly Event[]): void {
  let generation = 0
  let hasFired = false
  const ended = new Set<string>()
  for (const [index, { seq, at, body }] of events.entries()) {
    assert.equal(seq, index + 1, 'the log has no gap')
    assert.ok(at >= (events[index - 1]?.at ?? 0), 'time never goes back')
    if (body.type === 'TriggerFired' || body.type === 'RollbackStarted') hasFired = true
    if (body.type === 'ExposureChanged') {
      assert.equal(body.generation, ++generation, 'generations rise one by one')
      assert.ok(body.direction === 'lower' || !hasFired, 'nothing rises after a now-rule fired')
    }
    // A person may end what the engine had to call ambiguous; the engine itself ends a run once.
    if (body.type === 'StepEnded' && body.by === null) {
      const run = `${body.step}#${body.run}`
      assert.ok(!ended.has(run), `"${run}" ended once`)
      ended.add(run)
    }
  }
}

function checkState(plan: CompiledPlan, events: readonly Event[], state: ReleaseState): void {
  assert.deepEqual(plain(state), plain(foldEvents(plan, events)))
}

/** `undefined` and absent are the same in JSON, which is what a store keeps. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

async function checkCommands(bench: TestBench, id: string, events: readonly Event[]): Promise<void> {
  const started = events.flatMap(({ body }) =>
    body.type === 'StepStarted' && body.command !== null ? [body.command.slot] : [],
  )
  assert.equal(new Set(started).size, started.length, 'every slot is used once')
  const journalled = (await bench.bench.commandsOf(id)).map(command => command.slot)
  assert.ok(
    journalled.every(slot => started.includes(slot)),
    'nothing is journalled that was not decided',
  )
  const runs = bench.runner.runs.filter(run => run.releaseId === id)
  const asked = runs.filter(run => run.command.effectClass === 'ask').map(run => run.command.slot)
  assert.equal(new Set(asked).size, asked.length, 'what the receiver cannot tell apart is run once')
  for (const run of runs) assert.equal(run.id, runs.find(other => other.command.slot === run.command.slot)!.id)
}

/** With everything working again, hands are where the release wants them. */
async function checkHands(bench: TestBench, id: string, hands: readonly TestHand[]): Promise<void> {
  const { exposure, lifecycle } = await bench.bench.stateOf(id)
  if (lifecycle.kind === 'rolledBack')
    assert.deepEqual(
      hands.map(hand => hand.share),
      [0, 0],
    )
  if (lifecycle.kind === 'running') for (const hand of hands) assert.ok(hand.share <= exposure.desired.share)
}
