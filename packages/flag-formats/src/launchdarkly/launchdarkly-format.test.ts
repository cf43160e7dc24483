import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Condition,
  defineFlag,
  evaluateFlag,
  type FlagDefinition,
  FlagSet,
  type Serve,
  weightTotal,
} from '@dankai/flags'
import launchDarkly, { type LDClient, type LDContext } from '@launchdarkly/node-server-sdk'
import fc from 'fast-check'
import { exportLaunchDarkly } from './export-environment.ts'
import { importLaunchDarkly } from './import-launchdarkly.ts'
import { readLaunchDarklyContext } from './read-context.ts'

/** Random, and printed, so that a failure can be repeated: DANKAI_SEED=… node --test … */
const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const data = new launchDarkly.integrations.TestData()
let client: LDClient

before(async () => {
  const silent = { error() {}, warn() {}, info() {}, debug() {} }
  client = launchDarkly.init('sdk-key', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: silent,
  })
  await client.waitForInitialization({ timeout: 10 })
})
after(() => client.close())

/** The client takes only what is newer. */
let revision = 0

async function serve(definitions: readonly FlagDefinition[]) {
  const environment = exportLaunchDarkly(definitions)
  const version = ++revision
  for (const { flag, segments } of environment.flags.values()) {
    // The client writes into what it is given.
    for (const segment of segments) await data.usePreconfiguredSegment(structuredClone({ ...segment, version }))
    await data.usePreconfiguredFlag(structuredClone({ ...flag, version }))
  }
  return environment
}

function ours(flags: FlagSet, key: string, context: unknown) {
  const read = readLaunchDarklyContext(context)
  assert.ok(read.ok, JSON.stringify(context))
  const flag = flags.find(key)
  assert.ok(flag)
  assert.deepEqual(flag.problems, [])
  return evaluateFlag(flag, read.context)
}

const text = fc.constantFrom('free', 'pro', 'PRO', 'Kiosk', 'true', '42', 'team-a', 'x@example.com', 'y@EXAMPLE.com')
const number = fc.constantFrom(0, 1, 18, 41.5, 42, -3)
const moment = fc.constantFrom('2026-03-01T09:00:00+09:00', '2026-03-01T00:00:00Z', 1_772_323_200_000)
const version = fc.constantFrom('2.14.0', '2.14.1', '2.14.0-beta.2', '3.0.0')

const attributes = fc.record(
  {
    plan: fc.oneof(text, fc.constantFrom(42, true, null)),
    email: text,
    age: number,
    beta: fc.boolean(),
    since: moment,
    app: fc.oneof(version, fc.constantFrom('2.14', 'next')),
    tags: fc.array(text, { minLength: 1, maxLength: 3 }),
    team: fc.record({ name: text }),
    'a/b~c': text,
  },
  { requiredKeys: [] },
)

const userKey = fc.integer({ min: 0, max: 400 }).map(index => `user-${index}`)

const context: fc.Arbitrary<LDContext> = fc.oneof(
  fc.tuple(userKey, attributes).map(([key, more]) => ({ kind: 'user', key, ...more })),
  fc.tuple(userKey, attributes).map(([key, { email, ...custom }]) => ({
    key,
    ...(email === undefined ? {} : { email }),
    custom: custom as Record<string, never>,
  })),
)

const condition = (
  attribute: fc.Arbitrary<string>,
  operator: fc.Arbitrary<Condition['operator']>,
  value: fc.Arbitrary<string | number | boolean>,
): fc.Arbitrary<Condition> =>
  fc.record({
    attribute,
    operator,
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
    negated: fc.boolean(),
  })

const named = fc.constantFrom('plan', 'email', 'tags', 'targetingKey', 'custom.plan', 'team.name', 'beta')

