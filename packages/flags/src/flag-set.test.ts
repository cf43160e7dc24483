import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkFlag } from './check-flag.ts'
import { compileFlag } from './compile-flag.ts'
import { decideFlag, emptyEvaluation, evaluateBoolean, evaluateFlag, evaluateInto } from './evaluate-flag.ts'
import type { EvaluationContext } from './evaluation.ts'
import {
  bucketAlgorithms,
  type Condition,
  completeFlag,
  defineFlag,
  type FlagDefinition,
  type FlagPrerequisite,
  type FlagRule,
  type Serve,
  type StoredFlagDefinition,
} from './flag-definition.ts'
import { FlagSet } from './flag-set.ts'

const seed = 20_240_120
const everybody = { share: 1, cohorts: [], shadow: false }
const nobody = { share: 0, cohorts: [], shadow: false }
const variants = { on: true, off: false, a: 'a', b: 'b', c: 'c' }
const asking = (key: string, ...prerequisites: FlagPrerequisite[]): FlagDefinition =>
  defineFlag({ key, exposure: everybody, prerequisites })
const needs = (flag: string, ...names: string[]): FlagPrerequisite => ({
  flag,
  variants: names.length === 0 ? ['on'] : names,
})
const rule = (id: string, given: Partial<FlagRule>): FlagRule => ({
  id,
  when: [],
  share: 1,
  by: null,
  seed: null,
  serve: { variant: 'on' },
  ...given,
})
const isBeta: Condition = { attribute: 'beta', operator: 'is', values: [true], negated: false }
const split = (weights: Readonly<Record<string, number>>, more: object = {}): Serve => ({
  split: Object.entries(weights).map(([variant, weight]) => ({ variant, weight })),
  by: null,
  seed: null,
  experiment: false,
  ...more,
})
const users = (count: number): readonly EvaluationContext[] =>
  Array.from({ length: count }, (_, index) => ({ targetingKey: `user-${index}` }))

test('killed, off, prerequisites, targets, rules, exposure, otherwise: the first that says something decides', () => {
  const all: Partial<FlagDefinition> = {
    variants,
    prerequisites: [needs('base')],
    targets: [
      { variant: 'a', keys: ['mio'] },
      { variant: 'b', keys: ['mio', 'ken'] },
    ],
    rules: [rule('beta', { when: [isBeta], serve: { variant: 'b' } }), rule('none', { share: 0 })],
    exposure: nobody,
    otherwise: { variant: 'c' },
  }
  const rows: readonly [given: Partial<FlagDefinition>, context: EvaluationContext, base: boolean, expected: string][] =
    [
      [{ killed: true }, { targetingKey: 'mio' }, true, 'KILLED off null'],
      [{ on: false }, { targetingKey: 'mio' }, true, 'OFF off null'],
      [{}, { targetingKey: 'mio' }, false, 'PREREQUISITE_FAILED off prerequisite:base'],
      [{}, { targetingKey: 'mio' }, true, 'TARGETED a targets'],
      [{}, { targetingKey: 'ken', beta: true }, true, 'TARGETED b targets'],
      [{}, { targetingKey: 'x', beta: true }, true, 'RULE b beta'],
      [{}, { beta: true }, true, 'RULE b beta'],
      [{ exposure: everybody }, { targetingKey: 'x' }, true, 'ON on share'],
      [{ exposure: everybody }, { targetingKey: 'x', beta: true }, true, 'RULE b beta'],
      [{}, { targetingKey: 'x' }, true, 'DEFAULT c otherwise'],
      [{ otherwise: { variant: 'off' } }, { targetingKey: 'x' }, true, 'OUTSIDE off null'],
      [{ otherwise: split({ a: 0, b: 100_000 }) }, { targetingKey: 'x' }, true, 'SPLIT b otherwise'],
      [{ otherwise: split({ a: 0, b: 100_000 }) }, {}, true, 'ERROR off null'],
      [{ rules: [rule('half', { share: 0.5 })] }, {}, true, 'ERROR off null'],
      [{ exposure: { ...nobody, share: 0.5 }, otherwise: split({ b: 100_000 }) }, {}, true, 'ERROR off null'],
    ]
  for (const [given, context, base, expected] of rows) {
    const flags = new FlagSet([
      defineFlag({ key: 'flag', ...all, ...given }),
      defineFlag({ key: 'base', on: base, exposure: everybody }),
    ])
    const flag = flags.find('flag')!
    assert.deepEqual(flag.problems, [])
    const { reason, variant, ruleId, errorCode } = evaluateFlag(flag, context)
    assert.equal(`${reason} ${variant} ${ruleId}`, expected)
    assert.equal(errorCode, reason === 'ERROR' ? 'TARGETING_KEY_MISSING' : null)
  }
})

