import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { evaluateFlag, FlagSet } from '@dankai/flags'
import launchDarkly, { type LDClient, type LDContext } from '@launchdarkly/node-server-sdk'
import fc from 'fast-check'
import { importLaunchDarkly } from './import-launchdarkly.ts'
import { readLaunchDarklyContext } from './read-context.ts'

/** Random, and printed, so that a failure can be repeated: DANKAI_SEED=… node --test … */
const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const data = new launchDarkly.integrations.TestData()
let client: LDClient

before(async () => {
  const logger = { error() {}, warn() {}, info() {}, debug() {} }
  const updateProcessor = data.getFactory()
  client = launchDarkly.init('sdk-key', { updateProcessor, sendEvents: false, diagnosticOptOut: true, logger })
  await client.waitForInitialization({ timeout: 10 })
})
after(() => client.close())

const text = fc.constantFrom('pro', 'free', 'PRO', 'JP', '東京', 'a b', 'x@corp.example', '', 'user-3')
const userKey = fc.integer({ min: 0, max: 40 }).map(index => `user-${index}`)
const kinded = fc.constantFrom({}, { contextKind: 'user' })
const names = fc.constantFrom('plan', 'email', 'tags', 'key', 'dotted.name', '/team/name', '/a~1b', 'absent', 'kind')

const clauseOf = (attribute: fc.Arbitrary<string>, op: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) =>
  fc
    .record({ attribute, op, values: fc.array(value, { minLength: 1, maxLength: 3 }), negate: fc.boolean(), kinded })
    .map(({ kinded: more, ...clause }) => ({ ...clause, ...more }))

const number = fc.constantFrom(0, 18, 20.5, -1)
const moment = fc.constantFrom('2024-01-01T00:00:00Z', '2024-06-01T12:00:00+09:00', 1_704_067_200_000, '2024-01-01')
const version = fc.constantFrom('2.0.0', '2', '2.1', '2.1.0-beta.1', '3.0.0+build')
const clause = fc.oneof(
  clauseOf(names, fc.constantFrom('in', 'startsWith', 'endsWith', 'contains'), text),
  clauseOf(names, fc.constant('matches'), fc.constantFrom('^p', 'o$', '[A-Z]{2}', '(pro|free)')),
  clauseOf(
    fc.constantFrom('age', 'absent'),
    fc.constantFrom('lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'),
    number,
  ),
  clauseOf(fc.constant('since'), fc.constantFrom('before', 'after'), moment),
  clauseOf(fc.constant('app'), fc.constantFrom('semVerEqual', 'semVerLessThan', 'semVerGreaterThan'), version),
  clauseOf(fc.constant(''), fc.constant('segmentMatch'), fc.constantFrom('insiders', 'nobody')),
)

const weights = fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 40_000 }))
const rollout = fc
  .record({
    weights,
    kind: fc.constantFrom('rollout', 'experiment'),
    bucketBy: fc.constantFrom(undefined, 'email', 'age', '/team/name', 'absent'),
    ownSeed: fc.constantFrom(undefined, 61),
    untracked: fc.boolean(),
    kinded,
  })
  .map(({ weights: [first, second], kind, bucketBy, ownSeed, untracked, kinded: more }) => ({
    rollout: {
      ...{ kind, ...more },
      ...(bucketBy === undefined ? {} : { bucketBy }),
      ...(ownSeed === undefined ? {} : { seed: ownSeed }),
      variations: [first, second, 100_000 - first - second].map((weight, variation) => ({
        ...{ variation, weight },
        ...(untracked && kind === 'experiment' && variation === 0 ? { untracked } : {}),
      })),
    },
  }))
const served = fc.oneof(
  fc.integer({ min: 0, max: 2 }).map(variation => ({ variation })),
  rollout,
)

