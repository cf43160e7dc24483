import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClaimedCommand } from './ports.ts'
import { TestBench } from './testing/test-bench.ts'
import { testPhase, testPlan, testStep } from './testing/test-plan.ts'
import { TestFaults, testStart } from './testing/test-world.ts'

const failed = { outcome: 'failed', detail: 'exit 1', output: null } as const
const notice = { template: 'started', to: ['ops'], priority: null }
const rollback = {
  by: 'hanako',
  roles: [],
  why: null,
  expected: null,
  body: { type: 'rollback', runbook: null },
} as const

/** A gate with one command before the first exposure; `run` is `ask`, a select `set`, a POST `keyed`. */
function gated(action: Parameters<typeof testStep>[1]) {
  return testPlan({ before: [testStep('before.0', action)], phases: [testPhase(0, 0.1)] })
}
const ask = gated({ verb: 'run', command: 'migrate' })
const set = gated({ verb: 'sql', text: 'select 1' })
const keyed = gated({ verb: 'http', method: 'POST', url: 'trips/warm-up' })

async function commandOf(bench: TestBench, id: string) {
  const [command] = await bench.bench.commandsOf(id)
  return command!
}

test('a command that succeeds opens its gate', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), ask)
  await bench.runFor(5_000)
  assert.equal((await commandOf(bench, id)).status, 'succeeded')
  assert.equal(bench.flag.share, 0.1)
})

const answers = [
  ['ask', ask, 'failed', 1, 'failed'],
  ['ask', ask, 'throws', 1, 'ambiguous'],
  ['ask', ask, 'hangs', 1, 'ambiguous'],
  ['set', set, 'failed', 3, 'failed'],
  ['set', set, 'throws', 3, 'failed'],
  ['set', set, 'hangs', 3, 'failed'],
  ['keyed', keyed, 'hangs', 3, 'failed'],
] as const
for (const [effectClass, plan, answer, runs, outcome] of answers) {
  test(`a command of class ${effectClass} whose runner ${answer} is run ${runs} times and ends ${outcome}`, async () => {
    const bench = await TestBench.open()
    bench.runner.answer = async () => {
      if (answer === 'throws') throw new Error('broken pipe')
      return answer === 'hangs' ? new Promise(() => {}) : failed
    }
    const id = await bench.create(bench.engine(), plan)
    await bench.runFor(700_000)
    assert.equal(bench.runner.runs.length, runs)
    assert.equal((await commandOf(bench, id)).status, outcome)
    assert.equal(bench.flag.share, 0)
  })
}

for (const [effectClass, plan, runs, outcome] of [
  ['ask', ask, 1, 'ambiguous'],
  ['set', set, 2, 'succeeded'],
  ['keyed', keyed, 2, 'succeeded'],
] as const) {
  test(`killed between effect and result, a command of class ${effectClass} ends ${outcome}`, async () => {
    const bench = await TestBench.open()
    const faults = new TestFaults('command: after run')
    const id = await bench.create(bench.engine(faults), plan)
    await bench.runFor(1_000)
    assert.ok(faults.isDead)
    bench.engine()
    await bench.runFor(30_000, 1_000)
    assert.equal(bench.runner.runs.length, runs)
    assert.equal((await commandOf(bench, id)).status, outcome)
    const ended = (await bench.bench.eventsOf(id)).filter(event => event.body.type === 'StepEnded')
    assert.deepEqual(
      ended.map(event => event.body.type === 'StepEnded' && event.body.outcome),
      [outcome === 'ambiguous' ? 'ambiguous' : 'done'],
    )
  })
}