const conditions: fc.Arbitrary<readonly Condition[]> = fc.array(
  fc.oneof(
    condition(named, fc.constant('is'), fc.oneof(text, fc.constantFrom(42, true, 'user-7', 'user-8'))),
    condition(
      named,
      fc.constantFrom('startsWith', 'endsWith', 'contains'),
      fc.constantFrom('pr', 'm', 'team', 'user-1'),
    ),
    fc
      .tuple(condition(named, fc.constantFrom('is', 'startsWith', 'endsWith', 'contains'), text), fc.boolean())
      .map(([one, ignoreCase]) => ({ ...one, ignoreCase })),
    condition(named, fc.constant('matches'), fc.constantFrom('^p', 'o$', '[0-9]{2}', 'r|x')),
    condition(fc.constant('age'), fc.constantFrom('=', '<', '<=', '>', '>='), number),
    condition(fc.constant('since'), fc.constantFrom('before', 'after'), fc.oneof(moment, fc.constant('2026-03-01'))),
    condition(fc.constant('app'), fc.constantFrom('semver=', 'semver<', 'semver<=', 'semver>', 'semver>='), version),
    fc
      .tuple(named, fc.boolean())
      .map(([attribute, negated]): Condition => ({ attribute, operator: 'exists', values: [], negated })),
    fc.boolean().map((negated): Condition => ({ attribute: '', operator: 'inSegment', values: ['insiders'], negated })),
  ),
  { maxLength: 3 },
)

const variants = { red: 'red', green: 'green', blue: 'blue' }
const variant = fc.constantFrom('red', 'green', 'blue')
const share = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: 100 }).map(percent => percent / 100),
)
const weights = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 40 }))
  .map(([first, second]) => [first, second, 100 - first - second])

/** Most flags read one bucket; another one in the middle of it cannot be followed. */
const source = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ by: null, seed: null }) },
  {
    weight: 1,
    arbitrary: fc.record({
      by: fc.constantFrom(null, 'plan', 'team.name', 'custom.plan', 'a/b~c'),
      seed: fc.constantFrom(null, '61', '7919'),
    }),
  },
)

const serving: fc.Arbitrary<Serve> = fc.oneof(
  variant.map(one => ({ variant: one })),
  fc.record({ weights, source, experiment: fc.boolean(), untracked: fc.boolean() }).map(given => ({
    split: Object.keys(variants).map((one, index) => ({
      variant: one,
      weight: given.weights[index]! * 1_000,
      ...(given.untracked && index === 0 ? { tracked: false } : {}),
    })),
    ...given.source,
    experiment: given.experiment,
  })),
)

const definition: fc.Arbitrary<FlagDefinition> = fc
  .record({
    on: fc.constantFrom(true, true, true, false),
    algorithm: fc.oneof(
      { weight: 8, arbitrary: fc.constant('launchdarkly' as const) },
      { weight: 2, arbitrary: fc.constantFrom('dankai' as const, 'flagd' as const) },
    ),
    salt: fc.stringMatching(/^[a-f0-9]{1,8}$/),
    targets: fc.array(fc.record({ variant, keys: fc.array(userKey, { maxLength: 20 }) }), { maxLength: 2 }),
    rules: fc.array(fc.record({ when: conditions, share, source, serve: serving }), { maxLength: 4 }),
    segment: fc.record({
      rules: fc.array(
        conditions.filter(list => !list.some(({ operator }) => operator === 'inSegment')),
        { maxLength: 2 },
      ),
      keys: fc.array(userKey, { maxLength: 10 }),
      excludedKeys: fc.array(userKey, { maxLength: 10 }),
    }),
    exposure: share,
    cohorts: fc.constantFrom([], [], [1], [0.3]),
    mix: fc.option(fc.array(share, { minLength: 2, maxLength: 2 })),
    otherwise: serving,
  })
  .map(({ on, algorithm, salt, targets, rules, segment, exposure, cohorts, mix, otherwise }) =>
    defineFlag({
      key: 'colour',
      on,
      algorithm,
      seed: `colour.${salt}`,
      variants,
      offVariant: 'red',
      onVariant: 'green',
      targets,
      rules: rules.map(({ source: { by, seed: own }, ...rule }, index) => ({
        id: `rule-${index}`,
        by,
        seed: own,
        ...rule,
      })),
      segments: { insiders: { include: {}, ...segment } },
      exposure: {
        share: exposure,
        shadow: false,
        cohorts: cohorts.map(ofCohort => ({
          segment: 'insiders',
          share: ofCohort,
          mix:
            mix === null
              ? null
              : mix.map((one, index) => ({ where: { plan: [index === 0 ? 'free' : 'pro'] }, share: one })),
        })),
      },
      otherwise,
    }),
  )

