import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createDankaiClient } from '@dankai/sdk'
import { init } from '@launchdarkly/node-server-sdk'
import { TestData } from '@launchdarkly/node-server-sdk/integrations'
import { shareOf, startLocalControlPlane } from '../../testing/local-control-plane.ts'
import {
  bookingFlagsOf,
  FeatureFlagService,
  FeatureFlags,
  type FlagClient,
  featureFlags,
  flagClientOf,
  type UserContext,
} from './index.ts'
import { connectLaunchDarkly } from './launchdarkly.ts'

const plane = await startLocalControlPlane()
const client = createDankaiClient({ url: plane.url, key: 'key', name: 'trips' })
const errors: [string, unknown][] = []
const silent = { error() {}, warn() {}, info() {}, debug() {} }
const logError = (message: string, error: unknown) => void errors.push([message, error])
const service = new FeatureFlagService(() => flagClientOf(client), logError)
after(async () => {
  await client.close()
  await plane.close()
})
await client.ready()

test('the keys are those of the documents (F-045..F-054)', () => {
  assert.deepEqual(Object.values(FeatureFlags), [
    'new-booking-flow',
    'ai-trip-suggestions',
    'real-time-pricing',
    'payment-gateway-enabled',
    'external-map-api-enabled',
    'rate-limiting-strict',
    'search-algorithm-variant',
    'checkout-ui-variant',
    'premium-features',
    'beta-tester-features',
  ])
})

test('a flag is asked with the user as context, and unknown flags give the default (F-056 F-060)', async () => {
  const segments = { japan: { include: { country: ['JP'] } }, staff: { include: { email: ['a@triptrip.com'] } } }
  const cohorts = ['japan', 'staff'].map(segment => ({ segment, share: 1, mix: null }))
  await plane.setFlag(
    { key: FeatureFlags.NEW_BOOKING_FLOW, segments, exposure: { share: 0, shadow: false, cohorts } },
    1,
  )
  const rows: readonly [user: Parameters<FeatureFlagService['isEnabled']>[1], isOn: boolean][] = [
    [{ key: 'u', custom: { country: 'JP' } }, true],
    [{ key: 'u', custom: { country: 'FR' } }, false],
    [{ key: 'u', email: 'a@triptrip.com', name: 'A' }, true],
    [{ key: 'u' }, false],
  ]
  for (const [user, isOn] of rows)
    assert.equal(await service.isEnabled(FeatureFlags.NEW_BOOKING_FLOW, user), isOn, JSON.stringify(user))
  assert.equal(await service.isEnabled('unknown', { key: 'u' }), false)
  assert.equal(await service.isEnabled('unknown', { key: 'u' }, true), true)
})

test('a variation has the type of its default, or is the default (F-058)', async () => {
  await plane.setFlag(
    { key: FeatureFlags.CHECKOUT_UI_VARIANT, variants: { on: 'one-page', off: 'classic' }, exposure: shareOf(1) },
    1,
  )
  assert.equal(await service.getVariation(FeatureFlags.CHECKOUT_UI_VARIANT, { key: 'u' }, 'none'), 'one-page')
  assert.equal(await service.getVariation(FeatureFlags.CHECKOUT_UI_VARIANT, { key: 'u' }, 3), 3)
  assert.deepEqual(await service.getVariation('unknown', { key: 'u' }, { a: 1 }), { a: 1 })
})

test('whoever chance has placed is in the experiment; without one it is control and nobody is in (F-059 F-064)', async () => {
  const flags = bookingFlagsOf(service)
  assert.deepEqual(await flags.searchVariant({ key: 'u' }), { variant: 'control', inExperiment: false })
  await plane.setFlag(
    {
      key: FeatureFlags.SEARCH_ALGORITHM_VARIANT,
      kind: 'experiment',
      variants: { on: 'ml_ranking', off: 'control' },
      exposure: shareOf(0.5),
    },
    1,
  )
  const found = await Promise.all(Array.from({ length: 40 }, (_, index) => flags.searchVariant({ key: `u-${index}` })))
  assert.deepEqual(new Set(found.map(({ variant }) => variant)), new Set(['ml_ranking', 'control']))
  assert.ok(found.every(({ inExperiment }) => inExperiment))
  await plane.setFlag(
    {
      key: FeatureFlags.SEARCH_ALGORITHM_VARIANT,
      kind: 'experiment',
      variants: { on: 'ml_ranking', off: 'control' },
      on: false,
    },
    1,
  )
  assert.deepEqual(await flags.searchVariant({ key: 'u-1' }), { variant: 'control', inExperiment: false })
})