test('a prerequisite must serve one of its variants, without an error; unknown and deleted flags fail', () => {
  const half = defineFlag({ key: 'base', exposure: { ...nobody, share: 0.5 } })
  const flags = new FlagSet([half, asking('flag', needs('base', 'off')), asking('lost', needs('nowhere'))])
  const enabled = (key: string, context: EvaluationContext): boolean => evaluateBoolean(flags.find(key)!, context)
  for (const user of users(100)) assert.equal(enabled('flag', user), !enabled('base', user))
  assert.equal(enabled('flag', {}), false, 'an off variant served with an error is no answer')
  assert.equal(enabled('lost', { targetingKey: 'mio' }), false)
  const found = flags.find('flag')!
  flags.put(asking('nowhere'))
  assert.equal(enabled('lost', {}), true)
  flags.put({ ...half, exposure: nobody })
  assert.equal(evaluateBoolean(found, {}), true, 'what was found follows the present definition of its prerequisite')
  flags.delete('nowhere')
  assert.equal(enabled('lost', {}), false)
  flags.delete('flag')
  assert.equal(flags.find('flag'), undefined)
  assert.equal(evaluateFlag(found, {}).reason, 'ON', 'a flag deleted meanwhile answers as it last stood')
})

test('flags in a circle serve their off variants with PARSE_ERROR until a change breaks it, and nothing hangs', () => {
  const flags = new FlagSet([
    asking('a', needs('b')),
    asking('b', needs('c')),
    asking('c', needs('a')),
    asking('d', needs('a')),
  ])
  const reasonOf = (key: string): string => {
    const { reason, errorCode } = evaluateFlag(flags.find(key)!, { targetingKey: 'mio' })
    return errorCode ?? reason
  }
  assert.deepEqual(['a', 'b', 'c', 'd'].map(reasonOf), [
    'PARSE_ERROR',
    'PARSE_ERROR',
    'PARSE_ERROR',
    'PREREQUISITE_FAILED',
  ])
  assert.equal(
    flags.find('a')?.problems[0]?.message,
    'Cannot evaluate flag "a": prerequisites: found a circle back to this flag, expected none.',
  )
  flags.put(asking('c'))
  assert.deepEqual(['a', 'b', 'c', 'd'].map(reasonOf), ['ON', 'ON', 'ON', 'ON'])
  flags.put({ ...asking('c', needs('b')), killed: true })
  assert.equal(reasonOf('c'), 'KILLED', 'an emergency stop is heard also in a circle')
})

test('prerequisites that come to more than 1,000 evaluations are refused, a long chain is not', () => {
  const level = (index: number): FlagDefinition =>
    asking(`level-${index}`, ...Array.from({ length: index === 0 ? 0 : 10 }, () => needs(`level-${index - 1}`)))
  const flags = new FlagSet(Array.from({ length: 12 }, (_, index) => level(index)))
  const codes = Array.from({ length: 12 }, (_, index) => evaluateFlag(flags.find(`level-${index}`)!, {}).errorCode)
  assert.deepEqual(codes.slice(0, 4), [null, null, null, 'PARSE_ERROR'])
  assert.ok(codes.includes(null))
  const chain = new FlagSet(
    Array.from({ length: 1_000 }, (_, index) => asking(`c${index}`, ...(index === 0 ? [] : [needs(`c${index - 1}`)]))),
  )
  assert.equal(evaluateFlag(chain.find('c999')!, {}).reason, 'ON')
})

