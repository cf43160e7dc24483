import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFlag } from './check-flag.ts'
import { compileFlag } from './compile-flag.ts'
import { evaluateBoolean, evaluateFlag } from './evaluate-flag.ts'
import type { EvaluationContext } from './evaluation.ts'
import { defineFlag, type FlagDefinition, flagKinds } from './flag-definition.ts'
import {
  applyStage,
  assessRetention,
  type FlagEnvironment,
  type FlagLife,
  flagEnvironments,
  type LifecycleStage,
  lifecycleStages,
  nextStage,
  retentionRules,
  type StageAudiences,
  stageRules,
  stageTexts,
} from './flag-lifecycle.ts'

const flag = defineFlag({ key: 'new_booking_flow_enabled' })
const day = 86_400_000
const audiences: StageAudiences = {
  colleagues: [{ attribute: 'email', operator: 'endsWith', values: ['@triptrip.com'], negated: false }],
  betaTesters: [{ attribute: 'custom.betaTester', operator: 'is', values: [true], negated: false }],
  betaShare: 0.1,
  gradualShares: [0.25, 0.5, 0.75, 1],
}
const production = stageRules('production', audiences)

test('a flag has six stages in their order (F-080)', () => {
  assert.deepEqual(
    lifecycleStages.map(stage => stageTexts[stage].label),
    ['Development', 'Internal Testing', 'Beta', 'Gradual Rollout', 'General Availability', 'Cleanup'],
  )
  assert.deepEqual(lifecycleStages.map(nextStage), [...lifecycleStages.slice(1), null])
  assert.deepEqual(flagEnvironments, ['development', 'staging', 'production'])
})

test('each stage enables its environments for those it is meant for (F-081, F-082, F-083, F-084, F-085, F-086, F-088)', () => {
  const users = Array.from({ length: 20_000 }, (_, index) => `user-${index}`)
  const shareOf = (
    stage: LifecycleStage,
    environment: FlagEnvironment,
    step: number,
    attributes: EvaluationContext,
  ) => {
    const staged = applyStage(flag, stageRules(environment, audiences), stage, step)
    assert.deepEqual(checkFlag(staged), [])
    const compiled = compileFlag(staged)
    const inside = users.filter(targetingKey => evaluateBoolean(compiled, { ...attributes, targetingKey }))
    return inside.length / users.length
  }
  const colleague = { email: 'mio@triptrip.com' }
  const guest = { email: 'mio@example.com' }
  const tester = { ...guest, custom: { betaTester: true } }
  const rows: readonly [LifecycleStage, FlagEnvironment, step: number, EvaluationContext, share: number][] = [
    ['development', 'development', 0, guest, 1],
    ['development', 'staging', 0, colleague, 0],
    ['development', 'production', 0, colleague, 0],
    ['internalTesting', 'staging', 0, colleague, 1],
    ['internalTesting', 'staging', 0, guest, 0],
    ['internalTesting', 'staging', 0, {}, 0],
    ['internalTesting', 'production', 0, colleague, 0],
    ['beta', 'production', 0, tester, 0.1],
    ['beta', 'production', 0, guest, 0],
    ['beta', 'production', 0, { custom: { betaTester: false } }, 0],
    ['gradualRollout', 'production', 0, guest, 0.25],
    ['gradualRollout', 'production', 1, guest, 0.5],
    ['gradualRollout', 'production', 2, guest, 0.75],
    ['gradualRollout', 'production', 3, guest, 1],
    ['gradualRollout', 'production', 9, guest, 1],
    ['generalAvailability', 'production', 0, {}, 1],
  ]
  for (const [stage, environment, step, attributes, share] of rows) {
    const found = shareOf(stage, environment, step, attributes)
    assert.ok(Math.abs(found - share) < (share % 1 === 0 ? 1e-9 : 0.015), `${stage} in ${environment}: ${found}`)
  }
})

test('cleanup asks for the removal of the checks and takes the feature from nobody (F-087)', () => {
  assert.equal(stageTexts.cleanup.task, 'Remove flag checks from codebase')
  const cleaned = compileFlag(applyStage(flag, production, 'cleanup'))
  assert.equal(evaluateFlag(cleaned, {}).reason, 'ON')
})

