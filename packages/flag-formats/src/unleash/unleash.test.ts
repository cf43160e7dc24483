import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { compileFlag, defineFlag, type Evaluation, evaluateFlag, type FlagDefinition, FlagSet } from '@dankai/flags'
import fc from 'fast-check'
import { flagFor, type Person, person } from '../testing/arbitrary-flags.ts'
import { openUnleashClient } from '../testing/unleash-client.ts'
import { exportUnleash } from './export-unleash-set.ts'
import { unleashToggleOf } from './frontend-flag.ts'
import { importUnleash } from './import-unleash.ts'

const seed = 20_240_302
const client = openUnleashClient()
after(() => client.close())

/** What people are in an Unleash context, whose properties are texts. */
const unleashContext = ({ targetingKey, ...rest }: Person) => ({
  ...(targetingKey === undefined ? {} : { userId: targetingKey }),
  properties: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
})
const ourContext = ({ targetingKey, ...rest }: Person) => ({
  ...(targetingKey === undefined ? {} : { targetingKey }),
  ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
})

interface Shown {
  readonly enabled: boolean
  readonly variant?: string
  readonly payload?: unknown
}

const shown = (flag: FlagDefinition, evaluation: Evaluation): Shown => {
  const toggle = unleashToggleOf(flag, evaluation)
  if (toggle === null) return { enabled: false }
  const { name, enabled, payload } = toggle.variant
  return enabled ? { enabled: true, variant: name, payload } : { enabled: true }
}
const shownByClient = (key: string, who: Person): Shown => {
  const enabled = client.unleash.isEnabled(key, unleashContext(who))
  const variant = client.unleash.getVariant(key, unleashContext(who))
  return variant.enabled ? { enabled, variant: variant.name, payload: variant.payload } : { enabled }
}

test('unleash-client serves from an exported feature what Dankai serves, and importing it again changes nothing, for generated flags and contexts', () => {
  console.log(`seed ${seed}`)
  let served = 0
  let carriedBack = 0
  fc.assert(
    fc.property(flagFor('unleash'), fc.array(person, { minLength: 8, maxLength: 8 }), (flag, people) => {
      const compiled = compileFlag(flag)
      assert.deepEqual(compiled.problems, [])
      const body = exportUnleash([flag])
      if (body.refused.length > 0) return
      served++
      client.give(body)
      const imported = importUnleash({ version: 2, ...body })
      // Segments with "not" multiply strategies; where they hold patterns, that can be more than a flag may have.
      if (imported.notCarried.length === 0) carriedBack++
      else assert.match(imported.notCarried[0]!.why, /at most 2,000 steps in the whole flag$/)
      const again = compileFlag(imported.flags[0] ?? flag)
      for (const who of people) {
        const theirs = shownByClient(flag.key, who)
        const told = (): string => JSON.stringify([who, body, imported.flags[0]])
        assert.deepEqual(theirs, shown(flag, evaluateFlag(compiled, ourContext(who))), told())
        assert.deepEqual(theirs, shown(again.definition, evaluateFlag(again, ourContext(who))), told())
      }
    }),
    { numRuns: 1_000, seed },
  )
  // Most flags have an equivalent; what has none is refused, and would make the law empty if it were the rule.
  assert.ok(served > 700, `${served} of 1000`)
  assert.ok(carriedBack > served - 10, `${carriedBack} of ${served}`)
})

test('a flag that asks for another is enabled for the same users in unleash-client, and stays so when imported again', () => {
  let served = 0
  fc.assert(
    fc.property(
      flagFor('unleash', 'asked'),
      flagFor('unleash', 'asking'),
      fc.array(fc.constantFrom('on', 'on', 'off', 'third'), { minLength: 1, maxLength: 2 }),
      fc.array(person, { minLength: 8, maxLength: 8 }),
      (asked, given, variants, people) => {
        const asking = { ...given, prerequisites: [{ flag: 'asked', variants }] }
        const body = exportUnleash([asking, asked])
        if (!body.features.some(({ name }) => name === 'asking')) return
        served++
        client.give(body)
        const ours = new FlagSet([asked, asking])
        const again = new FlagSet(importUnleash(body).flags)
        for (const who of people) {
          const theirs = shownByClient('asking', who)
          const told = (): string => JSON.stringify([who, body])
          assert.deepEqual(theirs, shown(asking, evaluateFlag(ours.find('asking')!, ourContext(who))), told())
          const imported = again.find('asking')!
          assert.deepEqual(theirs, shown(imported.definition, evaluateFlag(imported, ourContext(who))), told())
        }
      },
    ),
    { numRuns: 500, seed: seed + 1 },
  )
  assert.ok(served > 100, `${served} of 500`)
})

