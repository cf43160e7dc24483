import type {
  BucketAlgorithm,
  Condition,
  FlagCohort,
  FlagDefinition,
  FlagRule,
  FlagSegment,
  JsonValue,
  Serve,
} from '@dankai/flags'
import { defineFlag } from '@dankai/flags'
import fc from 'fast-check'

/** Contexts of single values, as all the clients have them. */
export interface Person {
  readonly targetingKey?: string
  readonly email?: string
  readonly plan?: string
  readonly age?: string | number
  readonly app?: string
  readonly team?: string
}

const emails = ['ada@triptrip.com', 'Bob@Example.org', 'eve@triptrip.com', 'x', 'ada@example.com']
const plans = ['free', 'pro', 'team', '42', 'true']
const versions = ['1.2.3', '2.0.0', '2.14.0-beta.1', '2.14.0', '10.0.1']
const teams = ['tokyo', 'osaka', 'kyoto']

const maybe = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(values, { nil: undefined, freq: 6 })

export const person: fc.Arbitrary<Person> = fc
  .record({
    targetingKey: fc.option(
      fc.oneof(
        { weight: 6, arbitrary: fc.stringMatching(/^user-[0-9]{1,5}$/) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
      ),
      { nil: undefined, freq: 8 },
    ),
    email: maybe(fc.constantFrom(...emails)),
    plan: maybe(fc.constantFrom(...plans)),
    age: maybe(fc.integer({ min: 0, max: 99 })),
    app: maybe(fc.constantFrom(...versions)),
    team: maybe(fc.constantFrom(...teams)),
  })
  .map(found => Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)))

const texts = (attribute: string, values: readonly string[], ignoreCase: boolean): fc.Arbitrary<Condition> => {
  const part = fc.constantFrom(...values).map(value => value.slice(0, 3))
  return fc.oneof(
    fc.record({
      attribute: fc.constant(attribute),
      operator: fc.constant('is' as const),
      values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
      negated: fc.boolean(),
    }),
    fc.record({
      attribute: fc.constant(attribute),
      operator: fc.constantFrom('startsWith' as const, 'contains' as const),
      values: fc.array(part, { minLength: 1, maxLength: 2 }),
      negated: fc.boolean(),
      ...(ignoreCase ? { ignoreCase: fc.boolean() } : {}),
    }),
    fc.record({
      attribute: fc.constant(attribute),
      operator: fc.constant('endsWith' as const),
      values: fc.array(
        fc.constantFrom(...values).map(value => value.slice(-4)),
        { minLength: 1, maxLength: 2 },
      ),
      negated: fc.boolean(),
    }),
  )
}

const numbers: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constant('age'),
  operator: fc.constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
  values: fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 2 }),
  negated: fc.boolean(),
})

const releases: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constant('app'),
  operator: fc.constantFrom('semver=' as const, 'semver<' as const, 'semver<=' as const, 'semver>' as const),
  values: fc.array(fc.constantFrom(...versions), { minLength: 1, maxLength: 2 }),
  negated: fc.boolean(),
})

const patterns: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constant('email'),
  operator: fc.constant('matches' as const),
  values: fc.constantFrom(['@triptrip\\.com$'], ['^[a-c]', 'x'], ['^.+@(example|triptrip)\\.(com|org)$']),
  negated: fc.boolean(),
})

const conditionFor = (client: BucketAlgorithm): fc.Arbitrary<Condition> => {
  const common = [
    texts('email', emails, client === 'unleash'),
    texts('plan', plans, false),
    texts('team', teams, false),
    numbers,
    releases,
  ]
  return client === 'unleash' ? fc.oneof(...common, patterns) : fc.oneof(...common)
}

const inSegment: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constant(''),
  operator: fc.constant('inSegment' as const),
  values: fc.uniqueArray(fc.constantFrom('members', 'staff'), { minLength: 1, maxLength: 2 }),
  negated: fc.boolean(),
})

