import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ActionBody } from './action.ts'
import { isExposed, levelOf } from './exposure.ts'
import { Runner } from './testing/runner.ts'
import { metricTerm, phaseOf, planOf, ruleOf, stepOf } from './testing/small-plan.ts'

const minute = 60_000

const plan = planOf({
  before: [
    stepOf('before.0', { verb: 'run', command: 'npm test' }),
    stepOf('before.1', { verb: 'approve', role: 'r', count: 1 }),
  ],
  rules: [
    ruleOf('now', { kind: 'now' }),
    ruleOf('within', { kind: 'within', ms: 30 * minute }),
    ruleOf('decide', { kind: 'decide', ms: 60 * minute, otherwise: 'rollback' }),
    ruleOf('halt', { kind: 'halt' }),
    ruleOf('hold', { kind: 'hold' }),
  ],
  phases: [
    phaseOf(0, 'a', 0.05, { promoteWhen: [{ kind: 'condition', id: 'c', condition: metricTerm('ok') }] }),
    phaseOf(1, 'b', 0.5, { before: [stepOf('b.before.0', { verb: 'confirm', sentence: 'ready' })] }),
    phaseOf(2, 'c', 1),
  ],
  rollback: [
    stepOf('rollback.0', { verb: 'expose', share: 0 }),
    stepOf('rollback.1', { verb: 'run', command: 'restore' }, { withinMs: 10 * minute }),
  ],
})

type Move =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'evidence'; readonly term: string; readonly met: 'yes' | 'no' | 'unknown' }
  | { readonly kind: 'missing'; readonly on: boolean }
  | { readonly kind: 'act'; readonly body: ActionBody }
  | { readonly kind: 'finish'; readonly step: string; readonly ok: boolean }
  | { readonly kind: 'hands'; readonly follow: boolean }
  | { readonly kind: 'late'; readonly step: string }

const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 40 * minute }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('evidence' as const),
      term: fc.constantFrom('now', 'within', 'decide', 'halt', 'hold', 'ok', 'ok', 'ok'),
      met: fc.constantFrom('yes' as const, 'no' as const, 'unknown' as const),
    }),
  },
  fc.record({ kind: fc.constant('missing' as const), on: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      body: fc.constantFrom<ActionBody>(
        { type: 'approve', step: null, role: null },
        { type: 'approve', step: null, role: null },
        { type: 'confirm', step: 'b.before.0', evidence: null },
        { type: 'promote' },
        { type: 'pause' },
        { type: 'resume' },
        { type: 'rollback', runbook: null },
        { type: 'answer', rule: null, answer: 'continue' },
        { type: 'retry', step: 'before.0' },
        { type: 'skip', step: 'rollback.1' },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      step: fc.constantFrom('before.0', 'before.0', 'rollback.1'),
      ok: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('hands' as const), follow: fc.boolean() }),
  fc.record({ kind: fc.constant('late' as const), step: fc.constantFrom('before.0', 'rollback.1') }),
)

function perform(run: Runner, move: Move): void {
  switch (move.kind) {
    case 'time':
      run.at(run.now + move.ms)
      return
    case 'evidence':
      run.evidence.set(move.term, { met: move.met, holds: move.met })
      break
    case 'missing':
      run.evidence.missingMetrics = move.on ? [{ metric: 'error_rate', since: run.now }] : []
      break
    case 'act':
      run.act(move.body)
      break
    case 'finish':
      run.finish(move.step, move.ok ? 'succeeded' : 'failed')
      return
    case 'hands':
      run.handsFollow = move.follow
      break
    case 'late':
      run.results.push({ slot: `${move.step}#0`, outcome: 'succeeded', detail: null, output: null, at: run.now })
      break
  }
  run.settle()
}

function isMet(run: Runner, term: string): boolean {
  return run.evidence.assess(term).met === 'yes'
}

