import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { shareOf, startLocalControlPlane } from '../testing/local-control-plane.ts'
import { bookingScreenOf, FeatureFlagService } from './feature-flag-service.ts'

const plane = await startLocalControlPlane()
after(() => plane.close())
const options = { url: plane.url, key: 'mobile-key-xxx', name: 'app' }

test('the app has one service with the keys of the documents (F-069..F-072)', () => {
  assert.equal(FeatureFlagService.instance(options), FeatureFlagService.instance({ ...options }))
  const { newBookingFlow, aiTripSuggestions, darkModeEnabled } = FeatureFlagService
  assert.deepEqual(
    [newBookingFlow, aiTripSuggestions, darkModeEnabled],
    ['new-booking-flow', 'ai-trip-suggestions', 'dark-mode-enabled'],
  )
})

test('before it is initialised every answer is the default, and afterwards the flag of the user (F-073..F-075 F-079)', async t => {
  const service = FeatureFlagService.instance(options)
  t.after(() => service.dispose())
  const { newBookingFlow, darkModeEnabled } = FeatureFlagService
  const segments = { staff: { include: { email: ['a@triptrip.com'] } }, guests: { include: { email: [''] } } }
  const exposureOf = (segment: string) => ({ ...shareOf(0), cohorts: [{ segment, share: 1, mix: null }] })
  await plane.setFlag({ key: newBookingFlow, segments, exposure: exposureOf('staff') })
  await plane.setFlag({
    key: darkModeEnabled,
    segments,
    exposure: exposureOf('guests'),
    variants: { on: 'dark', off: 'light' },
  })
  assert.equal(service.isEnabled(newBookingFlow), false)
  assert.equal(service.isEnabled(newBookingFlow, { defaultValue: true }), true)
  assert.equal(service.getStringVariation(darkModeEnabled, 'system'), 'system')
  assert.equal(bookingScreenOf(service), 'LegacyBookingFlowWidget')
  await service.initialize('u', { email: 'a@triptrip.com' })
  assert.equal(service.isEnabled(newBookingFlow), true)
  assert.equal(bookingScreenOf(service), 'NewBookingFlowWidget')
  assert.equal(service.getStringVariation(darkModeEnabled, 'system'), 'light')
  await service.dispose()
  assert.equal(service.isEnabled(newBookingFlow), false, 'and after its end they are defaults again (F-078)')
  const again = FeatureFlagService.instance(options)
  t.after(() => again.dispose())
  await again.initialize('u')
  assert.equal(again.getStringVariation(darkModeEnabled, 'system'), 'dark', 'an absent email is an empty one')
})

test('a listener hears when the flag serves this user something else, by a change or by another user (F-076 F-077)', async t => {
  const service = FeatureFlagService.instance(options)
  t.after(() => service.dispose())
  const key = FeatureFlagService.aiTripSuggestions
  const beta = { beta: { include: { betaTester: ['true'] } } }
  await plane.setFlag({ key, segments: beta })
  await service.initialize('u')
  const heard: unknown[] = []
  service.addFlagChangeListener(key, ({ value }) => heard.push(value))
  await service.identify('u', { attributes: { betaTester: true } })
  await plane.setFlag(
    { key, segments: beta, exposure: { ...shareOf(0), cohorts: [{ segment: 'beta', share: 1, mix: null }] } },
    1,
  )
  await service.identify('v')
  await plane.setFlag({ key, segments: beta, exposure: shareOf(1) }, 1)
  await plane.setFlag({ key, segments: beta, exposure: { ...shareOf(1), cohorts: [] } }, 1)
  assert.deepEqual(heard, [true, false, true])
})
