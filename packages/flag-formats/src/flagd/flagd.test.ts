import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Condition, compileFlag, defineFlag, evaluateFlag, type FlagDefinition } from '@dankai/flags'
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core'
import fc from 'fast-check'
import { flagFor, person } from '../testing/arbitrary-flags.ts'
import { exportFlagd } from './export-flagd.ts'
import { importFlagd } from './import-flagd.ts'

const seed = 20_240_301
const silent = { error() {}, warn() {}, info() {}, debug() {} }

const theirs = (file: object, key: string, context: object, value: unknown, isStrict = true) => {
  const storage = new MemoryStorage(silent)
  storage.setConfigurations(JSON.stringify(file), isStrict)
  const core = new FlagdCore(storage, silent)
  if (typeof value === 'boolean') return core.resolveBooleanEvaluation(key, false, context as never, silent)
  if (typeof value === 'number') return core.resolveNumberEvaluation(key, -1, context as never, silent)
  if (typeof value === 'string') return core.resolveStringEvaluation(key, '?', context as never, silent)
  return core.resolveObjectEvaluation(key, {}, context as never, silent)
}

const fileOf = (flag: FlagDefinition): object => {
  const exported = exportFlagd(flag)
  assert.ok(exported.ok, JSON.stringify([exported, flag]))
  return { flags: { [flag.key]: exported.value } }
}

test('flagd-core serves from an exported flag what Dankai serves, and importing it again changes nothing, for generated flags and contexts', () => {
  console.log(`seed ${seed}`)
  fc.assert(
    fc.property(flagFor('flagd'), fc.array(person, { minLength: 6, maxLength: 6 }), (flag, people) => {
      const compiled = compileFlag(flag)
      assert.deepEqual(compiled.problems, [])
      const file = fileOf(flag)
      const imported = importFlagd(file)
      assert.deepEqual(imported.notCarried, [])
      const again = compileFlag(imported.flags[0]!)
      for (const context of people) {
        const ours = evaluateFlag(compiled, { ...context })
        const found = theirs(file, flag.key, context, ours.value)
        assert.deepEqual(
          [found.variant, found.value],
          [ours.variant, ours.value],
          JSON.stringify([context, ours, found]),
        )
        assert.equal(
          evaluateFlag(again, { ...context }).variant,
          ours.variant,
          JSON.stringify([context, file, again.definition]),
        )
      }
    }),
    { numRuns: 250, seed },
  )
})

const rows = (list: readonly (readonly [targeting: unknown, context: object, variant: string])[]) => list

test('targeting as people write it by hand serves the same when imported', () => {
  const pick = (condition: unknown): unknown => ({ if: [condition, 'on'] })
  const table = rows([
    [pick({ in: ['@triptrip.com', { var: 'email' }] }), { email: 'a@triptrip.com' }, 'on'],
    [pick({ '==': [{ var: 'plan' }, 'pro'] }), { plan: 'pro' }, 'on'],
    [pick({ '!=': ['pro', { var: 'plan' }] }), { plan: 'pro' }, 'off'],
    [pick({ in: [{ var: 'plan' }, ['pro', 'team']] }), { plan: 'team' }, 'on'],
    [pick({ '<': [18, { var: 'age' }, 65] }), { age: 40 }, 'on'],
    [pick({ '<': [18, { var: 'age' }, 65] }), { age: 65 }, 'off'],
    [pick({ '<': [{ var: 'age' }, 18] }), {}, 'on'],
    [pick({ '>=': [{ var: 'age' }, 18] }), {}, 'off'],
    [pick({ '==': [{ var: 'beta' }, false] }), {}, 'on'],
    [pick({ '!=': [{ var: 'beta' }, false] }), {}, 'off'],
    [pick({ '!=': [0, { var: 'visits' }] }), {}, 'off'],
    [pick({ '===': [{ var: 'beta' }, false] }), {}, 'off'],
    [pick({ sem_ver: [{ var: 'app' }, '^', '2.1'] }), { app: '2.9.9' }, 'on'],
    [pick({ sem_ver: [{ var: 'app' }, '~', 'v2.1.0'] }), { app: '2.2.0' }, 'off'],
    [pick({ sem_ver: [{ var: 'app' }, '>=', '2'] }), { app: '2.0.0' }, 'on'],
    [pick({ sem_ver: [{ var: 'app' }, '!=', '2.0.0'] }), { app: '2.0.1' }, 'on'],
    [pick({ ends_with: [{ var: 'user.email' }, '.com'] }), { user: { email: 'x.com' } }, 'on'],
    [pick({ '!': { '===': [{ var: 'country' }, 'JP'] } }), { country: 'US' }, 'on'],
    [
      pick({ or: [{ '==': [{ var: 'a' }, 1] }, { and: [{ '==': [{ var: 'b' }, 2] }, { '==': [{ var: 'c' }, 3] }] }] }),
      { b: 2, c: 3 },
      'on',
    ],
    [pick({ $ref: 'isStaff' }), { email: 'a@triptrip.com' }, 'on'],
    [{ if: [{ $ref: 'isStaff' }, { if: [{ '==': [{ var: 'plan' }, 'pro'] }, 'third'] }, 'on'] }, { plan: 'pro' }, 'on'],
    [
      { if: [{ $ref: 'isStaff' }, { if: [{ '==': [{ var: 'plan' }, 'pro'] }, 'third'] }, 'on'] },
      { email: 'a@triptrip.com' },
      'off',
    ],
    [
      {
        fractional: [
          ['on', 30],
          ['third', 70],
        ],
      },
      { targetingKey: 'user-1' },
      '?',
    ],
    [{ fractional: [{ var: 'email' }, ['on', 25], ['off', 75]] }, { email: 'x@y.z' }, '?'],
  ])
  for (const [targeting, context, variant] of table) {
    const flag = { state: 'ENABLED', variants: { on: 'a', off: 'b', third: 'c' }, defaultVariant: 'off', targeting }
    const file = { $evaluators: { isStaff: { ends_with: [{ var: 'email' }, '@triptrip.com'] } }, flags: { flag } }
    const { flags, notCarried } = importFlagd(file)
    const told = JSON.stringify([targeting, context, notCarried])
    assert.deepEqual(notCarried, [], told)
    const compiled = compileFlag(flags[0]!)
    assert.deepEqual(compiled.problems, [], told)
    const expected = theirs(file, 'flag', context, 'text', false).variant
    assert.equal(evaluateFlag(compiled, { ...context }).variant, expected, told)
    if (variant !== '?') assert.equal(expected, variant, told)
  }
})