test('flags changed one by one are as if they had been given all at once', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const definition = fc
    .tuple(
      key,
      fc.boolean(),
      fc.constantFrom(0, 0.5, 1),
      fc.array(fc.tuple(key, fc.constantFrom('on', 'off')), { maxLength: 3 }),
    )
    .map(([name, killed, share, asked]) =>
      defineFlag({
        key: name,
        killed,
        exposure: { ...nobody, share },
        prerequisites: asked.filter(([other]) => other !== name).map(([other, variant]) => needs(other, variant)),
      }),
    )
  const change = fc.oneof({ weight: 4, arbitrary: definition }, { weight: 1, arbitrary: key })
  fc.assert(
    fc.property(fc.array(definition, { maxLength: 5 }), fc.array(change, { maxLength: 12 }), (start, changes) => {
      const changed = new FlagSet(start)
      const known = new Map(start.map(flag => [flag.key, flag]))
      for (const one of changes) {
        if (typeof one === 'string') {
          changed.delete(one)
          known.delete(one)
        } else {
          changed.put(one)
          known.set(one.key, one)
        }
      }
      const whole = new FlagSet(known.values())
      assert.deepEqual(
        changed
          .all()
          .map(flag => flag.definition.key)
          .sort(),
        [...known.keys()].sort(),
      )
      for (const name of known.keys())
        for (const context of [...users(5), {}])
          assert.deepEqual(evaluateFlag(changed.find(name)!, context), evaluateFlag(whole.find(name)!, context), name)
    }),
    { numRuns: 1_000, seed },
  )
})

test('what an older program stored still counts: no newer fields, and keys that always have the on variant (F-040)', () => {
  const {
    prerequisites: _,
    targets: __,
    rules: ___,
    otherwise: ____,
    ...older
  } = defineFlag({ key: 'old', exposure: nobody })
  const stored: StoredFlagDefinition = { ...older, allow: ['mio'] }
  const flag = compileFlag(stored)
  assert.deepEqual(flag.problems, [])
  assert.deepEqual(checkFlag(stored), [])
  assert.equal(evaluateFlag(flag, { targetingKey: 'mio' }).reason, 'TARGETED')
  assert.equal(evaluateFlag(flag, { targetingKey: 'ken' }).reason, 'OUTSIDE')
  assert.deepEqual(completeFlag(stored), { ...defineFlag({ key: 'old' }), targets: [{ variant: 'on', keys: ['mio'] }] })
  assert.equal(completeFlag(flag.definition), flag.definition)
})

test('a rule has its share of those who match, and the others go on to the next (F-083, F-084)', () => {
  const flag = compileFlag(
    defineFlag({
      key: 'beta',
      variants,
      rules: [
        rule('tenth', { when: [isBeta], share: 0.1, serve: { variant: 'a' } }),
        rule('team', { share: 0.5, by: 'team', seed: 'teams', serve: { variant: 'b' } }),
      ],
    }),
  )
  const tenth = users(10_000).filter(user => evaluateFlag(flag, { ...user, beta: true }).ruleId === 'tenth')
  assert.ok(Math.abs(tenth.length - 1_000) < 150, `${tenth.length}`)
  assert.ok(
    users(1_000).every(user => evaluateFlag(flag, user).ruleId === null),
    'no team, no share by team',
  )
  const teams = Array.from({ length: 200 }, (_, index) => index)
  const servedTo = (team: number, user: EvaluationContext): string | null =>
    evaluateFlag(flag, { ...user, team }).variant
  for (const team of teams) assert.equal(new Set(users(10).map(user => servedTo(team, user))).size, 1)
  assert.ok(Math.abs(teams.filter(team => servedTo(team, {}) === 'b').length - 100) < 40)
})

