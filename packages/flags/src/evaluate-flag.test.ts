import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkFlag } from './check-flag.ts'
import { compileFlag } from './compile-flag.ts'
import { evaluateBoolean, evaluateFlag, targetingKeyLengthMax } from './evaluate-flag.ts'
import type { EvaluationContext } from './evaluation.ts'
import { defineFlag, type FlagCohort, type FlagDefinition, type FlagExposure } from './flag-definition.ts'

const seed = 20_240_116
const segments = { beta: { include: { team: ['qa', 'developers'] } }, tokyo: { include: { region: ['東京'] } } }
const cohort = (segment: string, share: number, mix: FlagCohort['mix'] = null): FlagCohort => ({ segment, share, mix })
const exposing = (exposure: Partial<FlagExposure>, given: Partial<FlagDefinition> = {}): FlagDefinition =>
  defineFlag({
    key: 'new-booking-flow',
    segments,
    exposure: { share: 0, cohorts: [], shadow: false, ...exposure },
    ...given,
  })
const evaluate = (flag: FlagDefinition, context: EvaluationContext) => evaluateFlag(compileFlag(flag), context)
const mio = [{ variant: 'on', keys: ['mio'] }]
const user = (index: number): string => `user-${index}`

test('the first of killed, off, allowed, everybody, cohort, share that says something decides (F-005, F-006)', () => {
  const all = { share: 1, cohorts: [cohort('beta', 1)] }
  const qa = { targetingKey: 'mio', team: 'qa' }
  const rows: readonly [given: FlagDefinition, context: EvaluationContext, reason: string, ruleId: string | null][] = [
    [exposing(all, { killed: true, targets: mio }), qa, 'KILLED', null],
    [exposing(all, { on: false, targets: mio }), qa, 'OFF', null],
    [exposing(all, { killed: true, on: false }), qa, 'KILLED', null],
    [exposing({}, { targets: mio }), qa, 'TARGETED', 'targets'],
    [exposing({}, { targets: [{ variant: 'on', keys: ['other'] }] }), qa, 'OUTSIDE', null],
    [exposing(all), qa, 'ON', 'share'],
    [exposing({ cohorts: [cohort('beta', 1)] }), qa, 'COHORT', 'cohort:beta'],
    [exposing({ cohorts: [cohort('beta', 1)] }), { targetingKey: 'mio', team: 'sales' }, 'OUTSIDE', null],
    [exposing({ cohorts: [cohort('beta', 0)] }), qa, 'OUTSIDE', null],
    [exposing({ cohorts: [cohort('tokyo', 1), cohort('beta', 1)] }), qa, 'COHORT', 'cohort:beta'],
    [exposing({ share: 1 - 2 ** -31 }), qa, 'SHARE', 'share'],
    [exposing({ ...all, shadow: true }), qa, 'OUTSIDE', null],
    [exposing({ shadow: true }, { targets: mio }), qa, 'TARGETED', 'targets'],
  ]
  for (const [flag, context, reason, ruleId] of rows) {
    const found = evaluate(flag, context)
    const inside = ['TARGETED', 'ON', 'COHORT', 'SHARE'].includes(reason)
    assert.deepEqual(
      [found.reason, found.ruleId, found.value, found.variant, found.errorCode],
      [reason, ruleId, inside, inside ? 'on' : 'off', null],
      JSON.stringify([flag.exposure, context]),
    )
  }
})

test('a context that cannot be decided serves the off variant with a code, and never throws', () => {
  const half = exposing({ share: 0.5 })
  const hugeContext = { ...Object.fromEntries(Array(50_000).entries()), text: 'x'.repeat(1e6), targetingKey: 'mio' }
  const thrower = {
    targetingKey: 'mio',
    get team(): string {
      throw new Error('attribute store is gone')
    },
  }
  const rows: readonly [flag: FlagDefinition, context: unknown, reason: string, code: string | null][] = [
    [half, {}, 'ERROR', 'TARGETING_KEY_MISSING'],
    [half, { targetingKey: '' }, 'ERROR', 'TARGETING_KEY_MISSING'],
    [half, { targetingKey: null }, 'ERROR', 'TARGETING_KEY_MISSING'],
    [half, Object.create(null), 'ERROR', 'TARGETING_KEY_MISSING'],
    [half, { targetingKey: Number.NaN }, 'ERROR', 'INVALID_CONTEXT'],
    [half, { targetingKey: ['mio'] }, 'ERROR', 'INVALID_CONTEXT'],
    [half, { targetingKey: 'x'.repeat(targetingKeyLengthMax + 1) }, 'ERROR', 'INVALID_CONTEXT'],
    [half, null, 'ERROR', 'INVALID_CONTEXT'],
    [half, 'mio', 'ERROR', 'INVALID_CONTEXT'],
    [exposing({ cohorts: [cohort('beta', 0.5)] }), thrower, 'ERROR', 'INVALID_CONTEXT'],
    [exposing({ cohorts: [cohort('beta', 0.5)] }), { team: 'qa' }, 'ERROR', 'TARGETING_KEY_MISSING'],
    [exposing({ share: 1 - 2 ** -31 }), hugeContext, 'SHARE', null],
    // No bucket decides here, so nobody needs a key.
    [exposing({ share: 1 }), {}, 'ON', null],
    [exposing({ share: 1 }), null, 'ON', null],
    [exposing({}), {}, 'OUTSIDE', null],
    [exposing({ cohorts: [cohort('beta', 1)] }), { team: 'qa' }, 'COHORT', null],
    [exposing({ cohorts: [cohort('beta', 0.5)] }), { team: 'sales' }, 'OUTSIDE', null],
    [exposing({}, { killed: true }), null, 'KILLED', null],
  ]
  for (const [index, [flag, context, reason, code]] of rows.entries()) {
    const found = evaluate(flag, context as EvaluationContext)
    assert.deepEqual([found.reason, found.errorCode], [reason, code], `row ${index}`)
    if (code !== null) assert.deepEqual([found.value, found.variant], [false, 'off'])
  }
})

