import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledPlan } from '@dankai/plan'
import { laws } from './laws.ts'
import { runWorld, runWorlds } from './run-worlds.ts'
import { readScript } from './scenario-script.ts'
import { simulate } from './simulate.ts'
import { compileShop, shopPlan } from './testing/shop-plan.ts'
import type { Trace } from './trace.ts'

/** Repeats a failed world: DANKAI_SEED=1234 node --test packages/simulation/src/laws.test.ts */
const seed = Number(process.env.DANKAI_SEED ?? 1)

const shop = compileShop()
/** A store track that cannot go down, with nothing but phases. */
const store = compileShop(
  shopPlan
    .replace(/exposure:[\s\S]*?metrics:/, 'exposure:\n  - googlePlay: { track: production }\n\nmetrics:')
    .replace(
      /rollbackWhen:[\s\S]*?\nrollback:/,
      'rollbackWhen:\n  - { if: error_rate > 5% for 2m, then: halt }\n\nrollback:',
    )
    .replace('do: [{ expose: 0% }, { run: ./restore.sh }]', 'do: [{ run: ./restore.sh }]'),
)
/** The same plan without its hands' gate, its samples and its people: almost everything is decided by numbers. */
const bare = compileShop(
  shopPlan
    .replace('  - flag: { name: new-basket, as: gate }\n', '')
    .replace('  - { approve: release-managers, count: 2 }\n', '')
    .replace('    promoteWhen: [rating >= 4]\n', ''),
)

async function healthyTrace(plan: CompiledPlan = shop): Promise<Trace> {
  const run = await simulate({
    plan,
    script: [],
    seed,
    fidelity: 'events',
    start: null,
    labels: [],
    lastsMs: null,
    lookedAt: [],
  })
  assert.ok(run.ok)
  return run.trace
}

test('no law is broken in a hundred and twenty seeded worlds', async t => {
  const { broken, outcomes, crashes, events } = await runWorlds([shop, bare, store], 120, seed)
  t.diagnostic(`seeds ${seed} to ${seed + 119}: ${JSON.stringify(outcomes)}, ${crashes} crashes, ${events} events`)
  assert.deepEqual(broken, [])
  // Worlds that all end alike would prove nothing.
  assert.ok(outcomes.completed > 20 && outcomes['rolled back'] > 5 && outcomes.running > 5 && crashes > 5)
})

test('looking at every bucket by itself gives the same events as looking only when something may happen', async t => {
  let looks = 0
  for (let world = 0; world < 12; world += 1) {
    const plan = world % 2 === 0 ? shop : bare
    const events = await runWorld(plan, seed + world, 'events')
    const full = await runWorld(plan, seed + world, 'full')
    assert.deepEqual(full.trace.events, events.trace.events, `seed ${seed + world} of ${plan.name}`)
    looks += full.trace.ticks - events.trace.ticks
  }
  t.diagnostic(`seeds ${seed} to ${seed + 11}: ${looks} looks more`)
  assert.ok(looks > 1_000)
})

test('the same seed gives the same world', async () => {
  const [one, two] = [await runWorld(shop, seed + 7), await runWorld(shop, seed + 7)]
  assert.deepEqual(two.trace.events, one.trace.events)
  assert.deepEqual(two.trace.exposures, one.trace.exposures)
})

test('two people who promote at once promote one phase', async () => {
  const promote = (person: string) => ({
    at: { kind: 'anchor', anchor: 'half', plusMs: 60_000 } as const,
    forMs: null,
    place: null,
    happening: { kind: 'person', person, does: 'promote', why: 'in a hurry' } as const,
  })
  const script = [promote('ann'), promote('bob')]
  const run = await simulate({
    plan: bare,
    script,
    seed,
    fidelity: 'events',
    start: null,
    labels: [],
    lastsMs: null,
    lookedAt: [],
  })
  assert.ok(run.ok)
  const promoted = run.trace.events.filter(({ body }) => body.type === 'PhasePromoted' && body.by !== null)
  assert.equal(promoted.length, 1)
  assert.match(
    run.trace.refusals.map(({ message }) => message).join(),
    /Cannot promote "shop": found phase "all", expected phase "half"/,
  )
})