const weights = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 2 })
  .map(cuts => [0, ...cuts.toSorted((one, other) => one - other), 100].map(cut => cut * 1_000))
  .map(([zero = 0, one = 0, two = 0, all = 0]) => ({ a: one - zero, b: two - one, c: all - two }))
const algorithm = fc.constantFrom(...bucketAlgorithms)
const context = fc.record({ targetingKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }) })

test('raising a share takes nobody out, whatever the algorithm (F-085, F-098)', () => {
  const share = fc.oneof(fc.constantFrom(0, 0.05, 0.25, 0.5, 0.75, 1), fc.double({ min: 0, max: 1, noNaN: true }))
  fc.assert(
    fc.property(algorithm, share, share, context, (name, one, other, user) => {
      const at = (part: number): boolean =>
        evaluateBoolean(
          compileFlag(defineFlag({ key: 'raised', algorithm: name, exposure: { ...nobody, share: part } })),
          user,
        )
      assert.ok(!at(Math.min(one, other)) || at(Math.max(one, other)))
      assert.deepEqual([at(0), at(1)], [false, true])
    }),
    { numRuns: 3_000, seed },
  )
})

test('changed weights move only users between the parts that meet at a boundary that moved', () => {
  fc.assert(
    fc.property(algorithm, weights, fc.integer({ min: 0, max: 100_000 }), context, (name, before, moved, user) => {
      const served = (parts: Readonly<Record<string, number>>): string | null =>
        evaluateFlag(
          compileFlag(defineFlag({ key: 'split', algorithm: name, variants, otherwise: split(parts) })),
          user,
        ).variant
      const taken = Math.min(before.b, Math.floor(moved / 1_000) * 1_000)
      const [first, after] = [served(before), served({ ...before, b: before.b - taken, c: before.c + taken })]
      assert.ok(first === after || (first === 'b' && after === 'c'), `${first} became ${after}`)
    }),
    { numRuns: 3_000, seed },
  )
})

test('a split deals each part its weight, and apart from the share of the same seed (chi-square)', () => {
  const parts = { a: 50_000, b: 30_000, c: 20_000 }
  const count = 60_000
  for (const name of bucketAlgorithms) {
    const flag = compileFlag(defineFlag({ key: 'split', algorithm: name, variants, otherwise: split(parts) }))
    const counts: Record<string, number> = {}
    for (const user of users(count)) {
      const { variant } = decideFlag(flag, user)
      counts[variant!] = (counts[variant!] ?? 0) + 1
    }
    const square = Object.entries(parts).reduce((sum, [variant, weight]) => {
      const expected = (count * weight) / 100_000
      return sum + ((counts[variant] ?? 0) - expected) ** 2 / expected
    }, 0)
    // Two degrees of freedom: once in a million a fair split is above this.
    assert.ok(square < 27.6, `${name}: ${square}`)
  }
  const beside = compileFlag(
    defineFlag({
      key: 'beside',
      variants,
      rules: [rule('tenth', { share: 0.1, serve: split({ a: 50_000, b: 50_000 }) })],
    }),
  )
  const dealt = users(count)
    .map(user => decideFlag(beside, user))
    .filter(({ reason }) => reason === 'SPLIT')
  const ofA = dealt.filter(({ variant }) => variant === 'a').length
  assert.ok(Math.abs(ofA - dealt.length / 2) < 5 * Math.sqrt(dealt.length / 4), `${ofA} of ${dealt.length}`)
})