test('an instance that was taken for dead and claims its own command again runs it, although its first run still hangs', async () => {
  const bench = await TestBench.open()
  let isMuted = false
  const { store } = bench.bench
  const instances = {
    ...store.instances,
    beat: async (name: string) => {
      if (isMuted) throw new Error('too slow')
      return store.instances.beat(name)
    },
  }
  const released: (() => void)[] = []
  bench.runner.answer = async ({ attempt }) => {
    isMuted = attempt === 1
    if (attempt === 1) await new Promise<void>(resolve => released.push(resolve))
    return { outcome: 'succeeded', detail: null, output: null }
  }
  const id = await bench.create(bench.engine(new TestFaults(), { ...store, instances }), keyed)
  await bench.runFor(8_000, 1_000)
  assert.deepEqual(
    bench.runner.runs.map(run => run.attempt),
    [1, 2],
  )
  assert.equal((await commandOf(bench, id)).status, 'succeeded')
  for (const resolve of released) resolve()
  await bench.runFor(8_000, 1_000)
  assert.equal(bench.runner.runs.length, 2)
  assert.equal((await commandOf(bench, id)).status, 'succeeded')
})

for (const [effectClass, plan] of [
  ['keyed', keyed],
  ['ask', ask],
] as const)
  test(`a command of class ${effectClass} whose claim was written without an answer is run once, as its first attempt`, async () => {
    const bench = await TestBench.open()
    const { store } = bench.bench
    let lost = 0
    const claimCommands: typeof store.commands.claimCommands = async (...asked) => {
      const claimed = await store.commands.claimCommands(...asked)
      if (claimed.length > 0 && lost++ === 0) throw new Error('the answer was lost')
      return claimed
    }
    const commands = { ...store.commands, claimCommands }
    const id = await bench.create(bench.engine(new TestFaults(), { ...store, commands }), plan)
    await bench.runFor(30_000, 1_000)
    assert.ok(lost > 1, 'it was claimed again')
    assert.deepEqual(
      bench.runner.runs.map(run => run.attempt),
      [1],
    )
    assert.equal((await commandOf(bench, id)).status, 'succeeded')
  })

test('a keyed command is repeated with the id it had', async () => {
  const bench = await TestBench.open()
  bench.runner.answer = async claimed =>
    claimed.attempt < 3 ? failed : { outcome: 'succeeded', detail: null, output: null }
  await bench.create(bench.engine(), keyed)
  await bench.runFor(60_000)
  assert.deepEqual(
    bench.runner.runs.map(run => [run.id, run.attempt]),
    [1, 2, 3].map(attempt => [bench.runner.runs[0]!.id, attempt]),
  )
})

test('a result that could not be written is written later, and the command is not run again', async () => {
  const bench = await TestBench.open()
  let refusals = 3
  const { store } = bench.bench
  const commands = {
    ...store.commands,
    finishCommand: async (...args: Parameters<typeof store.commands.finishCommand>) => {
      if (refusals-- > 0) throw new Error('the database is away')
      return store.commands.finishCommand(...args)
    },
  }
  const id = await bench.create(bench.engine(new TestFaults(), { ...store, commands }), ask)
  await bench.runFor(60_000)
  assert.equal(bench.runner.runs.length, 1)
  assert.equal((await commandOf(bench, id)).status, 'succeeded')
})

test('a command nobody has a runner for fails with words that say what to do', async () => {
  const bench = await TestBench.open()
  const plan = testPlan({ before: [testStep('before.0', { verb: 'halt', plan: 'other' })] })
  const id = await bench.create(bench.engine(), plan)
  await bench.runFor(10_000)
  const ended = (await bench.bench.eventsOf(id)).find(event => event.body.type === 'StepEnded')
  assert.ok(ended?.body.type === 'StepEnded')
  assert.equal(
    ended.body.detail,
    'Cannot run "before.0#1": found no runner for "haltPlan", expected one of run, sql, http, flags, notify. Configure a runner or connection for it, then retry.',
  )
})

test('a notifier that hangs delays neither the decision nor the lowering', async () => {
  const bench = await TestBench.open({ lanes: { lower: 4, decide: 4, observe: 2, raise: 2, notify: 1, report: 1 } })
  bench.notifier.answer = () => new Promise(() => {})
  const plan = testPlan({ notices: { started: [notice], promoted: [notice], rollbackStarted: [notice] } })
  const id = await bench.create(bench.engine(), plan)
  bench.source.errorRate = start => (start >= testStart + 70_000 ? 0.5 : 0)
  await bench.runFor(110_000)
  assert.equal(await bench.stage(id), 'rolledBack')
  assert.equal(bench.flag.share, 0)
  assert.equal(bench.notifier.runs.length < 12, true)
})

