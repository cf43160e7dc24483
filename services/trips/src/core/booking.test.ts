import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCatalogue } from '../store/catalogue.ts'
import { assessAppVersion, versionConfig } from './app-version.ts'
import { BOOKING_HORIZON_DAYS, decideLegacyBooking, decideNewBooking } from './booking.ts'
import { daysAfter, isDay } from './day.ts'
import { hitsError, noFaults } from './faults.ts'
import { defaultNotificationSettings, isAnyPushOn, withAllPushes } from './notification-settings.ts'
import { realTimePrice } from './pricing.ts'
import { randomFrom } from './random.ts'
import { rankPlans } from './ranking.ts'
import { isEmailVerified } from './rows.ts'
import { searchByIndex, searchByScan } from './search.ts'
import { suggestTrips } from './suggestion.ts'
import { compareVersions } from './version.ts'

const { plans } = createCatalogue()
const plan = { ...plans[0]!, price_yen: 20_000, seats_per_day: 10 }
const today = '2026-01-20'
const anyPlan = fc.constantFrom(...plans)

test('an app must update below 1.5.0, should below 1.6.0, and is never locked out by an unreadable version (B-043 B-044 B-050..B-055 CB-17)', () => {
  const rows: readonly [
    version: string | undefined,
    platform: string | undefined,
    force: boolean,
    recommended: boolean,
    store: 'ios' | 'android',
  ][] = [
    ['1.4.9', 'ios', true, true, 'ios'],
    ['1.5.0', 'ios', false, true, 'ios'],
    ['1.5.10', 'android', false, true, 'android'],
    ['1.6.0', 'android', false, false, 'android'],
    ['1.10.0', 'ios', false, false, 'ios'],
    ['2.0.0', 'windows', false, false, 'android'],
    ['0.9.0', undefined, true, true, 'android'],
    [undefined, 'ios', false, false, 'ios'],
    ['', 'ios', false, false, 'ios'],
    ['1.4', 'ios', false, false, 'ios'],
    ['one', 'ios', false, false, 'ios'],
    ['1.4.9+a1b', 'ios', true, true, 'ios'],
  ]
  for (const [version, platform, force, recommended, store] of rows) {
    const found = assessAppVersion(version, platform, versionConfig)
    const expected = {
      forceUpdate: force,
      recommendedUpdate: recommended,
      message: force ? versionConfig.updateMessage : null,
      storeUrl: versionConfig.storeUrls[store],
    }
    assert.deepEqual(
      found,
      { ...expected, minimumVersion: '1.5.0', recommendedVersion: '1.6.0' },
      `${version} on ${platform}`,
    )
  }
})

test('forced updates can be switched off for everybody while the message stays (B-045 B-052 B-054)', () => {
  const found = assessAppVersion('1.0.0', 'ios', { ...versionConfig, forceUpdate: false })
  assert.equal(found.forceUpdate, false)
  assert.equal(found.message, versionConfig.updateMessage)
})

test('versions are ordered by number, not by text', () => {
  const part = fc.nat({ max: 999_999 })
  fc.assert(
    fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (a, b) => {
      const expected = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
      assert.equal(Math.sign(compareVersions(a.join('.'), `v${b.join('.')}`)), Math.sign(expected))
    }),
  )
  assert.throws(() => compareVersions('1.5', '1.5.0'), /Cannot compare "1.5"/)
})

test('both flows refuse days out of range and full days, and book the rest', () => {
  const rows: readonly [date: string, bookedSeats: number, travellers: number, outcome: string][] = [
    [today, 0, 1, 'date-out-of-range'],
    ['2026-01-19', 0, 1, 'date-out-of-range'],
    ['2026-01-21', 0, 1, 'accepted'],
    [daysAfter(today, BOOKING_HORIZON_DAYS), 0, 1, 'accepted'],
    [daysAfter(today, BOOKING_HORIZON_DAYS + 1), 0, 1, 'date-out-of-range'],
    ['2026-02-01', 8, 2, 'accepted'],
    ['2026-02-01', 9, 2, 'sold-out'],
    ['2026-02-01', 10, 1, 'sold-out'],
  ]
  for (const [date, bookedSeats, travellers, outcome] of rows) {
    for (const decide of [decideLegacyBooking, decideNewBooking]) {
      const found = decide({ request: { planId: plan.id, date, travellers }, plan, bookedSeats, userId: 'u', today })
      assert.equal(found.kind === 'accepted' ? 'accepted' : found.code, outcome, `${date} ${bookedSeats}+${travellers}`)
    }
  }
})

test('the new flow books at the price of the moment and shows how it is made up; the old one at the catalogue price (V-012 V-013)', () => {
  const question = {
    request: { planId: plan.id, date: '2026-01-24', travellers: 2 },
    plan,
    bookedSeats: 5,
    userId: 'u',
    today,
  }
  const legacy = decideLegacyBooking(question)
  const found = decideNewBooking(question)
  assert.ok(legacy.kind === 'accepted' && found.kind === 'accepted')
  assert.deepEqual([legacy.draft.total_yen, legacy.confirmation], [40_000, null])
  // 20,000 + half full (15 %) + weekend (10 %) + last week (10 %), for two.
  assert.equal(found.draft.total_yen, 54_000)
  assert.deepEqual(found.confirmation, {
    title: plan.title,
    lines: [
      { label: '基本料金', yen: 20_000 },
      { label: '混雑', yen: 3_000 },
      { label: '週末', yen: 2_000 },
      { label: '直前', yen: 2_000 },
    ],
    totalYen: 54_000,
    cancelFreeUntil: '2026-01-21',
  })
})

