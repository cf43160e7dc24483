import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  bucketAlgorithms,
  checkFlag,
  compileFlag,
  defineFlag,
  type EvaluationContext,
  type ExplainedStep,
  evaluateFlag,
  explainFlag,
  type FlagDefinition,
  type FlagRule,
  type Serve,
  weightTotal,
} from './index.ts'

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

  it('says of a rule that deals by an attribute what the evaluator reads, whatever its type', () => {
    const rows: readonly [algorithm: FlagDefinition['algorithm'], found: unknown, hasBucket: boolean][] = [
      ['dankai', true, true],
      ['dankai', 42, true],
      ['dankai', '', false],
      ['dankai', undefined, false],
      ['unleash', false, true],
      ['launchdarkly', true, true],
      ['launchdarkly', undefined, true],
      ['launchdarkly', 4.5, true],
    ]
    for (const [algorithm, found, hasBucket] of rows) {
      const rule = { id: 'dealt', when: [], share: 0.99, by: 'org', seed: null, serve: { variant: 'on' } }
      const { evaluation, steps } = explain(defineFlag({ key: 'f', algorithm, rules: [rule] }), { org: found })
      const { bucket } = steps[0]!
      assert.equal(bucket !== null, hasBucket, JSON.stringify([algorithm, found]))
      if (evaluation.reason === 'RULE') assert.equal(evaluation.bucket, Math.round(bucket! * weightTotal))
    }
  })

  it('agrees with the evaluation on bucket, variant and reason, for flags of all algorithms', () => {
    const met = new Map<string, number>()
    fc.assert(
      fc.property(flags, contexts, fc.constantFrom('on', 'off', null), (given, context, asked) => {
        assert.deepEqual(checkFlag(given), [])
        const other = compileFlag(defineFlag({ key: 'other', on: asked === 'on', exposure: everybody }))
        const compiled = compileFlag(given)
        const [prerequisite] = compiled.prerequisites
        if (prerequisite !== undefined && asked !== null) prerequisite.flag = other
        const evaluation = evaluateFlag(compiled, context)
        const { steps } = explainFlag(given, context, evaluation, () =>
          asked === null ? null : evaluateFlag(other, {}),
        )
        const told = toldBy(given, steps)
        assert.deepEqual(steps.map(({ outcome }) => outcome).indexOf('decides'), steps.length - 1)
        const { bucket, variant, reason } = evaluation
        met.set(`${given.algorithm} ${reason}`, (met.get(`${given.algorithm} ${reason}`) ?? 0) + 1)
        if (told.reason === 'SPLIT') {
          if (reason === 'ERROR') assert.deepEqual([bucket, variant], [null, given.offVariant])
          else assert.deepEqual([reason, bucket !== null, variant !== null], ['SPLIT', true, true])
        } else assert.deepEqual({ bucket, variant, reason }, told)
      }),
      { numRuns: 6_000, seed: 20_261_122 },
    )
    for (const algorithm of bucketAlgorithms)
      for (const reason of [...reasons, 'ERROR', 'SPLIT'])
        assert.ok((met.get(`${algorithm} ${reason}`) ?? 0) > 0, `no ${algorithm} ${reason}`)
  })
})

const reasons = [
  'KILLED',
  'OFF',
  'PREREQUISITE_FAILED',
  'TARGETED',
  'RULE',
  'COHORT',
  'ON',
  'SHARE',
  'DEFAULT',
  'OUTSIDE',
]
const everybody = { share: 1, cohorts: [], shadow: false }