test('attributes match by text, in lists, by all conditions, and never by inheritance', () => {
  const include = (conditions: Record<string, string[]>, context: EvaluationContext): boolean =>
    evaluate(exposing({ cohorts: [cohort('group', 1)] }, { segments: { group: { include: conditions } } }), context)
      .reason === 'COHORT'
  const rows: readonly [conditions: Record<string, string[]>, context: EvaluationContext, matches: boolean][] = [
    [{ plan: ['pro', 'team'] }, { plan: 'team' }, true],
    [{ plan: ['pro'] }, { plan: 'PRO' }, false],
    [{ betaTester: ['true'] }, { betaTester: true }, true],
    [{ level: ['3'] }, { level: 3 }, true],
    [{ level: ['NaN'] }, { level: Number.NaN }, false],
    [{ groups: ['qa'] }, { groups: ['sales', 'qa'] }, true],
    [{ groups: ['qa'] }, { groups: [...Array(1_000).fill('sales'), 'qa'] }, false],
    [{ plan: ['pro'], country: ['JP'] }, { plan: 'pro', country: 'JP' }, true],
    [{ plan: ['pro'], country: ['JP'] }, { plan: 'pro' }, false],
    [{ targetingKey: ['mio'] }, { targetingKey: 'mio' }, true],
    [{ constructor: ['Object'] }, {}, false],
    [JSON.parse('{"__proto__":["x"]}'), JSON.parse('{"__proto__":"x"}'), true],
    [JSON.parse('{"__proto__":["x"]}'), {}, false],
    [{ plan: ['[object Object]'] }, { plan: {} }, false],
    [{ plan: [] }, { plan: 'pro' }, false],
    // A segment that includes by nothing has no members.
    [{}, { plan: 'pro' }, false],
  ]
  for (const [conditions, context, matches] of rows) {
    assert.equal(include(conditions, context), matches, JSON.stringify([conditions, context]).slice(0, 200))
  }
})

test('the first rule that has the user decides, as if its conditions were read one by one, for any number of names', () => {
  // More names than the evaluator has places for.
  const attribute = fc.integer({ min: 0, max: 29 }).map(number => `attribute ${number}`)
  const condition = fc.record({
    attribute,
    operator: fc.constant('is' as const),
    values: fc.uniqueArray(fc.constantFrom('a', 'b'), { minLength: 1 }),
    negated: fc.boolean(),
  })
  const rule = fc.record({ when: fc.array(condition, { maxLength: 3 }), share: fc.constantFrom(0, 1) })
  const contexts = fc.array(fc.dictionary(attribute, fc.constantFrom('a', 'b', 'c', true)), { maxLength: 5 })
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), contexts, (given, users) => {
      const rules = given.map((one, index) => ({
        ...one,
        id: `${index}`,
        by: null,
        seed: null,
        serve: { variant: 'on' },
      }))
      const flag = compileFlag(exposing({}, { rules }))
      for (const attributes of users) {
        const isMet = ({ attribute, values, negated }: (typeof rules)[number]['when'][number]): boolean =>
          (values as string[]).includes(attributes[attribute] as string) !== negated
        const expected = rules.find(({ when, share }) => share === 1 && when.every(isMet))
        assert.equal(evaluateFlag(flag, { targetingKey: 'mio', ...attributes }).ruleId, expected?.id ?? null)
      }
    }),
    { numRuns: 2_000, seed },
  )
})