test('a raise command that hangs in every place of its lane does not delay the lowering of another release', async () => {
  const bench = await TestBench.open({ lanes: { lower: 4, decide: 4, observe: 2, raise: 1, notify: 1, report: 1 } })
  const engine = bench.engine()
  const id = await bench.create(engine, testPlan({ phases: [testPhase(0, 0.1, { holdMs: null })] }))
  await bench.runFor(10_000)
  bench.runner.answer = () => new Promise(() => {})
  await bench.create(engine, { ...ask, name: 'other', hands: [{ ...ask.hands[0]!, id: 'flag:other' }] })
  await bench.runFor(1_000)
  assert.equal(bench.runner.runs.length, 1)
  await engine.act(id, rollback)
  await bench.runFor(10)
  assert.equal(bench.flag.share, 0)
})

test('a rollback supersedes what was planned and not begun', async () => {
  const bench = await TestBench.open({ lanes: { lower: 4, decide: 4, observe: 2, raise: 1, notify: 1, report: 1 } })
  bench.runner.answer = () => new Promise(() => {})
  const engine = bench.engine()
  const steps = [0, 1].map(index => testStep(`before.0.${index}`, { verb: 'run', command: 'warm-up' }))
  const list = testStep('before.0', { verb: 'checklist', checklist: 'list', items: steps })
  const id = await bench.create(engine, testPlan({ before: [list] }))
  await bench.runFor(100)
  await engine.act(id, rollback)
  await bench.runFor(1_000)
  const statuses = (await bench.bench.commandsOf(id)).map(command => command.status)
  assert.deepEqual(statuses, ['claimed', 'superseded'])
  assert.equal(bench.runner.runs.length, 1)
})

test('the result of an attempt that another has overtaken is kept as late and never applied', async () => {
  const bench = await TestBench.open()
  const frozen: { resolve: (() => void) | null } = { resolve: null }
  const run = async (claimed: ClaimedCommand) => {
    if (claimed.attempt === 1) await new Promise<void>(resolve => (frozen.resolve = resolve))
    return claimed.attempt === 1 ? failed : ({ outcome: 'succeeded', detail: null, output: null } as const)
  }
  bench.runner.answer = run
  const first = new TestFaults()
  const id = await bench.create(bench.engine(first), keyed)
  await bench.runFor(100)
  // The first instance freezes in the middle of its call and wakes up after the second one ran the command.
  const [sleeper] = bench.engines.splice(0, 1)
  bench.engine()
  await bench.runFor(9_000, 1_000)
  assert.equal((await commandOf(bench, id)).status, 'succeeded')
  frozen.resolve!()
  await sleeper!.engine.tick()
  const command: { status: string; late: number } = await commandOf(bench, id)
  assert.deepEqual([command.status, command.late], ['succeeded', 1])
})

test('what is stuck after an incomplete rollback runs again when a person retries it, and completes it', async () => {
  const bench = await TestBench.open()
  const engine = bench.engine()
  const back = testStep('rollback.0', { verb: 'sql', text: 'select 1' }, { withinMs: 60_000 })
  const id = await bench.create(engine, testPlan({ rollback: [back] }))
  await bench.runFor(5_000)
  bench.runner.answer = async () => failed
  await engine.act(id, rollback)
  await bench.runFor(600_000)
  assert.deepEqual(await bench.stage(id), 'rolledBack')
  const before = bench.runner.runs.length
  bench.runner.answer = async () => ({ outcome: 'succeeded', detail: null, output: null })
  const retried = await engine.act(id, { ...rollback, body: { type: 'retry', step: 'rollback.0' } })
  assert.equal(retried?.ok, true)
  await bench.runFor(5_000)
  assert.equal(bench.runner.runs.length, before + 1)
  const events = await bench.bench.eventsOf(id)
  const ends = events.flatMap(({ body }) => (body.type === 'RolledBack' ? [body.complete] : []))
  assert.deepEqual(ends, [false, true])
})