/** Each law must notice when it is broken: a trace is bent until it is, and no law may stay silent. */
const bent: Readonly<Record<string, (trace: Trace) => Trace>> = {
  'exposure never rises after a rollback began': trace => ({
    ...trace,
    anchors: { ...trace.anchors, rollback: trace.start },
  }),
  'exposure is never raised while a now-rule is fired, or while paused, halted or without data': trace =>
    insertBefore(trace, 'ExposureChanged', { type: 'Paused', by: 'ann', why: null }),
  'no gate is skipped': trace => ({ ...trace, events: trace.events.filter(({ body }) => body.type !== 'StepEnded') }),
  'no phase is promoted before its covered hold is over': trace =>
    insertBefore(trace, 'HoldEnded', { type: 'DataMissing', metric: 'cpu', since: trace.start }),
  'phases are entered one after the other': trace => ({
    ...trace,
    events: trace.events.filter(({ body }) => body.type !== 'PhaseEntered' || body.phase !== 1),
  }),
  'after a rollback every hand reaches its floor': trace => ({
    ...trace,
    anchors: { ...trace.anchors, rollback: trace.end },
  }),
  'nothing follows the end but follow-ups and the record': trace =>
    insertBefore(trace, 'PhaseEntered', { type: 'Completed', by: null }),
  'the same log gives the same state': trace => ({ ...trace, events: trace.events.slice(0, -5) }),
  'the log stays small': trace => ({ ...trace, events: Array.from({ length: 200 }, () => trace.events).flat() }),
}

function insertBefore(trace: Trace, type: string, body: Trace['events'][number]['body']): Trace {
  const index = trace.events.findIndex(event => event.body.type === type)
  const at = trace.events[index]!.at
  return { ...trace, events: trace.events.toSpliced(index, 0, { seq: 0, at, body, relative: '' }) }
}

test('every law holds in a healthy world and notices when it is broken', async () => {
  const trace = await healthyTrace()
  for (const law of laws) {
    assert.equal(law.broken(trace), null, law.name)
    const bend = bent[law.name]
    assert.ok(bend, `nothing bends a trace for "${law.name}"`)
    assert.notEqual(law.broken(bend(trace)), null, law.name)
  }
})

test('a script that names what the plan does not have is refused before anything runs', async () => {
  const place = { file: 's.yaml', line: 3, column: 5 }
  const at = { kind: 'anchor', anchor: 'start', plusMs: 0 } as const
  const refused = async (happenings: Parameters<typeof readScript>[1][number]['happenings'], anchor = 'start') => {
    const script = readScript(shop, [{ at: { ...at, anchor }, forMs: null, happenings, place }])
    if (!script.ok) return script.message
    const run = await simulate({
      plan: shop,
      script: script.script,
      seed,
      fidelity: 'events',
      start: null,
      labels: [],
      lastsMs: null,
      lookedAt: [],
    })
    return run.ok ? 'ran' : run.message
  }
  assert.match(
    await refused([{ kind: 'suspended', ms: 1 }], 'beta'),
    /^s\.yaml:3:5: Cannot find moment "beta".* start, rollback, canary, half, all/,
  )
  assert.match(
    await refused([{ kind: 'metric', metric: 'cpuu', track: null, value: 'no data' }]),
    /Cannot change "cpuu"/,
  )
  assert.match(await refused([{ kind: 'drift', hand: 'haproxy', share: 1 }]), /Cannot find hand "haproxy"/)
  assert.match(await refused([{ kind: 'labels', labels: ['x'] }]), /Cannot set labels of "shop" while it runs/)
})