describe(`LaunchDarkly's format (seed ${seed})`, () => {
  it('F-044 exports what the unmodified SDK evaluates exactly as we do: value and experiment, for any rules and context', async () => {
    let followed = 0
    await fc.assert(
      fc.asyncProperty(definition, fc.array(context, { minLength: 25, maxLength: 25 }), async (flag, contexts) => {
        const flags = new FlagSet([flag])
        const { refused } = await serve([flag])
        if (refused.size > 0) return
        followed++
        for (const one of contexts) {
          const theirs = await client.variationDetail('colour', one, 'none')
          const { value, inExperiment } = ours(flags, 'colour', one)
          assert.deepEqual(
            [theirs.value, theirs.reason.inExperiment ?? false],
            [value, inExperiment],
            JSON.stringify([one, theirs.reason, flag]),
          )
        }
      }),
      { numRuns: 400, seed },
    )
    assert.ok(followed > 200, `${followed} of 400 definitions could be followed`)
  })

  it('imports its own export with the same answers, or says what is missing', () => {
    let carried = 0
    fc.assert(
      fc.property(definition, fc.array(context, { minLength: 25, maxLength: 25 }), (flag, contexts) => {
        const { flags, refused } = exportLaunchDarkly([flag])
        if (refused.size > 0) return
        const exported = flags.get('colour')
        assert.ok(exported)
        const segments = Object.fromEntries(exported.segments.map(segment => [segment.key, segment]))
        const imported = importLaunchDarkly(JSON.parse(JSON.stringify({ flags: { colour: exported.flag }, segments })))
        const [back] = imported.flags
        assert.ok(back, JSON.stringify(imported.notCarried))
        if (imported.notCarried.some(({ why }) => why.endsWith('switched off'))) return assert.equal(back.on, false)
        carried++
        const before = new FlagSet([flag])
        const now = new FlagSet([back])
        for (const one of contexts) {
          const [was, is] = [ours(before, 'colour', one), ours(now, 'colour', one)]
          assert.deepEqual([is.value, is.inExperiment], [was.value, was.inExperiment], JSON.stringify([one, flag]))
        }
      }),
      { numRuns: 400, seed },
    )
    assert.ok(carried > 150, `${carried} of 400 definitions could be carried back`)
  })

  it('F-043 deals 10,000 users of a percentage flag as the SDK does, and refuses a flag with other buckets', async () => {
    const percentage = (algorithm: FlagDefinition['algorithm']): FlagDefinition =>
      defineFlag({
        key: 'booking',
        algorithm,
        seed: 'booking.4f1a',
        exposure: { share: 0.15, cohorts: [], shadow: false },
      })
    const flag = percentage('launchdarkly')
    await serve([flag])
    const flags = new FlagSet([flag])
    const keys = Array.from({ length: 10_000 }, (_, index) => `user-${index}`)
    const theirs: string[] = []
    for (const key of keys) if (await client.variation('booking', { kind: 'user', key }, false)) theirs.push(key)
    const mine = keys.filter(key => ours(flags, 'booking', { kind: 'user', key }).value === true)
    assert.deepEqual(mine, theirs)
    assert.ok(mine.length > 1_350 && mine.length < 1_650, String(mine.length))
    for (const algorithm of ['dankai', 'unleash', 'flagd'] as const) {
      const { refused } = exportLaunchDarkly([percentage(algorithm)])
      assert.match(refused.get('booking') ?? '', new RegExp(`buckets are those of "${algorithm}"`))
      const plain = { ...percentage(algorithm), exposure: { share: 1, cohorts: [], shadow: false } }
      assert.equal(exportLaunchDarkly([plain]).refused.size, 0)
      assert.equal(exportLaunchDarkly([{ ...percentage(algorithm), on: false }]).refused.size, 0)
    }
  })

  it('follows prerequisites as we do, those that a flag fulfils by being off included', async () => {
    const upstream = (change: Partial<FlagDefinition>): FlagDefinition =>
      defineFlag({ key: 'upstream', algorithm: 'launchdarkly', seed: 'upstream.1', ...change })
    const half = { exposure: { share: 0.5, cohorts: [], shadow: false } }
    const cases: readonly Partial<FlagDefinition>[] = [half, { on: false }, { killed: true }, { ...half, on: false }]
    for (const change of cases)
      for (const wanted of ['on', 'off', 'other']) {
        const asking = defineFlag({
          key: 'asking',
          prerequisites: [{ flag: 'upstream', variants: [wanted] }],
          exposure: { share: 1, cohorts: [], shadow: false },
        })
        const definitions = [asking, upstream(change)]
        const { refused } = await serve(definitions)
        assert.deepEqual([...refused], [])
        const flags = new FlagSet(definitions)
        for (let index = 0; index < 20; index++) {
          const user = { kind: 'user', key: `user-${index}` }
          const theirs = await client.variation('asking', user, null)
          assert.equal(theirs, ours(flags, 'asking', user).value, JSON.stringify([change, wanted, index]))
        }
      }
  })

  it('leaves out a flag whose prerequisite cannot be followed, and flags that ask for one another', () => {
    const dealt = defineFlag({ key: 'dealt', exposure: { share: 0.5, cohorts: [], shadow: false } })
    const asking = (key: string, flag: string) => defineFlag({ key, prerequisites: [{ flag, variants: ['on'] }] })
    const { flags, refused } = exportLaunchDarkly([
      asking('second', 'first'),
      asking('first', 'dealt'),
      dealt,
      asking('one', 'other'),
      asking('other', 'one'),
      asking('alone', 'unknown'),
    ])
    assert.deepEqual([...refused.keys()].toSorted(), ['dealt', 'first', 'one', 'other', 'second'])
    assert.deepEqual([...flags.keys()], ['alone'])
  })

  it('leaves out a flag with a key that every object has, on or off, because its SDK would end the process', () => {
    const flags = [
      defineFlag({ key: 'constructor' }),
      defineFlag({ key: 'toString', on: false }),
      defineFlag({ key: 'asks', prerequisites: [{ flag: 'valueOf', variants: ['on'] }] }),
      defineFlag({ key: 'constructors' }),
    ]
    const environment = exportLaunchDarkly(flags)
    assert.deepEqual([...environment.flags.keys()], ['constructors'])
    assert.match(environment.refused.get('toString') ?? '', /break on "toString", which every object has/)
    assert.match(environment.refused.get('asks') ?? '', /break on "valueOf"/)
  })

  it('refuses by name what LaunchDarkly has no word for', () => {
    const refusal = (change: Partial<FlagDefinition>): string | undefined =>
      exportLaunchDarkly([defineFlag({ key: 'k', algorithm: 'launchdarkly', seed: 'k.1', ...change })]).refused.get('k')
    const when = (one: Partial<Condition>): Partial<FlagDefinition> => ({
      rules: [
        {
          id: 'r',
          when: [{ attribute: 'ip', operator: 'is', values: ['x'], negated: false, ...one }],
          share: 1,
          by: null,
          seed: null,
          serve: { variant: 'on' },
        },
      ],
    })
    const half = { share: 0.5, cohorts: [], shadow: false }
    const cases: readonly (readonly [Partial<FlagDefinition>, RegExp | undefined])[] = [
      [when({ operator: 'cidr', values: ['10.0.0.0/8'] }), /no operator for "cidr"/],
      [when({ operator: 'matches', ignoreCase: true }), /regular expressions that ignore case/],
      [when({ operator: 'is', values: ['東京'], ignoreCase: true }), /outside ASCII/],
      [when({ operator: 'is', values: ['東京'] }), undefined],
      [{ seed: 'elsewhere', exposure: half }, /"k\.SALT" or a whole number, not from "elsewhere"/],
      [{ seed: '61', exposure: half }, undefined],
      [{ seed: 'elsewhere' }, undefined],
      [{ variants: { on: true } }, /offVariant/],
    ]
    for (const [change, expected] of cases)
      if (expected === undefined) assert.equal(refusal(change), undefined, JSON.stringify(change))
      else assert.match(refusal(change) ?? 'followed', expected)
  })

  it('names what an import cannot carry, and switches the flag off where it decides who is served what', () => {
    const given = {
      version: 3,
      on: true,
      salt: 'aa',
      variations: [true, false],
      offVariation: 1,
      fallthrough: { variation: 0 },
      targets: [],
      rules: [],
      prerequisites: [],
    }
    const clause = { attribute: 'plan', op: 'in', values: ['pro'], negate: false }
    const ruled = (one: object) => ({ ...given, rules: [{ id: 'r', variation: 0, clauses: [{ ...clause, ...one }] }] })
    const imported = importLaunchDarkly({
      flags: {
        sound: given,
        organisation: ruled({ contextKind: 'organization' }),
        invented: ruled({ op: 'rhymesWith' }),
        lookbehind: ruled({ op: 'matches', values: ['(?<=a)b'] }),
        typed: ruled({ values: [42] }),
        unbounded: {
          ...given,
          rules: ['first', 'second'].map(id => ({
            id,
            variation: 0,
            clauses: [{ ...clause, attribute: '', op: 'segmentMatch', values: ['large'] }],
          })),
        },
        patterned: ruled({ attribute: '', op: 'segmentMatch', values: ['pattern'] }),
        dated: ruled({ op: 'before', values: ['2026-03-01'] }),
        asksForLost: { ...given, prerequisites: [{ key: 'organisation', variation: 0 }] },
        asksForLostOff: { ...given, prerequisites: [{ key: 'organisation', variation: 1 }] },
        asksForThoseWhoAsk: { ...given, prerequisites: [{ key: 'asksForLost', variation: 1 }] },
        asksForOff: { ...given, prerequisites: [{ key: 'resting', variation: 1 }] },
        asksForOn: { ...given, prerequisites: [{ key: 'resting', variation: 0 }] },
        resting: { ...given, on: false },
        weighted: ruled({ attribute: '', op: 'segmentMatch', values: ['part'] }),
        gone: { ...given, deleted: true },
        offless: { ...given, offVariation: null },
        devices: { ...given, contextTargets: [{ contextKind: 'device', values: ['d'], variation: 0 }] },
        shapeless: { variations: [1], rules: 7 },
        empty: null,
      },
      segments: {
        large: { key: 'large', unbounded: true },
        pattern: { key: 'pattern', rules: [{ clauses: [{ ...clause, op: 'matches', values: ['(?<=a)b'] }] }] },
        part: { key: 'part', rules: [{ clauses: [clause], weight: 10_000 }] },
      },
    })
    const stateOf = (key: string) => imported.flags.find(flag => flag.key === key)?.on
    const whyOf = (key: string) =>
      imported.notCarried
        .filter(({ flag }) => flag === key)
        .map(({ why }) => why)
        .join()
    const cases: readonly (readonly [string, boolean | undefined, RegExp])[] = [
      ['sound', true, /^$/],
      ['organisation', false, /kind "organization".*switched off/],
      ['invented', false, /"rhymesWith" is not known/],
      ['lookbehind', false, /regular expression/],
      ['typed', true, /equals the text that reads alike/],
      ['unbounded', false, /"large" is kept outside.*"large" is kept outside/],
      ['patterned', false, /segment "pattern": .*regular expression.*switched off/],
      ['dated', false, /compares moments with "2026-03-01"/],
      ['asksForLost', true, /"organisation" comes without some who have it/],
      ['asksForLostOff', false, /there but not here would meet this; the flag comes switched off/],
      ['asksForThoseWhoAsk', false, /there but not here would meet this; the flag comes switched off/],
      ['asksForOff', false, /asks for what "resting" serves while off/],
      ['asksForOn', true, /^$/],
      ['resting', false, /^$/],
      ['weighted', false, /"part" has a share/],
      ['gone', undefined, /deleted/],
      ['offless', true, /its own default/],
      ['devices', false, /contexts of kind "device"/],
      ['shapeless', undefined, /no flag of LaunchDarkly/],
      ['empty', undefined, /no variations/],
    ]
    for (const [key, on, why] of cases) {
      assert.equal(stateOf(key), on, key)
      assert.match(whyOf(key), why, key)
    }
    const sound = imported.flags.find(({ key }) => key === 'sound')
    assert.deepEqual(
      [sound?.algorithm, sound?.seed, sound?.onVariant, sound?.exposure.share],
      ['launchdarkly', 'sound.aa', 'on', 1],
    )
    assert.match(importLaunchDarkly('text').notCarried[0]?.why ?? '', /latest-all/)
  })

  it('takes a percentage of the fallthrough as the exposure that a release moves', () => {
    const rollout = (variations: object[], more: object = {}) =>
      importLaunchDarkly({
        flags: {
          k: {
            on: true,
            salt: 's',
            variations: [true, false],
            offVariation: 1,
            fallthrough: { rollout: { variations, ...more } },
          },
        },
      }).flags[0]
    const parts = [
      { variation: 0, weight: 25_000 },
      { variation: 1, weight: 75_000 },
    ]
    assert.equal(rollout(parts)?.exposure.share, 0.25)
    assert.deepEqual(rollout(parts)?.otherwise, { variant: 'off' })
    for (const kept of [
      rollout(parts.toReversed()),
      rollout(parts, { kind: 'experiment' }),
      rollout(parts, { seed: 7 }),
    ]) {
      assert.equal(kept?.exposure.share, 0)
      assert.ok(kept !== undefined && 'split' in kept.otherwise)
      assert.equal(
        kept.otherwise.split.reduce((sum, { weight }) => sum + weight, 0),
        weightTotal,
      )
    }
  })
})
