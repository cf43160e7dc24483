import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BookingRow } from '../core/rows.ts'
import { createCatalogue } from './catalogue.ts'
import { createMemoryStore } from './memory-store.ts'
import { FAVOURITES_PER_USER } from './trip-store.ts'

const catalogue = createCatalogue()

test('the categories and the plans have the columns of the 20260120 migration, and the category may be empty (V-008 G-070..G-075)', () => {
  for (const category of catalogue.categories) {
    assert.deepEqual(Object.keys(category), ['id', 'name', 'description', 'icon', 'created_at', 'updated_at'])
    assert.match(category.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.ok(category.name.length <= 100 && (category.icon?.length ?? 0) <= 50)
  }
  const known = new Set(catalogue.categories.map(category => category.id))
  assert.ok(catalogue.plans.every(plan => plan.category_id === null || known.has(plan.category_id)))
  assert.ok(catalogue.plans.some(plan => plan.category_id === null))
  assert.equal(new Set(catalogue.plans.map(plan => plan.id)).size, catalogue.plans.length)
  assert.deepEqual(createCatalogue(), catalogue)
})

test('the store never sells a seat twice, forgets the oldest booking when full, and frees its seats', async () => {
  const plans = catalogue.plans.slice(0, 3)
  const order = fc.record({
    plan: fc.constantFrom(...plans),
    day: fc.constantFrom('2026-02-01', '2026-02-02'),
    travellers: fc.integer({ min: 1, max: 10 }),
    user: fc.constantFrom('a', 'b'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(order, { maxLength: 60 }), async orders => {
      const store = createMemoryStore(catalogue, { bookings: 20, users: 10 })
      let kept: BookingRow[] = []
      for (const [index, { plan, day, travellers, user }] of orders.entries()) {
        const booking = bookingOf({ id: `${index}`, plan_id: plan.id, travel_date: day, travellers, user_id: user })
        const taken = seatsIn(kept, plan.id, day)
        const outcome = await store.saveBooking(booking)
        assert.equal(outcome, taken + travellers > plan.seats_per_day ? 'sold out' : 'saved')
        if (outcome === 'saved') kept = [...kept, booking].slice(-20)
        assert.equal(await store.bookedSeats(plan.id, day), seatsIn(kept, plan.id, day))
      }
      for (const user of ['a', 'b'])
        assert.deepEqual(await store.bookingsOf(user, 100), kept.filter(booking => booking.user_id === user).reverse())
    }),
  )
})

test('users, favourites and shares are bounded', async () => {
  const store = createMemoryStore(catalogue, { bookings: 10, users: 2 })
  for (const id of ['a', 'b', 'c']) await store.saveUser({ id, email: null, is_verified: false, email_verified: null })
  assert.equal(await store.user('a'), null)
  assert.equal((await store.user('c'))?.id, 'c')
  const ids = catalogue.plans.map(plan => plan.id)
  for (const id of ids.slice(0, FAVOURITES_PER_USER)) assert.equal(await store.addFavourite('c', id), 'added')
  assert.equal(await store.addFavourite('c', ids[0]!), 'already there')
  assert.equal(await store.addFavourite('c', ids[FAVOURITES_PER_USER]!), 'full')
  await store.removeFavourite('c', ids[0]!)
  assert.equal(await store.addFavourite('c', ids[FAVOURITES_PER_USER]!), 'added')
  assert.equal((await store.favouritesOf('c'))[0], ids[FAVOURITES_PER_USER])
})

function seatsIn(bookings: readonly BookingRow[], planId: string, day: string): number {
  return bookings
    .filter(booking => booking.plan_id === planId && booking.travel_date === day)
    .reduce((sum, booking) => sum + booking.travellers, 0)
}

function bookingOf(given: Pick<BookingRow, 'id' | 'plan_id' | 'travel_date' | 'travellers' | 'user_id'>): BookingRow {
  return { ...given, total_yen: 1_000, flow: 'new', payment_id: null, created_at: '2026-01-20T00:00:00.000Z' }
}
