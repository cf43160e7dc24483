import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { after, test } from 'node:test'
import * as launchDarkly from '@launchdarkly/node-server-sdk'
import { FlagdCore } from '@openfeature/flagd-core'
import fc from 'fast-check'
import { Unleash } from 'unleash-client'
import { compileFlag } from './compile-flag.ts'
import { evaluateFlag } from './evaluate-flag.ts'
import { type BucketAlgorithm, defineFlag, type FlagDefinition } from './flag-definition.ts'
import { sha1First60Bits } from './sha1.ts'

const seed = 20_240_118
const variants = { on: true, off: false, a: 'a', b: 'b', c: 'c', d: 'd' }
const names = ['a', 'b', 'c', 'd']
const usersEach = 40

const flagKey = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
const user = fc.oneof(
  fc.stringMatching(/^user-[0-9]{1,6}$/),
  fc.string({ minLength: 1, maxLength: 80 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
)
const users = fc.array(user, { minLength: usersEach, maxLength: usersEach })
/** Four whole percents that sum to 100. */
const percents = fc
  .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
  .map(cuts => [0, ...cuts.toSorted((one, other) => one - other), 100])
  .map(cuts => names.map((_, index) => cuts[index + 1]! - cuts[index]!))

const sharing = (algorithm: BucketAlgorithm, key: string, of: string, percent: number): FlagDefinition =>
  defineFlag({ key, algorithm, seed: of, variants, exposure: { share: percent / 100, cohorts: [], shadow: false } })

const splitting = (algorithm: BucketAlgorithm, key: string, of: string, parts: readonly number[]): FlagDefinition => {
  const split = names.map((variant, index) => ({ variant, weight: parts[index]! * 1_000 }))
  const otherwise = { split, by: null, seed: null, experiment: true }
  return defineFlag({ key, algorithm, seed: of, variants, otherwise })
}

const servedTo = (flag: FlagDefinition, keys: readonly string[]): readonly (string | null)[] => {
  const compiled = compileFlag(flag)
  assert.deepEqual(compiled.problems, [])
  return keys.map(targetingKey => evaluateFlag(compiled, { targetingKey }).variant)
}

const unleashToggles = new Map<string, object>()
const repository = Object.assign(new EventEmitter(), {
  getToggle: (name: string) => unleashToggles.get(name),
  getToggles: () => [],
  getTogglesWithSegmentData: () => [],
  getSegment: () => undefined,
  start: async () => {},
  stop: () => {},
  setMode: async () => {},
  getMode: () => 'polling' as const,
})
const unleash = new Unleash({
  appName: 'official-clients-test',
  url: 'http://127.0.0.1:9/api/',
  repository: repository as never,
  disableMetrics: true,
  skipInstanceCountWarning: true,
})
repository.emit('ready')
after(() => unleash.destroy())

test('a share of an unleash flag has the users that unleash-client chooses, and a split deals them the same variants', () => {
  fc.assert(
    fc.property(
      flagKey,
      flagKey,
      fc.integer({ min: 0, max: 100 }),
      percents,
      users,
      (key, groupId, rollout, parts, keys) => {
        const strategy = {
          name: 'flexibleRollout',
          parameters: { groupId, rollout: String(rollout), stickiness: 'userId' },
        }
        unleashToggles.set('share', { name: 'share', enabled: true, strategies: [strategy] })
        const shareOf = keys.map(userId => (unleash.isEnabled('share', { userId }) ? 'on' : 'off'))
        assert.deepEqual(servedTo(sharing('unleash', key, groupId, rollout), keys), shareOf)
        const weighted = names.map((name, index) => ({
          name,
          weight: parts[index]! * 10,
          stickiness: 'userId',
          payload: undefined,
        }))
        const everybody = { ...strategy, parameters: { ...strategy.parameters, rollout: '100' }, variants: weighted }
        unleashToggles.set('split', { name: 'split', enabled: true, strategies: [everybody] })
        const splitOf = keys.map(userId => unleash.getVariant('split', { userId }).name)
        assert.deepEqual(servedTo(splitting('unleash', key, groupId, parts), keys), splitOf)
      },
    ),
    { numRuns: 150, seed },
  )
})

test('a flagd flag serves what the fractional rule of flagd-core serves, whatever its weights sum to', () => {
  const logger = { error() {}, warn() {}, info() {}, debug() {} }
  const resolve = (key: string, fractional: unknown, keys: readonly string[]): readonly (string | undefined)[] => {
    const core = new FlagdCore()
    const flag = { state: 'ENABLED', variants, defaultVariant: 'off', targeting: { fractional } }
    core.setConfigurations(
      JSON.stringify({
        flags: { [key]: { ...flag, variants: Object.fromEntries(Object.keys(variants).map(name => [name, name])) } },
      }),
    )
    return keys.map(targetingKey => core.resolveStringEvaluation(key, 'off', { targetingKey }, logger).variant)
  }
  fc.assert(
    fc.property(flagKey, fc.integer({ min: 0, max: 100_000 }), percents, users, (key, weight, parts, keys) => {
      const share = [
        ['on', weight],
        ['off', 100_000 - weight],
      ]
      assert.deepEqual(servedTo(sharing('flagd', key, key, weight / 1_000), keys), resolve(key, share, keys))
      const split = names.map((name, index) => [name, parts[index]])
      assert.deepEqual(servedTo(splitting('flagd', key, key, parts), keys), resolve(key, split, keys))
    }),
    { numRuns: 150, seed },
  )
})

test('a launchdarkly flag serves what its server SDK serves, by salt, by own seed and by attribute, in and out of experiments', async () => {
  const data = new launchDarkly.integrations.TestData()
  const silent = { error() {}, warn() {}, info() {}, debug() {} }
  const client = launchDarkly.init('sdk-key', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: silent,
  })
  await client.waitForInitialization({ timeout: 10 })
  const attribute = fc.oneof(user, fc.integer(), fc.constantFrom(1.5, true, undefined, [1], '', {}))
  let version = 0
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          key: flagKey,
          salt: fc.stringMatching(/^[a-f0-9]{0,12}$/),
          own: fc.option(fc.integer({ min: 1, max: 1e6 })),
        }),
        percents,
        fc.record({ experiment: fc.boolean(), untracked: fc.boolean() }),
        fc.array(fc.tuple(user, attribute), { minLength: usersEach, maxLength: usersEach }),
        async ({ key, salt, own }, parts, { experiment, untracked }, people) => {
          version += 1
          const by = experiment ? null : 'team'
          await data.usePreconfiguredFlag({
            key,
            version,
            on: true,
            salt,
            variations: names,
            offVariation: 0,
            targets: [],
            rules: [],
            prerequisites: [],
            fallthrough: {
              rollout: {
                kind: experiment ? 'experiment' : 'rollout',
                contextKind: 'user',
                ...(by === null ? {} : { bucketBy: by }),
                ...(own === null ? {} : { seed: own }),
                variations: parts.map((part, variation) => ({
                  variation,
                  weight: part * 1_000,
                  untracked: untracked && variation === 0,
                })),
              },
            },
          })
          const split = names.map((variant, index) => ({
            variant,
            weight: parts[index]! * 1_000,
            tracked: !(untracked && index === 0),
          }))
          const of = own === null ? `${key}.${salt}` : String(own)
          const flag = compileFlag(
            defineFlag({ key, algorithm: 'launchdarkly', variants, otherwise: { split, by, seed: of, experiment } }),
          )
          assert.deepEqual(flag.problems, [])
          for (const [targetingKey, team] of people) {
            const theirs = await client.variationDetail(key, { kind: 'user', key: targetingKey, team }, 'none')
            const ours = evaluateFlag(flag, { targetingKey, team })
            assert.deepEqual(
              [ours.variant, ours.inExperiment],
              [theirs.value, theirs.reason.inExperiment ?? false],
              JSON.stringify([targetingKey, team, theirs.reason]),
            )
          }
        },
      ),
      { numRuns: 150, seed },
    )
  } finally {
    client.close()
  }
})

test('SHA-1 gives the first 60 bits of the digest, of one block and of several', async () => {
  for (const length of [0, 1, 2, 3, 54, 55, 56, 63, 64, 65, 119, 120, 121, 1_000]) {
    const text = Array.from({ length }, (_, index) => String.fromCharCode((index * 7) % 256)).join('')
    const bytes = Uint8Array.from(text, character => character.charCodeAt(0))
    const digest = await crypto.subtle.digest('SHA-1', bytes)
    const expected = Number.parseInt(Buffer.from(digest).toString('hex').slice(0, 15), 16)
    for (const cut of [0, length >> 1, length])
      assert.equal(sha1First60Bits(text.slice(0, cut), text.slice(cut)), expected, `${length} bytes cut at ${cut}`)
  }
})