test('being dealt a tracked part of an experiment is being in it, and nothing else is', () => {
  const otherwise: Serve = {
    split: [
      { variant: 'a', weight: 50_000 },
      { variant: 'b', weight: 50_000, tracked: false },
    ],
    by: null,
    seed: null,
    experiment: true,
  }
  const flag = compileFlag(
    defineFlag({ key: 'trial', variants, otherwise, targets: [{ variant: 'a', keys: ['mio'] }] }),
  )
  for (const user of users(200)) {
    const { variant, inExperiment } = evaluateFlag(flag, user)
    assert.equal(inExperiment, variant === 'a')
  }
  assert.equal(evaluateFlag(flag, { targetingKey: 'mio' }).inExperiment, false)
})

const anyContext = fc.oneof(
  fc.anything(),
  fc.record({
    targetingKey: fc.oneof(fc.string(), fc.anything()),
    beta: fc.anything(),
    custom: fc.anything(),
    version: fc.anything(),
    address: fc.anything(),
  }),
  fc.constantFrom(
    JSON.parse('{"__proto__":{"beta":true},"targetingKey":"mio"}'),
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('gone')
        },
      },
    ),
    new Proxy(
      { targetingKey: 'mio' },
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('gone')
        },
      },
    ),
    {
      targetingKey: 'mio',
      custom: 'x'.repeat(1_000_000),
      version: '1'.repeat(100_000),
      address: Array(50_000).fill('::'),
    },
  ),
)

test('every evaluation has an answer for any context, the same in each way of asking, and never throws', () => {
  const conditions: readonly Condition[] = [
    isBeta,
    { attribute: 'custom.name', operator: 'matches', values: ['^(a|b)+$'], negated: true, ignoreCase: true },
    { attribute: 'version', operator: 'semver>=', values: ['1.0.0'], negated: false },
    { attribute: 'address', operator: 'cidr', values: ['::/0'], negated: true },
    { attribute: 'custom', operator: 'before', values: [0], negated: true },
    { attribute: 'targetingKey', operator: 'exists', values: [], negated: false },
  ]
  const target = emptyEvaluation()
  fc.assert(
    fc.property(algorithm, anyContext, fc.subarray([...conditions]), weights, (name, given, when, parts) => {
      const flag = compileFlag(
        defineFlag({
          key: 'any',
          algorithm: name,
          variants,
          targets: [{ variant: 'a', keys: ['mio'] }],
          rules: [
            rule('one', { when, share: 0.5, by: 'custom.name' }),
            rule('two', { when, serve: split(parts, { by: 'custom' }) }),
          ],
          otherwise: split(parts),
        }),
      )
      assert.deepEqual(flag.problems, [])
      const asked = given as EvaluationContext
      const found = evaluateFlag(flag, asked)
      assert.deepEqual(evaluateInto(flag, asked, target), found)
      assert.deepEqual({ ...decideFlag(flag, asked), bucket: found.bucket }, found)
      assert.ok(found.variant !== null && Object.hasOwn(variants, found.variant))
      assert.equal(found.reason === 'ERROR', found.errorCode !== null)
      assert.ok(found.bucket === null || (found.bucket >= 0 && found.bucket < 100_000))
    }),
    { numRuns: 3_000, seed },
  )
})

