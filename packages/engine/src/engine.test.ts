import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Criterion } from '@dankai/plan'
import type { EngineStore } from './engine-options.ts'
import { TestBench } from './testing/test-bench.ts'
import { testHand, testPhase, testPlan, testRule } from './testing/test-plan.ts'
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

/** A store whose every call fails while it is away. */
function unreliable(store: EngineStore): { readonly store: EngineStore; isAway: boolean; hangs: boolean } {
  const state = { store, isAway: false, hangs: false }
  const guard = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          if (state.isAway) return state.hangs ? new Promise(() => {}) : Promise.reject(new Error('it is away'))
          return value.apply(target, args)
        }
      },
    })
  const { releases, commands, hands, instances } = store
  return Object.assign(state, {
    store: { releases: guard(releases), commands: guard(commands), hands: guard(hands), instances: guard(instances) },
  })
}

for (const outage of ['refuses', 'hangs']) {
  test(`while the database ${outage} a now-rule still takes exposure away, nothing else happens, and it is written down later`, async () => {
    const bench = await TestBench.open()
    const database = unreliable(bench.bench.store)
    const engine = bench.engine(new TestFaults(), database.store)
    const id = await bench.create(engine, testPlan())
    await bench.runFor(30_000, 1_000)
    database.isAway = true
    database.hangs = outage === 'hangs'
    if (database.hangs) bench.patience = 10
    await bench.runFor(60_000, 1_000)
    // The hold of the first phase is long over: going on needs the database.
    assert.equal(bench.flag.share, 0.1)
    const from = bench.clock.time
    bench.source.errorRate = start => (start >= from ? 0.3 : 0)
    await bench.runFor(60_000, 1_000)
    assert.equal(bench.flag.share, 0)
    assert.equal(await bench.stage(id), 'running')
    database.isAway = false
    // What was measured meanwhile would be a cause as well, but not the one that lowered.
    await engine.turn(id)
    await bench.runFor(60_000, 1_000)
    assert.equal(await bench.stage(id), 'rolledBack')
    const started = (await bench.bench.eventsOf(id)).find(event => event.body.type === 'RollbackStarted')
    assert.match(
      started?.body.type === 'RollbackStarted' ? started.body.because : '',
      /5% for 20s \(fired while the database/,
    )
    assert.equal(bench.flag.share, 0)
  })
}

test('an outage of the database shorter than ten seconds changes nothing', async () => {
  const bench = await TestBench.open()
  const database = unreliable(bench.bench.store)
  const id = await bench.create(bench.engine(new TestFaults(), database.store), testPlan())
  await bench.runFor(30_000, 1_000)
  const from = bench.clock.time
  bench.source.errorRate = start => (start >= from && start < from + 25_000 ? 0.3 : 0)
  await bench.runFor(30_000, 1_000)
  database.isAway = true
  await bench.runFor(8_000, 1_000)
  database.isAway = false
  await bench.runFor(120_000, 1_000)
  assert.equal(await bench.stage(id), 'rolledBack')
})

test('an amended plan holds from its event on, and what was measured before goes on where the question stays', async () => {
  const bench = await TestBench.open()
  const engine = bench.engine()
  const plan = testPlan({ phases: [testPhase(0, 0.1, { holdMs: 3_600_000 })] })
  const id = await bench.create(engine, plan)
  const from = bench.clock.time + 30_000
  bench.source.errorRate = start => (start >= from ? 0.04 : 0)
  await bench.runFor(100_000)
  assert.equal(await bench.stage(id), 'running')
  const [rule] = plan.rules
  const [condition] = rule!.anyOf
  assert.ok(condition?.kind === 'metric')
  const stricter = { ...condition, text: 'error_rate > 3% for 20s', limit: { kind: 'amount', value: 0.03 } } as const
  const amended = { ...plan, rules: [{ ...rule!, anyOf: [stricter] }] }
  const amendment = { amended, planDigest: 'digest-2', by: 'hanako', why: 'too lax', changes: ['error_rate > 3%'] }
  const answer = await engine.amend(id, amendment)
  assert.ok(answer?.ok)
  assert.equal((await bench.bench.stateOf(id)).revision, 2)
  await bench.runFor(60_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  const refused = await engine.amend(id, { ...amendment, planDigest: 'digest-3' })
  assert.equal(refused === null || !refused.ok, true)
})

test('two people who saw the same phase cannot promote two', async () => {
  const bench = await TestBench.open()
  const [first, second] = [bench.engine(), bench.engine()]
  const id = await bench.create(first, testPlan())
  await bench.runFor(20_000, 1_000)
  const promote = (by: string) => {
    const expected = { phase: 'phase-0', seq: null }
    return { by, roles: ['admin'], why: null, expected, body: { type: 'promote' } } as const
  }
  const answers = await Promise.all([first.act(id, promote('hanako')), second.act(id, promote('taro'))])
  await bench.runFor(5_000, 1_000)
  assert.deepEqual(answers.map(answer => answer?.ok).sort(), [false, true])
  assert.deepEqual((await bench.bench.stateOf(id)).lifecycle.kind === 'running' && bench.flag.share, 0.5)
})

test('while the database is away a question that nobody can answer lowers nothing', async () => {
  const bench = await TestBench.open()
  const database = unreliable(bench.bench.store)
  const rule = testRule('rules.0', { kind: 'decide', ms: 120_000, otherwise: 'rollback' }, 20_000)
  const plan = testPlan({ rules: [rule], phases: [testPhase(0, 0.1, { holdMs: null })] })
  await bench.create(bench.engine(new TestFaults(), database.store), plan)
  const from = bench.clock.time + 30_000
  bench.source.errorRate = start => (start >= from ? 0.3 : 0)
  await bench.runFor(90_000, 1_000)
  database.isAway = true
  await bench.runFor(300_000, 1_000)
  assert.equal(bench.flag.share, 0.1)
})

test('a commit whose answer was lost is found out, and the release goes on from what was written', async () => {
  const bench = await TestBench.open()
  const { store } = bench.bench
  let commits = 0
  let isLost = false
  const commit = async (given: Parameters<typeof store.releases.commit>[0]) => {
    const answer = await store.releases.commit(given)
    if (isLost || ++commits % 3 === 0) throw new Error('connection reset')
    return answer
  }
  const engine = bench.engine(new TestFaults(), { ...store, releases: { ...store.releases, commit } })
  const id = await bench.create(engine, testPlan())
  await bench.runFor(20_000)
  isLost = true
  const promote = { by: 'hanako', roles: ['admin'], why: null, expected: null, body: { type: 'promote' } } as const
  await assert.rejects(engine.act(id, promote), /connection reset/)
  isLost = false
  await bench.runFor(300_000)
  assert.equal(await bench.stage(id), 'completed')
  assert.deepEqual(
    bench.flag.history.map(step => step.share),
    [0.1, 0.5, 1],
  )
  assert.equal((await bench.events(id)).filter(type => type === 'PhasePromoted').length, 3)
})

test('several releases taken over at once all say what was not covered', async () => {
  const bench = await TestBench.open({ lanes: { lower: 4, decide: 1, observe: 1, raise: 1, notify: 1, report: 1 } })
  const faults = new TestFaults()
  const first = bench.engine(faults)
  const plan = testPlan({ phases: [testPhase(0, 0.1, { holdMs: null })] })
  const ids = [await bench.create(first, plan)]
  for (const name of ['other', 'third']) {
    ids.push(await bench.create(first, { ...plan, name, hands: [testHand(`flag:${name}`, 'splitter')] }))
  }
  await bench.runFor(30_000)
  faults.isDead = true
  bench.clock.moveTo(bench.clock.time + 600_000)
  bench.engine()
  await bench.runFor(10_000, 1_000)
  for (const id of ids) assert.ok((await bench.events(id)).includes('CoverageLost'), id)
})

const belowOnePercent: Criterion = {
  kind: 'condition',
  id: 'phases.phase-0.promoteWhen.0',
  condition: {
    kind: 'metric',
    id: 'phases.phase-0.promoteWhen.0.if',
    text: 'error_rate < 1%',
    metric: 'error_rate',
    overMs: null,
    op: '<',
    limit: { kind: 'amount', value: 0.01 },
    span: null,
  },
}

test('what a take-over has of the evidence is what was there: a criterion goes on counting from its exposure', async () => {
  const bench = await TestBench.open({ checkpointEveryMs: 3_600_000 })
  const faults = new TestFaults()
  const phases = [testPhase(0, 0.1, { promoteWhen: [belowOnePercent] }), testPhase(1, 1)]
  const id = await bench.create(bench.engine(faults), testPlan({ phases }))
  await bench.runFor(20_000)
  faults.isDead = true
  bench.engine()
  await bench.runFor(90_000, 1_000)
  assert.ok((await bench.events(id)).includes('PhasePromoted'))
})

test('a take-over does not decide again on what was decided', async () => {
  const bench = await TestBench.open({ checkpointEveryMs: 3_600_000 })
  const faults = new TestFaults()
  const rules = [testRule('rules.0', { kind: 'now' }, 120_000)]
  const plan = testPlan({ rules, phases: [testPhase(0, 0.1, { holdMs: null })] })
  const id = await bench.create(bench.engine(faults), plan)
  const from = bench.clock.time + 60_000
  bench.source.errorRate = start => (start >= from ? 0.3 : 0)
  await bench.runFor(120_000, 1_000)
  faults.isDead = true
  bench.engine()
  await bench.runFor(30_000, 1_000)
  const told = (await bench.events(id)).filter(type => type.startsWith('Trigger'))
  assert.deepEqual(told, ['TriggerPending'])
})

test('buckets that come together are judged in order: nobody is promoted on the first ones when the last ones are bad', async () => {
  const bench = await TestBench.open()
  const faults = new TestFaults()
  const id = await bench.create(bench.engine(faults), testPlan({ phases: [testPhase(0, 0.1), testPhase(1, 1)] }))
  await bench.runFor(25_000, 1_000)
  faults.isDead = true
  const from = bench.clock.time + 20_000
  bench.source.errorRate = start => (start >= from ? 0.3 : 0)
  bench.clock.moveTo(bench.clock.time + 56_000)
  bench.engine()
  await bench.runFor(10_000, 1_000)
  const events = await bench.events(id)
  assert.deepEqual([events.includes('CoverageLost'), events.includes('PhasePromoted')], [false, false])
  assert.equal(await bench.stage(id), 'rolledBack')
})

test('two living instances leave each other their releases, also when nothing happens', async () => {
  const bench = await TestBench.open()
  const { store } = bench.bench
  let claims = 0
  const counted = {
    ...store,
    releases: {
      ...store.releases,
      claimDue: async (owner: string, limit: number) => {
        const claimed = await store.releases.claimDue(owner, limit)
        claims += claimed.length
        return claimed
      },
    },
  }
  const id = await bench.create(
    bench.engine(new TestFaults(), counted),
    testPlan({ phases: [testPhase(0, 0.1, { holdMs: null })] }),
  )
  bench.engine(new TestFaults(), counted)
  await bench.runFor(600_000, 500)
  assert.equal(claims, 0)
  assert.equal(await bench.stage(id), 'running')
})

for (const method of ['claimDue', 'claim'] as const) {
  test(`a ${method} whose answer was lost leaves no release that nobody works on`, async () => {
    const bench = await TestBench.open()
    const { store } = bench.bench
    let isLost = false
    const lose = async <T>(answer: Promise<T>): Promise<T> => {
      const value = await answer
      if (isLost) throw new Error('connection reset')
      return value
    }
    const releases = {
      ...store.releases,
      claimDue: (owner: string, limit: number) => lose(store.releases.claimDue(owner, limit)),
      claim: (owner: string, id: string) => lose(store.releases.claim(owner, id)),
    }
    const faults = new TestFaults()
    const id = await bench.create(bench.engine(faults), testPlan())
    await bench.runFor(5_000, 500)
    faults.isDead = true
    const engine = bench.engine(new TestFaults(), { ...store, releases })
    if (method === 'claimDue') bench.clock.moveTo(bench.clock.time + 6_000)
    isLost = true
    if (method === 'claimDue') await bench.tickAll()
    else await assert.rejects(engine.turn(id), /connection reset/)
    isLost = false
    await bench.runFor(300_000, 500)
    assert.equal(await bench.stage(id), 'completed')
  })
}

test('a moment without answers costs no release that is held here its next raise', async () => {
  const bench = await TestBench.open()
  const { store } = bench.bench
  let isAway = false
  const releases = {
    ...store.releases,
    async claimDue(owner: string, limit: number) {
      if (isAway) throw new Error('connection refused')
      return store.releases.claimDue(owner, limit)
    },
  }
  const id = await bench.create(bench.engine(new TestFaults(), { ...store, releases }), testPlan())
  await bench.runFor(30_000, 500)
  isAway = true
  await bench.runFor(3_000, 500)
  isAway = false
  await bench.runFor(300_000, 500)
  assert.equal(await bench.stage(id), 'completed')
})