test('a definition that cannot be understood serves its off variant to everybody and says why', () => {
  const sound = exposing({ share: 1 })
  const rows: readonly [path: string, given: unknown, variant: string | null][] = [
    ['', null, null],
    ['', 'flag', null],
    ['key', { ...sound, key: '' }, 'off'],
    ['seed', { ...sound, seed: 7 }, 'off'],
    ['version', { ...sound, version: Number.NaN }, 'off'],
    ['algorithm', { ...sound, algorithm: 'of-tomorrow' }, 'off'],
    ['kind', { ...sound, kind: 'toString' }, 'off'],
    ['on', { ...sound, on: 'true' }, 'off'],
    ['targets[0].keys', { ...sound, targets: [{ variant: 'on', keys: [1] }] }, 'off'],
    ['variants', { ...sound, variants: [] }, null],
    ['onVariant', { ...sound, onVariant: '__proto__' }, 'off'],
    ['offVariant', { ...sound, offVariant: '__proto__' }, null],
    ['exposure', { ...sound, exposure: null }, 'off'],
    ['exposure.share', exposing({ share: 1.5 }), 'off'],
    ['exposure.share', exposing({ share: Number.NaN }), 'off'],
    ['exposure.share', exposing({ share: -0.1 }), 'off'],
    ['exposure.cohorts[0].segment', exposing({ cohorts: [cohort('constructor', 1)] }), 'off'],
    ['exposure.cohorts[0].share', exposing({ cohorts: [cohort('beta', 2)] }), 'off'],
    [
      'exposure.cohorts[0].mix[0].where',
      exposing({ cohorts: [{ segment: 'beta', share: 1, mix: [{ share: 1 } as never] }] }),
      'off',
    ],
    [
      'exposure.cohorts[0].mix',
      exposing({ cohorts: [{ segment: 'beta', share: 1, mix: { region: {} } as never }] }),
      'off',
    ],
    [
      'segments.beta.include.team',
      exposing({ share: 1 }, { segments: { beta: { include: { team: 'qa' as never } } } }),
      'off',
    ],
    ['segments', { ...sound, segments: [] }, 'off'],
  ]
  for (const [path, given, variant] of rows) {
    const flag = compileFlag(given as FlagDefinition)
    assert.deepEqual(
      flag.problems.map(problem => problem.path),
      [path],
    )
    const { reason, errorCode, variant: served } = evaluateFlag(flag, { targetingKey: 'mio' })
    assert.deepEqual([reason, errorCode, served], ['ERROR', 'PARSE_ERROR', variant], path)
  }
  assert.equal(
    checkFlag(exposing({ share: 1.5 }))[0]?.message,
    'Cannot accept flag "new-booking-flow": exposure.share: found 1.5, expected a number from 0 to 1.',
  )
  const killed = compileFlag({ ...sound, algorithm: 'of-tomorrow' as never, killed: true })
  assert.equal(evaluateFlag(killed, {}).reason, 'KILLED')
})

test('evaluateBoolean is the value of a boolean flag, and the fallback for errors and other values', () => {
  const rows: readonly [flag: FlagDefinition, context: EvaluationContext, fallback: boolean, enabled: boolean][] = [
    [exposing({ share: 1 }), {}, false, true],
    [exposing({ share: 0 }), {}, true, false],
    [exposing({ share: 1 }, { killed: true }), {}, true, false],
    [exposing({ share: 0.5 }), {}, false, false],
    [exposing({ share: 0.5 }), {}, true, true],
    [exposing({ share: 1 }, { variants: { on: 'ml_ranking', off: 'default' } }), {}, false, false],
    [exposing({ share: 1 }, { variants: { on: false, off: true } }), {}, true, false],
  ]
  for (const [flag, context, fallback, enabled] of rows) {
    assert.equal(evaluateBoolean(compileFlag(flag), context, fallback), enabled)
  }
})

const anyShare = fc.oneof(fc.constantFrom(0, 0.05, 0.25, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }))
const anyUser = fc.record({
  targetingKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  team: fc.constantFrom('qa', 'developers', 'sales'),
  region: fc.constantFrom('東京', '大阪', '札幌'),
})
const anyCohorts = fc.array(fc.tuple(fc.constantFrom('beta', 'tokyo'), anyShare), { maxLength: 3 })

test('raising any share, adding a cohort or allowing a user takes nobody out (F-098)', () => {
  fc.assert(
    fc.property(anyUser, anyCohorts, anyShare, anyShare, anyShare, (context, cohorts, one, other, raise) => {
      const before = exposing({
        share: Math.min(one, other),
        cohorts: cohorts.map(([name, share]) => cohort(name, share)),
      })
      const after = exposing(
        {
          share: Math.max(one, other),
          cohorts: [...cohorts.map(([name, share]) => cohort(name, Math.max(share, raise))), cohort('tokyo', raise)],
        },
        { targets: [{ variant: 'on', keys: ['somebody'] }] },
      )
      if (evaluateBoolean(compileFlag(before), context)) assert.ok(evaluateBoolean(compileFlag(after), context))
    }),
    { numRuns: 3_000, seed },
  )
})