test('moving on takes nobody out, and keeps the rules that people wrote', () => {
  const rule = { id: 'staff', when: [], share: 0, by: null, seed: null, serve: { variant: 'on' } }
  let staged: FlagDefinition = { ...flag, rules: [rule] }
  const inside = new Set<string>()
  for (const stage of lifecycleStages) {
    for (const [step] of (production[stage]?.shares ?? [0]).entries()) {
      staged = applyStage(staged, production, stage, step)
      assert.equal(staged.rules.filter(({ id }) => id === 'staff').length, 1)
      assert.ok(staged.rules.length <= 2)
      const compiled = compileFlag(staged)
      for (let index = 0; index < 2_000; index++) {
        const targetingKey = `user-${index}`
        const isIn = evaluateBoolean(compiled, { targetingKey, custom: { betaTester: index % 2 === 0 } })
        assert.ok(isIn || !inside.has(targetingKey), `${targetingKey} lost it in ${stage} ${step}`)
        if (isIn) inside.add(targetingKey)
      }
    }
  }
  assert.equal(inside.size, 2_000)
})

test('a project says who colleagues and beta testers are, and by which steps everybody follows', () => {
  const own = { colleagues: [], betaTesters: [], betaShare: 0.02, gradualShares: [0.05, 1] }
  const shares = (['beta', 'gradualRollout'] as const).flatMap(stage =>
    [0, 1, 2].map(step => applyStage(flag, stageRules('production', own), stage, step).exposure.share),
  )
  assert.deepEqual(shares, [0.02, 0.02, 0.02, 0.05, 1, 1])
  assert.equal(applyStage(flag, stageRules('staging', own), 'internalTesting').exposure.share, 1)
})

test('the four kinds are kept as long as the policy says (F-032, F-035, F-038, F-041, F-089, F-090, F-091, F-092)', () => {
  assert.deepEqual(
    flagKinds.map(kind => [kind, retentionRules[kind].label]),
    [
      ['release', '90 days after GA'],
      ['ops', 'Permanent (review annually)'],
      ['experiment', '30 days after experiment end'],
      ['permission', 'Permanent'],
    ],
  )
  const released = { kind: 'release', stage: 'generalAvailability' } as const
  const ops = { kind: 'ops', stage: 'generalAvailability' } as const
  const experiment = { kind: 'experiment', stage: 'gradualRollout' } as const
  const rows: readonly [given: Partial<FlagLife> & Pick<FlagLife, 'kind' | 'stage'>, atDay: number, found: string][] = [
    [{ kind: 'release', stage: 'gradualRollout' }, 5_000, 'kept null null'],
    [released, 75.9, 'kept null 90'],
    [released, 76, 'due remove 90'],
    [released, 89.99, 'due remove 90'],
    [released, 90, 'overdue remove 90'],
    [{ kind: 'release', stage: 'cleanup', stageSince: 80 * day, availableSince: 0 }, 91, 'overdue remove 90'],
    [{ kind: 'release', stage: 'cleanup', stageSince: 10 * day }, 91, 'due remove 100'],
    [experiment, 5_000, 'kept null null'],
    [{ ...experiment, experimentEndedAt: 0 }, 15.9, 'kept null 30'],
    [{ ...experiment, experimentEndedAt: 0 }, 16, 'due remove 30'],
    [{ ...experiment, experimentEndedAt: 0 }, 30, 'overdue remove 30'],
    [ops, 350, 'kept null 365'],
    [ops, 351, 'due review 365'],
    [ops, 365, 'overdue review 365'],
    [{ ...ops, reviewedAt: 360 * day }, 365, 'kept null 725'],
    [{ ...ops, stageSince: 300 * day, createdAt: 0 }, 366, 'overdue review 365'],
    [{ kind: 'permission', stage: 'generalAvailability' }, 50_000, 'kept null null'],
  ]
  for (const [given, atDay, expected] of rows) {
    const life: FlagLife = { stageSince: 0, experimentEndedAt: null, reviewedAt: null, ...given }
    const { state, task, until } = assessRetention(life, atDay * day)
    assert.equal(`${state} ${task} ${until === null ? null : until / day}`, expected, JSON.stringify([given, atDay]))
  }
  const overdue = { ...released, stageSince: 0, experimentEndedAt: null, reviewedAt: null }
  assert.equal(assessRetention(overdue, 100 * day).message, 'Remove it, 10 days overdue: 90 days after GA.')
})