test('features as Unleash writes them serve the same when imported', () => {
  const rollout = (parameters: object, rest: object = {}): object => ({ name: 'flexibleRollout', parameters, ...rest })
  const at = (operator: string, rest: object): object => ({
    strategies: [{ name: 'default', parameters: {}, constraints: [{ contextName: 'plan', operator, ...rest }] }],
  })
  const blue = { name: 'blue', weight: 400, stickiness: 'default', payload: { type: 'string', value: 'b' } }
  const red = { name: 'red', weight: 600, stickiness: 'default', payload: { type: 'json', value: '{"c":1}' } }
  const table: readonly (readonly [feature: object, named?: RegExp])[] = [
    [{ strategies: [] }],
    [{ strategies: [{ name: 'default' }], enabled: false }],
    [{ strategies: [rollout({ rollout: '35', stickiness: 'userId', groupId: 'g' })] }],
    [{ strategies: [rollout({ rollout: 35, stickiness: 'default', groupId: 'g' })] }, /default/],
    [{ strategies: [rollout({ rollout: '60', stickiness: 'team', groupId: 'g' })] }],
    [{ strategies: [rollout({ rollout: '100', stickiness: 'team', groupId: 'g' })] }],
    [{ strategies: [{ name: 'gradualRolloutUserId', parameters: { percentage: '40', groupId: 'old' } }] }],
    [{ strategies: [{ name: 'gradualRolloutUserId', parameters: { percentage: '40' } }] }],
    [{ strategies: [{ name: 'userWithId', parameters: { userIds: 'user-1, user-2' } }] }],
    [
      {
        strategies: [
          { name: 'userWithId', parameters: { userIds: '' } },
          rollout({ rollout: '10', stickiness: 'userId' }),
        ],
      },
    ],
    [
      {
        strategies: [
          rollout({ rollout: '30', stickiness: 'userId', groupId: 'g' }, { variants: [blue, red] }),
          { name: 'default' },
        ],
      },
    ],
    [
      {
        strategies: [{ name: 'default' }],
        variants: [blue, { ...red, overrides: [{ contextName: 'team', values: ['kyoto'] }] }],
      },
      /no userId is served no variant and is out/,
    ],
    [
      { strategies: [rollout({ rollout: '100', stickiness: 'team', groupId: 'g' }, { variants: [blue, red] })] },
      /no userId is served no variant and is out/,
    ],
    [{ strategies: [rollout({ rollout: '50', stickiness: 'userId' })], variants: [{ ...blue, weight: 1000 }] }],
    [at('IN', { values: ['pro', ' team ', ''] })],
    [at('IN', { values: [] })],
    [at('NOT_IN', { values: [] })],
    [at('NOT_IN', { values: ['pro'], inverted: true })],
    [at('STR_CONTAINS', { values: ['R'], caseInsensitive: true })],
    [at('STR_ENDS_WITH', { values: ['o'], inverted: true })],
    [at('NUM_GT', { value: '40' })],
    [at('NUM_GT', { value: 'x', inverted: true })],
    [at('SEMVER_GT', { value: 'x' })],
    [at('REGEX', { value: '^p.o$' })],
    [{ strategies: [{ name: 'default', segments: [7] }] }],
    [
      {
        strategies: [
          {
            name: 'default',
            segments: [8],
            constraints: [{ contextName: 'userId', operator: 'IN', values: ['user-1'] }],
          },
        ],
      },
    ],
    [
      { strategies: [{ name: 'nobodyKnows' }, { name: 'userWithId', parameters: { userIds: 'user-1' } }] },
      /"nobodyKnows" has no equivalent/,
    ],
    [{ strategies: [{ name: 'default', segments: [99] }] }, /segment 99/],
    [at('FUZZY', { values: ['pro'] }), /"FUZZY"/],
  ]
  const segments = [
    { id: 7, name: 'paying', constraints: [{ contextName: 'plan', operator: 'IN', values: ['pro', 'team'] }] },
    { id: 8, name: 'everybody', constraints: [] },
  ]
  const people: Person[] = ['user-1', 'user-2', 'user-33', undefined].flatMap(targetingKey =>
    ['pro', 'team', '42', undefined].flatMap(plan =>
      ['kyoto', undefined].map(team => ({
        ...(targetingKey === undefined ? {} : { targetingKey }),
        ...(plan === undefined ? {} : { plan }),
        ...(team === undefined ? {} : { team }),
      })),
    ),
  )
  for (const [given, named] of table) {
    const feature = { name: 'one', type: 'release', enabled: true, variants: [], ...given }
    const body = { version: 2, features: [feature], segments }
    client.give(body as never)
    const { flags, notCarried } = importUnleash(body)
    const told = JSON.stringify([given, notCarried])
    assert.match(notCarried.map(({ what, why }) => `${what}: ${why}`).join('\n'), named ?? /^$/, told)
    const flag = compileFlag(flags[0]!)
    assert.deepEqual(flag.problems, [], told)
    for (const who of people) {
      // Without a user, what the client deals at random has no answer to compare with.
      if (who.targetingKey === undefined && /default|variants/.test(JSON.stringify(given))) continue
      assert.deepEqual(
        shown(flag.definition, evaluateFlag(flag, ourContext(who))),
        shownByClient('one', who),
        told + JSON.stringify(who),
      )
    }
  }
})