describe('laws of the decision core', () => {
  const check = (
    name: string,
    law: (run: Runner, move: Move, before: { level: number; events: number; missing: readonly string[] }) => void,
    after: (run: Runner) => void = () => {},
  ): void => {
    it(name, () => {
      fc.assert(
        fc.property(fc.array(moves, { minLength: 5, maxLength: 40 }), script => {
          const run = new Runner(plan).settle()
          for (const move of script) {
            const before = {
              level: levelOf(run.state.exposure.desired),
              events: run.log.length,
              missing: Object.keys(run.state.missing),
            }
            perform(run, move)
            law(run, move, before)
          }
          after(run)
        }),
        { numRuns: 400, seed: 20_261_122 },
      )
    })
  }

  check(
    'exposure never rises while a now-rule is met, data is missing, or the release is paused, halted or going back',
    (run, _move, before) => {
      if (levelOf(run.state.exposure.desired) <= before.level) return
      assert.ok(!isMet(run, 'now'))
      assert.ok(!isMet(run, 'hold'))
      const raised = run.log.slice(before.events)
      const raises = raised.filter(event => event.body.type === 'ExposureChanged' && event.body.direction === 'raise')
      assert.ok(raises.length > 0)
      assert.notEqual(run.state.lifecycle.kind, 'rollingBack')
      assert.equal(run.state.paused, null)
      assert.equal(run.state.halted, null)
      assert.deepEqual(
        before.missing.filter(metric => Object.hasOwn(run.state.missing, metric)),
        [],
      )
    },
  )

  check('no gate is skipped: nobody is exposed before every gate in front of the phase is done', run => {
    const exposed = run.find('PhaseEntered').map(event => event.phase)
    if (exposed.includes(0))
      for (const step of ['before.0', 'before.1']) assert.equal(run.state.steps[step]?.status, 'done')
    if (exposed.includes(1)) assert.equal(run.state.steps['b.before.0']?.status, 'done')
  })

  check('the same log gives the same state', run => {
    assert.deepEqual(run.folded(), run.state)
  })

  check(
    'every hand reaches its floor from every state',
    () => {},
    run => {
      run.handsFollow = true
      if (run.state.lifecycle.kind === 'running' || run.state.lifecycle.kind === 'starting')
        assert.equal(run.act({ type: 'abort' }).ok, true)
      run.settle()
      if (run.state.lifecycle.kind === 'completed') return
      assert.ok(!isExposed(run.state.exposure.desired))
      assert.ok(run.state.exposure.reached)
    },
  )

  check('an unknown criterion, a gap or a hold never promotes', (run, _move, before) => {
    const promoted = run.log.slice(before.events).filter(event => event.body.type === 'PhasePromoted')
    for (const event of promoted) {
      if (event.body.type !== 'PhasePromoted' || event.body.by !== null) continue
      if (event.body.phase === 0) assert.ok(isMet(run, 'ok'))
      assert.deepEqual(run.evidence.missing(), [])
    }
  })

  check('generations only rise, and a release that ended changes its exposure no more', (run, _move, before) => {
    const generations = run.find('ExposureChanged').map(event => event.generation)
    assert.deepEqual(
      generations,
      [...generations].sort((a, b) => a - b),
    )
    assert.equal(new Set(generations).size, generations.length)
    const ended = run.log.findIndex(event => ['RolledBack', 'Contained', 'Completed'].includes(event.body.type))
    if (ended === -1 || ended >= before.events) return
    assert.ok(run.log.slice(before.events).every(event => event.body.type !== 'ExposureChanged'))
  })

  it('gives the same decision for the same input', () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 30 }), script => {
        const [a, b] = [new Runner(plan).settle(), new Runner(plan).settle()]
        for (const move of script) {
          perform(a, move)
          perform(b, move)
        }
        assert.deepEqual(a.log, b.log)
        assert.deepEqual(a.status, b.status)
      }),
      { numRuns: 100, seed: 20_261_122 },
    )
  })
})