const userKeys = fc.uniqueArray(fc.stringMatching(/^user-[0-9]$/), { maxLength: 4 })

const segmentFor = (client: BucketAlgorithm): fc.Arbitrary<FlagSegment> =>
  fc.record({
    include: fc.constantFrom<Readonly<Record<string, readonly string[]>>>(
      {},
      { plan: ['pro', 'team'] },
      { plan: ['free'], team: ['tokyo'] },
    ),
    keys: userKeys,
    excludedKeys: userKeys,
    rules: fc.array(fc.array(conditionFor(client), { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  })

const percent = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: 100 }).map(of => of / 100),
)
const by = fc.constantFrom(null, null, null, 'team')

/** Whole percents that sum to 100, as weights. */
const weights = fc
  .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
  .map(cuts => [0, ...cuts.toSorted((one, other) => one - other), 100])
  .map(cuts => [0, 1, 2].map(index => (cuts[index + 1]! - cuts[index]!) * 1_000))

const serveOf = (names: readonly string[], seed: fc.Arbitrary<string | null>): fc.Arbitrary<Serve> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ variant: fc.constantFrom(...names) }) },
    {
      weight: 1,
      arbitrary: fc.record({ split: weights, by, seed, experiment: fc.boolean() }).map(({ split, ...rest }) => ({
        split: split.map((weight, index) => ({ variant: names[index % names.length]!, weight })),
        ...rest,
      })),
    },
  )

const variantSets: readonly Readonly<Record<string, JsonValue>>[] = [
  { on: true, off: false },
  { on: 'blue', off: 'grey', third: 'green' },
  { on: { size: 2 }, off: { size: 1 } },
  { on: 3, off: 0, third: 4.5 },
]

/** Flags of a client's own buckets, of everything that both sides have words for. */
export const flagFor = (client: 'unleash' | 'flagd', key = 'flag'): fc.Arbitrary<FlagDefinition> =>
  fc.constantFrom(...variantSets).chain(variants => {
    const names = Object.keys(variants)
    const seed = fc.constantFrom(null, null, 'other')
    const condition = fc.oneof({ weight: 5, arbitrary: conditionFor(client) }, { weight: 1, arbitrary: inSegment })
    const rule: fc.Arbitrary<Omit<FlagRule, 'id'>> = fc.record({
      when: fc.array(condition, { maxLength: 2 }),
      share: percent,
      by,
      seed,
      serve: serveOf(names, seed),
    })
    const cohort: fc.Arbitrary<FlagCohort> = fc.record({
      segment: fc.constantFrom('members', 'staff'),
      share: percent,
      mix: fc.constantFrom(null, null, [
        { where: { team: ['tokyo'] }, share: 0.5 },
        { where: { team: ['osaka', 'kyoto'] }, share: 0.2 },
      ]),
    })
    return fc
      .record({
        on: fc.constantFrom(true, true, true, true, false),
        killed: fc.constantFrom(false, false, false, false, true),
        seed: fc.constantFrom(key, 'group-7'),
        targets: fc.array(fc.record({ variant: fc.constantFrom(...names), keys: userKeys }), { maxLength: 2 }),
        rules: fc.array(rule, { maxLength: 3 }),
        exposure: fc.record({
          share: percent,
          cohorts: fc.array(cohort, { maxLength: 2 }),
          shadow: fc.constantFrom(false, false, false, true),
        }),
        otherwise: fc.oneof(
          { weight: 3, arbitrary: fc.constant({ variant: 'off' }) },
          { weight: 1, arbitrary: serveOf(names, seed) },
        ),
        segments: fc.record({ members: segmentFor(client), staff: segmentFor(client) }),
        kind: fc.constantFrom('release' as const, 'ops' as const, 'experiment' as const, 'permission' as const),
      })
      .map(({ rules, ...rest }) =>
        defineFlag({
          ...rest,
          key,
          algorithm: client,
          variants,
          rules: rules.map((found, index) => ({ ...found, id: `rule-${index}` })),
        }),
      )
  })