test('payments stay on until their switch is turned off (F-063)', async () => {
  const flags = bookingFlagsOf(service)
  assert.equal(await flags.isPaymentEnabled({ key: 'u' }), true)
  await plane.setFlag({ key: FeatureFlags.PAYMENT_GATEWAY_ENABLED, kind: 'ops', on: false }, 1)
  assert.equal(await flags.isPaymentEnabled({ key: 'u' }), false)
})

test('an error is logged with the name of the flag and answered with the default (F-057 F-058)', async () => {
  const gone = createDankaiClient({ url: plane.url, key: 'key', name: 'gone' })
  await gone.close()
  const failing = new FeatureFlagService(() => flagClientOf(gone), logError)
  assert.equal(await failing.isEnabled(FeatureFlags.PREMIUM_FEATURES, { key: 'u' }, true), true)
  assert.equal(await failing.getVariation(FeatureFlags.CHECKOUT_UI_VARIANT, { key: 'u' }, 'classic'), 'classic')
  assert.deepEqual(await failing.getExperimentVariant('x', { key: 'u' }), { variant: 'control', inExperiment: false })
  assert.deepEqual(
    errors.splice(0).map(([message]) => message),
    [
      'Feature flag error for premium-features:',
      'Feature flag error for checkout-ui-variant:',
      'Feature flag error for x:',
    ],
  )
})

test('the official client of LaunchDarkly answers the same calls, and gets the user as LDUser (F-043 F-055 F-056 F-058..F-060)', async t => {
  const data = new TestData()
  const client = init('sdk-key', { updateProcessor: data.getFactory(), sendEvents: false, logger: silent })
  const official = new FeatureFlagService(() => client, logError)
  t.after(() => official.close())
  await data.update(
    data
      .flag(FeatureFlags.NEW_BOOKING_FLOW)
      .ifMatch('user', 'country', 'JP')
      .thenReturn(true)
      .fallthroughVariation(false),
  )
  await data.update(
    data.flag(FeatureFlags.CHECKOUT_UI_VARIANT).variations('classic', 'one-page').fallthroughVariation(1),
  )
  const rows: readonly [user: UserContext, isOn: boolean][] = [
    [{ key: 'u', custom: { country: 'JP' } }, true],
    [{ key: 'u', custom: { country: 'FR', plan: 'premium', signupDate: '2026-01-01', deviceType: 'ios' } }, false],
    [{ key: 'u', email: 'a@triptrip.com', name: 'A' }, false],
  ]
  for (const [user, isOn] of rows)
    assert.equal(await official.isEnabled(FeatureFlags.NEW_BOOKING_FLOW, user), isOn, JSON.stringify(user))
  assert.equal(await official.getVariation(FeatureFlags.CHECKOUT_UI_VARIANT, { key: 'u' }, 'none'), 'one-page')
  assert.equal(await official.isEnabled('unknown', { key: 'u' }, true), true)
  assert.deepEqual(await official.getExperimentVariant(FeatureFlags.SEARCH_ALGORITHM_VARIANT, { key: 'u' }), {
    variant: 'control',
    inExperiment: false,
  })
})

test('inExperiment is what the reason of the official client says (F-059)', async () => {
  for (const [reason, inExperiment] of [
    [{ kind: 'FALLTHROUGH', inExperiment: true }, true],
    [{ kind: 'FALLTHROUGH' }, false],
    [undefined, false],
  ] as const) {
    const answering: FlagClient = {
      waitForInitialization: async () => {},
      variation: async () => null,
      variationDetail: async () => ({ value: 'hybrid', ...(reason === undefined ? {} : { reason }) }),
    }
    const found = await new FeatureFlagService(() => answering, logError).getExperimentVariant('x', { key: 'u' })
    assert.deepEqual(found, { variant: 'hybrid', inExperiment })
  }
})

test('the one service of the module is opened by LAUNCHDARKLY_SDK_KEY, and without it gives defaults (F-044 F-061)', async () => {
  assert.ok(featureFlags instanceof FeatureFlagService)
  await assert.rejects(connectLaunchDarkly({}), /found no LAUNCHDARKLY_SDK_KEY/)
  const without = new FeatureFlagService(() => connectLaunchDarkly({}), logError)
  assert.equal(await without.isEnabled(FeatureFlags.PREMIUM_FEATURES, { key: 'u' }, true), true)
  assert.match(String(errors.at(-1)?.[1]), /LAUNCHDARKLY_SDK_KEY/)
})