/** What was served, read from the steps alone; of a split only that it is one. */
function toldBy(flag: FlagDefinition, steps: readonly ExplainedStep[]) {
  const last = steps.at(-1)!
  const off = { bucket: null, variant: flag.offVariant }
  const on = { bucket: placeOf(last), variant: flag.onVariant }
  const isDealt = last.threshold !== null && last.threshold < 1
  if (isDealt && last.bucket === null) return { ...off, reason: 'ERROR' }
  switch (last.step) {
    case 'switch':
      return { ...off, reason: flag.killed ? 'KILLED' : 'OFF' }
    case 'prerequisite':
      return { ...off, reason: 'PREREQUISITE_FAILED' }
    case 'targets':
      return { ...off, variant: 'on', reason: 'TARGETED' }
    case 'rule':
      return served(flag.rules.find(({ id }) => id === last.name)!.serve, 'RULE', placeOf(last))
    case 'cohort':
      return { ...on, reason: 'COHORT' }
    case 'share':
      return { ...on, reason: isDealt ? 'SHARE' : 'ON' }
    case 'otherwise': {
      const share = steps.at(-2)
      const wasAsked = share?.step === 'share' && share.threshold! > 0
      const isOff = 'variant' in flag.otherwise && flag.otherwise.variant === flag.offVariant
      return served(flag.otherwise, isOff ? 'OUTSIDE' : 'DEFAULT', wasAsked ? placeOf(share) : null)
    }
  }
}

const served = (serve: Serve, reason: string, bucket: number | null) =>
  'variant' in serve ? { bucket, variant: serve.variant, reason } : { bucket, variant: '', reason: 'SPLIT' }

const placeOf = ({ bucket }: ExplainedStep): number | null =>
  bucket === null ? null : Math.round(bucket * weightTotal)

const share = fc.constantFrom(0, 1e-12, 0.000_001, 0.004, 0.25, 0.29, 0.5, 0.9, 0.999_999, 0.999_999_999_999, 1)
const by = fc.constantFrom(null, null, 'org', 'custom.team')
const dealt = { by, seed: fc.constantFrom(null, '', 'other') }
const serve: fc.Arbitrary<Serve> = fc.oneof(
  fc.record({ variant: fc.constantFrom('on', 'off') }),
  fc.record({
    ...dealt,
    experiment: fc.boolean(),
    split: fc.constant([
      { variant: 'on', weight: 30_000 },
      { variant: 'off', weight: 70_000 },
    ]),
  }),
)
const conditions = fc.constantFrom<FlagRule['when']>(
  [],
  [is('region', '東京')],
  [{ ...is('', 'active'), operator: 'inSegment' }],
  [
    { ...is('', 'active'), operator: 'inSegment', negated: true },
    { ...is('org'), operator: 'exists' },
  ],
)
const rules = fc
  .array(fc.record({ when: conditions, share, ...dealt, serve }), { maxLength: 2 })
  .map(found => found.map((rule, index): FlagRule => ({ id: `rule-${index}`, ...rule })))
const cohorts = fc.array(
  fc.record({
    segment: fc.constantFrom('active', 'nobody'),
    share,
    mix: fc.constantFrom(null, [
      { where: { region: ['東京'] }, share: 0.5 },
      { where: { region: ['大阪'] }, share: 1 },
    ]),
  }),
  { maxLength: 2 },
)
const often = (value: boolean): fc.Arbitrary<boolean> => fc.nat(9).map(number => (number === 0 ? !value : value))
const flags: fc.Arbitrary<FlagDefinition> = fc
  .record({
    algorithm: fc.constantFrom(...bucketAlgorithms),
    on: often(true),
    killed: often(false),
    prerequisites: fc.constantFrom([], [], [{ flag: 'other', variants: ['on'] }]),
    targets: fc.constantFrom([], [{ variant: 'on', keys: ['friend'] }]),
    rules,
    exposure: fc.record({ share, cohorts, shadow: often(false) }),
    otherwise: serve,
  })
  .map(given =>
    defineFlag({
      key: 'generated',
      segments: { active: { include: { activity: ['active'] }, keys: ['friend'] }, nobody: { include: {} } },
      ...given,
    }),
  )
const attribute = fc.constantFrom('a', 'b', 'c', '', true, false, 7, 4.5, null, ['a'], 'x'.repeat(3_000))
const contexts: fc.Arbitrary<EvaluationContext> = fc.record(
  {
    targetingKey: fc.oneof(fc.string(), fc.constantFrom('friend', 'x'.repeat(3_000), 5 as unknown as string)),
    org: attribute,
    custom: fc.record({ team: attribute }),
    region: fc.constantFrom('東京', '大阪'),
    activity: fc.constantFrom('active', 'quiet'),
  },
  { requiredKeys: [] },
)