test('what of a flagd file has no equivalent is named, and a missing clause switches its flag off', () => {
  const importOne = (change: object) =>
    importFlagd({
      flags: { one: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', ...change } },
    })
  const table: readonly (readonly [change: object, named: RegExp, on: boolean])[] = [
    [{ targeting: { if: [{ '>': [{ var: '$flagd.timestamp' }, 1] }, 'on'] } }, /timestamp/, false],
    [{ targeting: { if: [{ var: 'beta' }, 'on'] } }, /"var" as a condition/, false],
    [{ targeting: { if: [{ all: [{ var: 'x' }, true] }, 'on'] } }, /"all" as a condition/, false],
    [{ targeting: { if: [true, 'gone'] } }, /no variant "gone"/, false],
    [{ targeting: { var: 'variant' } }, /"var" as a result/, false],
    [
      {
        targeting: {
          fractional: [
            ['on', { var: 'weight' }],
            ['off', 1],
          ],
        },
      },
      /computed buckets/,
      false,
    ],
    [
      {
        targeting: {
          fractional: [
            ['on', 1],
            ['off', 2],
          ],
        },
      },
      /rounded to thousandths/,
      true,
    ],
    [{ state: 'DISABLED' }, /serves its off variant/, false],
    [{ defaultVariant: null }, /without a default variant/, true],
    [{ metadata: { owner: 'trips' } }, /metadata/, true],
    [
      {
        targeting: {
          fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] }, ['on', 1], ['off', 1]],
        },
      },
      /no "email" is served the default variant/,
      true,
    ],
  ]
  assert.equal(importFlagd({ flags: {}, metadata: { flagSetId: 'shop' } }).notCarried[0]?.what, 'metadata.flagSetId')
  for (const [change, named, on] of table) {
    const { flags, notCarried } = importOne(change)
    assert.match(notCarried.map(({ what, why }) => `${what}: ${why}`).join('\n'), named)
    assert.equal(flags[0]?.on, on, JSON.stringify(change))
  }
  for (const odd of [null, 1, [], {}, { flags: 1 }, { flags: { a: 1 } }, { flags: { a: { variants: {} } } }])
    assert.ok(importFlagd(odd).flags.length + importFlagd(odd).notCarried.length > 0, JSON.stringify(odd))
})

test('flagd is refused what it would compute otherwise, with the reason', () => {
  const rule = (when: Condition): Partial<FlagDefinition> => ({
    rules: [{ id: 'r', when: [when], share: 1, by: null, seed: null, serve: { variant: 'on' } }],
  })
  const is = { attribute: 'email', operator: 'is', values: ['x'], negated: false } as const
  const share = { share: 0.5, cohorts: [], shadow: false }
  const table: readonly (readonly [change: Partial<FlagDefinition>, why: RegExp])[] = [
    [{ algorithm: 'dankai', exposure: share }, /buckets are those of dankai/],
    [{ prerequisites: [{ flag: 'other', variants: ['on'] }] }, /asks for other flags/],
    [{ variants: { on: true, off: 'no' } }, /not all booleans/],
    [rule({ ...is, ignoreCase: true }), /regard to case/],
    [rule({ ...is, operator: 'matches' }), /operator matches/],
    [rule({ ...is, operator: 'cidr', values: ['10.0.0.0/8'] }), /operator cidr/],
    [rule({ ...is, attribute: 'constructor' }), /attribute named "constructor"/],
  ]
  for (const [change, why] of table) {
    const result = exportFlagd(defineFlag({ key: 'one', algorithm: 'flagd', ...change }))
    assert.match(result.ok ? 'served' : result.why, why)
  }
  const whole = { algorithm: 'dankai', exposure: { ...share, share: 1 } } as const
  assert.equal(exportFlagd(defineFlag({ key: 'one', ...whole })).ok, true)
  const permitted = { ...defineFlag({ key: 'one', exposure: share }), otherBuckets: ['flagd'] }
  assert.equal(exportFlagd(permitted as FlagDefinition).ok, true)
})