test('the answer depends on seed, key and named attributes only, not on order, repetition or other attributes', () => {
  const flag = compileFlag(exposing({ share: 0.3, cohorts: [cohort('beta', 0.4)] }))
  fc.assert(
    fc.property(anyUser, fc.dictionary(fc.string(), fc.anything()), fc.array(anyUser), (context, others, between) => {
      const first = evaluateFlag(flag, context)
      for (const other of between) evaluateFlag(flag, other)
      assert.deepEqual(evaluateFlag(flag, { ...others, ...context }), first)
      assert.equal(evaluateBoolean(flag, context), first.value)
    }),
    { numRuns: 1_000, seed },
  )
})

test('evaluation has an answer for any context and any JSON in place of a definition', () => {
  const anyDefinition = fc.oneof(
    fc.anything(),
    fc.tuple(fc.constantFrom(...Object.keys(exposing({}))), fc.anything()).map(([name, value]) => ({
      ...exposing({ share: 0.5, cohorts: [cohort('beta', 0.5)] }),
      [name]: value,
    })),
  )
  fc.assert(
    fc.property(anyDefinition, fc.anything(), (definition, context) => {
      const flag = compileFlag(definition as FlagDefinition)
      const found = evaluateFlag(flag, context as EvaluationContext)
      assert.equal(found.reason === 'ERROR', found.errorCode !== null)
      assert.ok(!(evaluateBoolean(flag, context as EvaluationContext) && found.value !== true))
    }),
    { numRuns: 3_000, seed },
  )
})

test('a share has its part of the users within five standard deviations', () => {
  const users = 100_000
  for (const share of [0.0005, 0.01, 0.05, 0.15, 0.25, 0.5, 0.75, 0.999]) {
    const flag = compileFlag(exposing({ share }))
    let inside = 0
    for (let index = 0; index < users; index++) if (evaluateBoolean(flag, { targetingKey: user(index) })) inside++
    const deviation = Math.sqrt(users * share * (1 - share))
    assert.ok(Math.abs(inside - users * share) <= 5 * deviation, `${share}: ${inside} of ${users}`)
  }
})

test('a partial cohort is dealt apart from the share and from other cohorts, so the union is as large as chance says', () => {
  const users = 50_000
  const apart = (flags: readonly FlagDefinition[], expected: number): void => {
    const compiled = flags.map(compileFlag)
    let both = 0
    for (let index = 0; index < users; index++) {
      const context = { targetingKey: user(index), team: 'qa', region: '東京' }
      if (compiled.every(flag => evaluateBoolean(flag, context))) both++
    }
    const deviation = Math.sqrt(users * expected * (1 - expected))
    assert.ok(Math.abs(both - users * expected) <= 5 * deviation, `${both} of ${users}, expected ${expected}`)
  }
  apart([exposing({ share: 0.25 }), exposing({ cohorts: [cohort('beta', 0.15)] })], 0.25 * 0.15)
  apart([exposing({ cohorts: [cohort('tokyo', 0.3)] }), exposing({ cohorts: [cohort('beta', 0.3)] })], 0.09)
  apart([exposing({ share: 0.2 }), exposing({ share: 0.2 }, { seed: 'another-flag' })], 0.04)
  apart([exposing({ share: 0.25, cohorts: [cohort('beta', 0.15)] })], 1 - 0.75 * 0.85)
})

test('each stratum of a mix has its own threshold, the first that matches counts, others have the share (P-016, P-019)', () => {
  const mix = [
    { where: { region: ['東京'], userType: ['新規'] }, share: 1 },
    { where: { region: ['東京'] }, share: 0 },
    { where: { region: ['大阪'] }, share: 0.5 },
  ]
  const flag = compileFlag(exposing({ cohorts: [cohort('beta', 1, mix)] }))
  const inside = (attributes: Record<string, string>): number => {
    let count = 0
    for (let index = 0; index < 2_000; index++) {
      if (evaluateBoolean(flag, { targetingKey: user(index), team: 'qa', ...attributes })) count++
    }
    return count / 2_000
  }
  assert.equal(inside({ region: '東京', userType: '新規' }), 1)
  assert.equal(inside({ region: '東京', userType: '既存' }), 0)
  assert.ok(Math.abs(inside({ region: '大阪' }) - 0.5) < 0.06)
  assert.equal(inside({ region: '札幌' }), 1)
})