test('what of an Unleash export has no equivalent is named, and no shape of it is an exception', () => {
  const names = (feature: object): string =>
    importUnleash({ features: [{ name: 'one', enabled: true, strategies: [{ name: 'default' }], ...feature }] })
      .notCarried.map(({ what, why }) => `${what}: ${why}`)
      .join('\n')
  const table: readonly (readonly [feature: object, named: RegExp])[] = [
    [{ impressionData: true }, /impressionData/],
    [{ stale: true }, /stale/],
    [{ project: 'trips' }, /project "trips"/],
    [{ type: 'custom' }, /type "custom"/],
    [{ strategies: [{ name: 'applicationHostname', parameters: { hostNames: 'a' } }] }, /applicationHostname/],
    [{ strategies: [{ name: 'gradualRolloutRandom', parameters: { percentage: '3' } }] }, /gradualRolloutRandom/],
    [{ strategies: [{ name: 'flexibleRollout', parameters: { rollout: '5', stickiness: 'random' } }] }, /random place/],
    [{ strategies: [{ name: 'default', disabled: true }] }, /switched off/],
    [{ variants: [{ name: 'a', weight: 1000, payload: { type: 'csv', value: '1,2' } }] }, /list of values/],
    [{ variants: [{ name: 'a', weight: 1000, payload: { type: 'json', value: '{' } }] }, /no JSON/],
    [
      {
        variants: [
          { name: 'a', weight: 1 },
          { name: 'b', weight: 2 },
        ],
      },
      /sum to 3/,
    ],
    [{ dependencies: [{ feature: 'gone' }] }, /feature "gone"/],
    [
      {
        variants: [
          { name: 'a', weight: 500, stickiness: 'sessionId' },
          { name: 'b', weight: 500, stickiness: 'sessionId' },
        ],
      },
      /no sessionId is served no variant and is out/,
    ],
    [
      {
        strategies: [{ name: 'default', constraints: [{ operator: 'DATE_AFTER', value: '2026-03-01T00:00:00.000Z' }] }],
      },
      /currentTime/,
    ],
  ]
  for (const [feature, named] of table) assert.match(names(feature), named)
  const parent = { name: 'parent', enabled: true, strategies: [{ name: 'gradualRolloutRandom' }] }
  const child = (enabled: boolean): object => ({
    name: `asks-for-${enabled}`,
    enabled: true,
    strategies: [{ name: 'default' }],
    dependencies: [{ feature: 'parent', enabled }],
  })
  const family = importUnleash({ features: [parent, child(true), child(false)] })
  assert.deepEqual(
    family.flags.map(({ on }) => on),
    [true, true, false],
  )
  assert.match(
    family.notCarried.map(({ flag, why }) => `${flag}: ${why}`).join('\n'),
    /asks-for-true: "parent" comes without some .*\nasks-for-false: .*the flag comes switched off$/,
  )
  const twice = importUnleash({ features: [{ name: 'two', enabled: true }, {}, { name: 'two', enabled: false }] })
  assert.deepEqual(
    [twice.flags.map(({ on }) => on), twice.notCarried.map(({ flag, what }) => [flag, what])],
    [
      [true],
      [
        ['', 'features[1]'],
        ['two', 'features[2]'],
      ],
    ],
  )
  const pattern = [{ contextName: 'email', operator: 'REGEX', value: '(?=a)' }]
  assert.equal(
    names({ strategies: [{ name: 'default', constraints: pattern }] }),
    'strategies[0]: found "(?=a)", expected a regular expression with groups (…) and (?:…) only; the strategy is left out',
  )
  const odd = [
    null,
    1,
    [],
    {},
    { features: 1 },
    { features: [1] },
    { features: [{ name: 'a', strategies: [1, null] }] },
  ]
  for (const body of odd) assert.ok(importUnleash(body).notCarried.length > 0, JSON.stringify(body))
})

test('an Unleash client is refused what it would compute otherwise, with the reason', () => {
  const share = { share: 0.5, cohorts: [], shadow: false }
  const rule = (change: object): Partial<FlagDefinition> => ({
    rules: [{ id: 'r', when: [], share: 1, by: null, seed: null, serve: { variant: 'on' }, ...change }],
  })
  const is = { attribute: 'email', operator: 'is', values: ['x'], negated: false } as const
  const table: readonly (readonly [change: Partial<FlagDefinition>, why: RegExp])[] = [
    [{ algorithm: 'dankai', exposure: share }, /buckets are those of dankai/],
    [rule({ when: [{ ...is, ignoreCase: true }] }), /regard to case/],
    [rule({ when: [{ ...is, values: [' x'] }] }), /spaces/],
    [rule({ when: [{ ...is, operator: 'matches', values: ['\\s'] }] }), /regular expression/],
    [rule({ when: [{ ...is, operator: 'before', values: ['2026-03-01'] }] }), /present time/],
    [rule({ when: [{ ...is, attribute: 'toString' }] }), /attribute named "toString"/],
    [rule({ share: 0.5, serve: { variant: 'off' } }), /part of users/],
    [rule({ share: 0.5, by: 'random' }), /attribute named "random"/],
  ]
  for (const [change, why] of table) {
    const { refused } = exportUnleash([defineFlag({ key: 'one', algorithm: 'unleash', ...change })])
    assert.match(refused[0]?.why ?? 'served', why)
  }
})