test('a flag with a word, weight, name or value that is not understood is refused where it stands', () => {
  const sound = defineFlag({ key: 'flag', variants })
  const ruled = (given: object): object => ({ ...sound, rules: [{ ...rule('one', {}), ...given }] })
  const conditioned = (given: object): object => ruled({ when: [{ ...isBeta, ...given }] })
  const served = (serve: unknown): object => ({ ...sound, otherwise: serve })
  const parts = (...list: readonly [string, unknown][]): object =>
    served({ split: list.map(([variant, weight]) => ({ variant, weight })), by: null, seed: null, experiment: false })
  const segmented = (segments: object): object => ({ ...sound, segments })
  const inSegment = (name: string) => [{ attribute: '', operator: 'inSegment', values: [name], negated: false }]
  const rows: readonly [path: string, flag: object][] = [
    ['prerequisites[0].flag', { ...sound, prerequisites: [needs('flag')] }],
    ['prerequisites[0].variants', { ...sound, prerequisites: [{ flag: 'x', variants: 'on' }] }],
    ['targets[0].variant', { ...sound, targets: [{ variant: 'toString', keys: [] }] }],
    ['targets', { ...sound, targets: Array(101).fill({ variant: 'on', keys: [] }) }],
    ['rules[1].id', { ...sound, rules: [rule('one', {}), rule('one', {})] }],
    ['rules[0].share', ruled({ share: 1.1 })],
    ['rules[0].by', ruled({ by: 1 })],
    ['rules[0].seed', ruled({ seed: 1 })],
    ['rules[0].serve', ruled({ serve: null })],
    ['rules[0].serve.variant', ruled({ serve: { variant: 'z' } })],
    ['rules[0].when', ruled({ when: {} })],
    ['rules[0].when[0].operator', conditioned({ operator: 'soundsLike' })],
    ['rules[0].when[0].attribute', conditioned({ attribute: '' })],
    ['rules[0].when[0].negated', conditioned({ negated: null })],
    ['rules[0].when[0].values', conditioned({ values: [] })],
    ['rules[0].when[0].values', conditioned({ operator: 'exists' })],
    ['rules[0].when[0].values[0]', conditioned({ values: [null] })],
    ['rules[0].when[0].values[0]', conditioned({ values: [Number.NaN] })],
    ['rules[0].when[0].ignoreCase', conditioned({ operator: '=', values: [1], ignoreCase: true })],
    ['rules[0].when[0].values[0]', conditioned({ operator: 'matches', values: ['(a+)+(?=b)'] })],
    ['rules[0].when[0].values[0]', conditioned({ operator: 'semver>', values: ['1.0'] })],
    ['rules[0].when[0].values[0]', conditioned({ operator: 'cidr', values: ['10.0.0.0/33'] })],
    ['rules[0].when[0].values[0]', conditioned({ operator: 'before', values: ['tomorrow'] })],
    ['rules[0].when[0].values[0]', conditioned({ operator: '<', values: ['ten'] })],
    ['rules[0].when[0].values[0]', conditioned({ operator: 'inSegment', values: ['staff'] })],
    ['otherwise', served('off')],
    ['otherwise.variant', served({ variant: '__proto__' })],
    ['otherwise.split', parts(['a', 50_000], ['b', 49_999])],
    ['otherwise.split', parts()],
    ['otherwise.split[0].variant', parts(['z', 100_000])],
    ['otherwise.split[1].weight', parts(['a', 100_000], ['b', -1])],
    ['otherwise.split[1].weight', parts(['a', 100_000], ['b', Number.NaN])],
    ['otherwise.split[0].weight', { ...parts(['a', 50], ['b', 100_000]), algorithm: 'unleash' }],
    ['segments.a', segmented({ a: { include: {}, rules: [inSegment('a')] } })],
    ['segments.a.keys', segmented({ a: { include: {}, keys: [1] } })],
    ['segments.a.rules', segmented({ a: { include: {}, rules: {} } })],
    ['segments.a.rules[0][0].values[0]', segmented({ a: { include: {}, rules: [inSegment('b')] } })],
  ]
  for (const [path, flag] of rows) {
    const problems = checkFlag(flag)
    assert.deepEqual(
      problems.map(problem => problem.path),
      [path],
      JSON.stringify(flag).slice(0, 300),
    )
    assert.match(problems[0]!.message, /^Cannot accept flag "flag": .+: found .+, expected .+\.$/)
    assert.equal(evaluateFlag(compileFlag(flag as FlagDefinition), {}).errorCode, 'PARSE_ERROR')
  }
  assert.equal(
    checkFlag(parts(['a', 50_000], ['b', 49_999]))[0]?.message,
    'Cannot accept flag "flag": otherwise.split: found 99999, expected weights that sum to 100000.',
  )
})
