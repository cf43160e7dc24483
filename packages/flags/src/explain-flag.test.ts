import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileFlag, defineFlag, evaluateFlag, explainFlag, type FlagDefinition } from './index.ts'

const explain = (flag: FlagDefinition, context: { targetingKey?: string; [name: string]: unknown }) =>
  explainFlag(flag, context, evaluateFlag(compileFlag(flag), context), () => null)
const is = (attribute: string, ...values: string[]) => ({ attribute, operator: 'is' as const, values, negated: false })

describe('an explanation', () => {
  const flag = defineFlag({
    key: 'push',
    targets: [{ variant: 'on', keys: ['friend'] }],
    rules: [
      { id: 'staff', when: [is('team', 'qa')], share: 1, by: null, seed: null, serve: { variant: 'on' } },
      { id: 'beta', when: [is('beta', 'yes')], share: 0.1, by: null, seed: null, serve: { variant: 'on' } },
    ],
    exposure: {
      share: 0.05,
      shadow: false,
      cohorts: [
        {
          segment: 'active',
          share: 0.15,
          mix: [
            { where: { region: ['東京'] }, share: 0.25 },
            { where: {}, share: 0.06 },
          ],
        },
      ],
    },
    segments: { active: { include: { activity: ['active'] } } },
  })
  const shown = (context: Record<string, unknown>) =>
    explain(flag, context).steps.map(({ step, name, outcome, matches, stratum }) => [
      step,
      name,
      outcome,
      matches,
      ...(stratum === null ? [] : [stratum]),
    ])

  it('names each step up to the one that decides (F-084, F-098)', () => {
    assert.deepEqual(shown({ targetingKey: 'friend' }), [['targets', null, 'decides', true]])
    assert.deepEqual(shown({ targetingKey: 'a', team: 'qa' }), [
      ['targets', null, 'passes', false],
      ['rule', 'staff', 'decides', true],
    ])
    assert.deepEqual(shown({ targetingKey: 'nobody-7', activity: 'active', region: '東京' }).slice(3, 4), [
      [
        'cohort',
        'active',
        explain(flag, { targetingKey: 'nobody-7', activity: 'active', region: '東京' }).steps[3]?.outcome,
        true,
        { region: ['東京'] },
      ],
    ])
    assert.deepEqual(
      explain({ ...flag, killed: true }, {}).steps.map(({ step }) => step),
      ['switch'],
    )
  })

  it('says bucket and threshold of whatever a bucket decides, and agrees with the evaluation', () => {
    const context = fc.record(
      {
        targetingKey: fc.string({ minLength: 1 }),
        team: fc.constantFrom('qa', 'dev'),
        beta: fc.constantFrom('yes', 'no'),
        activity: fc.constantFrom('active', 'quiet'),
        region: fc.constantFrom('東京', '大阪'),
      },
      { requiredKeys: ['targetingKey'] },
    )
    const algorithm = fc.constantFrom('dankai', 'launchdarkly', 'unleash', 'flagd')
    fc.assert(
      fc.property(context, algorithm, fc.double({ min: 0, max: 1, noNaN: true }), (given, name, share) => {
        const { evaluation, steps } = explain(
          { ...flag, algorithm: name, exposure: { ...flag.exposure, share } },
          given,
        )
        const last = steps.at(-1)!
        const decided = { targets: 'targets', rule: last.name, cohort: `cohort:${last.name}`, share: 'share' }
        assert.equal(evaluation.ruleId, last.step in decided ? decided[last.step as 'rule'] : null)
        for (const { bucket, threshold, outcome, matches } of steps)
          if (bucket !== null && threshold !== null && matches !== false)
            if (Math.abs(bucket - threshold) > 2e-5)
              // A place is shown to 1/100,000.
              assert.equal(outcome === 'decides', bucket < threshold)
      }),
    )
  })
})