const clauses = fc.array(clause, { minLength: 1, maxLength: 2 })
const flag = fc.record({
  on: fc.constantFrom(true, true, true, false),
  salt: fc.stringMatching(/^[a-f0-9]{4}$/),
  offVariation: fc.integer({ min: 0, max: 2 }),
  fallthrough: served,
  targets: fc.array(
    fc.record({ variation: fc.integer({ min: 0, max: 2 }), values: fc.array(userKey, { maxLength: 5 }) }),
    { maxLength: 2 },
  ),
  rules: fc
    .array(fc.tuple(clauses, served), { maxLength: 3 })
    .map(list => list.map(([when, serve], index) => ({ id: `rule-${index}`, clauses: when, ...serve }))),
})
/** What asks for others asks for those before it: the official client takes no circle for granted either. */
const exported = fc
  .record({
    flags: fc.tuple(flag, flag, flag),
    asked: fc.array(fc.tuple(fc.constantFrom(1, 2), fc.integer({ min: 0, max: 2 })), { maxLength: 2 }),
    included: fc.array(userKey, { maxLength: 5 }),
    excluded: fc.array(userKey, { maxLength: 5 }),
    rules: fc.array(clauses, { maxLength: 2 }),
  })
  .map(({ flags, asked, included, excluded, rules }) => ({
    flags: Object.fromEntries(
      flags.map((given, index) => [
        `flag-${index}`,
        {
          ...{ key: `flag-${index}`, ...given, variations: ['red', 'green', 'blue'] },
          prerequisites: asked.flatMap(([by, variation]) =>
            by === index ? [{ key: `flag-${index - 1}`, variation }] : [],
          ),
        },
      ]),
    ),
    segments: {
      insiders: {
        ...{ key: 'insiders', salt: 'i', included, excluded },
        rules: rules.map(list => ({ clauses: list.filter(({ op }) => op !== 'segmentMatch') })).filter(isAsking),
      },
    },
  }))
const isAsking = ({ clauses: list }: { clauses: readonly unknown[] }): boolean => list.length > 0

const context: fc.Arbitrary<LDContext> = fc
  .tuple(
    userKey,
    fc.record(
      {
        ...{ plan: text, email: text, 'dotted.name': text, 'a/b': text, tags: fc.array(text, { maxLength: 2 }) },
        ...{ age: number, team: fc.record({ name: text }) },
        since: fc.constantFrom('2025-01-01T00:00:00Z', 1_600_000_000_000),
        app: fc.constantFrom('2.0.0', '2.1.0-beta.1', '1.9.9', '3.1.0'),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([key, more]) => ({ kind: 'user', key, ...more }))

test('what LaunchDarkly exports serves whom its own SDK serves, or is named', async t => {
  t.diagnostic(`seed ${seed}`)
  let revision = 0
  let compared = 0
  await fc.assert(
    fc.asyncProperty(exported, fc.array(context, { minLength: 6, maxLength: 6 }), async (given, people) => {
      const stamped = { version: ++revision }
      // The client writes into what it is given.
      for (const one of Object.values(given.segments))
        await data.usePreconfiguredSegment(structuredClone({ ...one, ...stamped }))
      for (const one of Object.values(given.flags))
        await data.usePreconfiguredFlag(structuredClone({ ...one, ...stamped }))
      const { flags, notCarried } = importLaunchDarkly(structuredClone(given))
      const ours = new FlagSet(flags)
      const named = new Set(notCarried.map(one => one.flag))
      for (const key of Object.keys(given.flags).filter(one => !named.has(one))) {
        for (const who of people) {
          const { value, reason } = await client.variationDetail(key, who, null)
          const read = readLaunchDarklyContext(who)
          assert.ok(read.ok)
          const found = evaluateFlag(ours.find(key)!, read.context)
          assert.deepEqual(
            [found.value, found.inExperiment],
            [value, reason.inExperiment === true],
            JSON.stringify([key, who, reason, found, given]),
          )
          compared++
        }
      }
    }),
    { numRuns: 300, seed },
  )
  assert.ok(compared > 300, `found ${compared} comparisons`)
})