test('the real-time price rises with every seat booked, and its lines add up (V-012)', () => {
  fc.assert(
    fc.property(
      anyPlan,
      fc.integer({ min: 1, max: 365 }),
      fc.nat({ max: 60 }),
      fc.integer({ min: 1, max: 10 }),
      (any, ahead, booked, travellers) => {
        const ask = (bookedSeats: number) =>
          realTimePrice({ plan: any, travelDay: daysAfter(today, ahead), today, travellers, bookedSeats })
        const price = ask(booked)
        assert.ok(ask(booked + 1).perTravellerYen >= price.perTravellerYen)
        assert.equal(
          price.lines.reduce((sum, line) => sum + line.yen, 0),
          price.perTravellerYen,
        )
        assert.equal(price.totalYen, price.perTravellerYen * travellers)
      },
    ),
  )
})

test('the index finds exactly what the scan finds, and looks at no more plans (V-013)', () => {
  const scan = searchByScan(plans)
  const index = searchByIndex(plans)
  const piece = anyPlan.chain(({ description }) =>
    fc
      .tuple(fc.nat({ max: description.length }), fc.nat({ max: 6 }))
      .map(([from, length]) => description.slice(from, from + length)),
  )
  const query = fc.record({
    text: fc.oneof(piece, fc.constantFrom('', '京', '京都', 'ZZ'), fc.string({ maxLength: 4 })),
    categoryId: fc.option(fc.constantFrom(...plans.flatMap(any => any.category_id ?? [])), { nil: null }),
    limit: fc.integer({ min: 1, max: 50 }),
    offset: fc.nat({ max: 40 }),
  })
  fc.assert(
    fc.property(query, asked => {
      const expected = scan(asked)
      const found = index(asked)
      assert.deepEqual([found.plans, found.total], [expected.plans, expected.total])
      assert.ok(found.examined <= expected.examined)
    }),
  )
})

test('the index looks at 30 % fewer plans over the searches that users make (V-013)', () => {
  const examined = (search: ReturnType<typeof searchByScan>) =>
    ['温泉', '京都', '市場', 'トレッキング', '美術館', '離島', '星空', ''].reduce(
      (sum, text) => sum + search({ text, categoryId: null, limit: 10, offset: 0 }).examined,
      0,
    )
  assert.ok(examined(searchByIndex(plans)) <= 0.7 * examined(searchByScan(plans)))
})

test('suggestions never repeat what the user knows, put the liked category first, and are the same each time (V-012)', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyPlan, { maxLength: 5 }), liked => {
      const found = suggestTrips(plans, { liked }, 10)
      assert.equal(found.length, 10)
      assert.ok(found.every(({ plan: any, reasons }) => !liked.includes(any) && reasons.length > 0))
      assert.deepEqual(found, suggestTrips([...plans].reverse(), { liked }, 10))
    }),
  )
  const liked = plans.filter(any => any.category_id === plans[0]!.category_id).slice(0, 3)
  assert.equal(suggestTrips(plans, { liked }, 1)[0]?.plan.category_id, plans[0]!.category_id)
})

test('each ranking keeps the same plans; only the default keeps their order (F-066 F-067 F-068)', () => {
  const facts = { freeSeats: () => 5, likedCategoryIds: new Set([plans[0]!.category_id!]) }
  const some = plans.slice(0, 40)
  assert.deepEqual(rankPlans(some, 'control', facts), some)
  const learned = rankPlans(some, 'ml_ranking', facts)
  const mixed = rankPlans(some, 'hybrid', facts)
  assert.deepEqual(new Set(learned), new Set(some))
  assert.deepEqual(new Set(mixed), new Set(some))
  assert.notDeepEqual(learned, mixed)
})

test('a user is verified by the new column, and by the old one only while the new one is empty (V-009)', () => {
  const rows: readonly [is_verified: boolean, email_verified: boolean | null, verified: boolean][] = [
    [true, null, true],
    [false, null, false],
    [true, false, false],
    [false, true, true],
  ]
  for (const [is_verified, email_verified, verified] of rows) {
    assert.equal(isEmailVerified({ id: 'u', email: null, is_verified, email_verified }), verified)
  }
})

test('the one switch of v1.5.0 silences the finer settings of v1.6.0 and brings them back (V-013)', () => {
  const off = withAllPushes(defaultNotificationSettings, false)
  assert.equal(isAnyPushOn(off), false)
  assert.equal(off.bookings.email, true)
  assert.deepEqual(withAllPushes(off, true), defaultNotificationSettings)
})

test('the error fault fails the share of requests that was asked for, at random', () => {
  const random = randomFrom(7)
  const hits = Array.from({ length: 10_000 }, () => hitsError({ ...noFaults, errors: 0.2 }, random))
  const failed = hits.filter(hit => hit).length
  assert.ok(Math.abs(failed - 2_000) < 4 * Math.sqrt(10_000 * 0.2 * 0.8), `${failed} of 10,000`)
  assert.ok(!hitsError(noFaults, () => 0))
  assert.ok(hitsError({ ...noFaults, errors: 1 }, () => 0.999_999))
})

test('only real days are days', () => {
  for (const text of ['2026-02-28', '2028-02-29']) assert.ok(isDay(text), text)
  for (const text of ['2026-02-29', '2026-13-01', '2026-1-1', 'today', '']) assert.ok(!isDay(text), text)
})
