import type { NotificationSettings } from '../core/notification-settings.ts'
import type { BookingRow, FavouriteShareRow, TripPlanRow, UserRow } from '../core/rows.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Catalogue } from './catalogue.ts'
import { FAVOURITES_PER_USER, type TripStore } from './trip-store.ts'

export interface MemoryStoreLimits {
  readonly bookings: number
  readonly users: number
}

/** Enough for half an hour of the load generator's bookings, in about 10 MB. */
const DEFAULT_LIMITS: MemoryStoreLimits = { bookings: 20_000, users: 20_000 }

/**
 * The trip store in memory.
 *
 * 1. It is bounded: when full it forgets the oldest booking, user or share.
 * 2. The seats counted for a day are those of the bookings it still knows.
 */
export function createMemoryStore(catalogue: Catalogue, limits: MemoryStoreLimits = DEFAULT_LIMITS): TripStore {
  const plansById = new Map(catalogue.plans.map(plan => [plan.id, plan]))
  const bookings = createBookings(plansById, limits)
  const favourites = createFavourites(limits.users)
  const users = new BoundedMap<string, UserRow>(limits.users)
  const shares = new BoundedMap<string, FavouriteShareRow>(limits.users)
  const settings = new BoundedMap<string, NotificationSettings>(limits.users)
  return {
    categories: async () => catalogue.categories,
    regions: async () => catalogue.regions,
    plans: async () => catalogue.plans,
    plan: async id => plansById.get(id) ?? null,
    user: async id => users.get(id) ?? null,
    saveUser: async user => users.set(user.id, user),
    ...bookings,
    ...favourites,
    saveShare: async share => shares.set(share.token, share),
    share: async token => shares.get(token) ?? null,
    notificationSettings: async userId => settings.get(userId) ?? null,
    saveNotificationSettings: async (userId, chosen) => settings.set(userId, chosen),
  }
}

function createBookings(
  plans: ReadonlyMap<string, TripPlanRow>,
  limits: MemoryStoreLimits,
): Pick<TripStore, 'bookedSeats' | 'saveBooking' | 'bookingsOf'> {
  const seats = new Map<string, number>()
  const byUser = new Map<string, BookingRow[]>()
  const forget = (booking: BookingRow) => {
    takeSeats(seats, booking, -booking.travellers)
    const left = (byUser.get(booking.user_id) ?? []).filter(other => other.id !== booking.id)
    if (left.length > 0) byUser.set(booking.user_id, left)
    else byUser.delete(booking.user_id)
  }
  const byId = new BoundedMap<string, BookingRow>(limits.bookings, forget)
  return {
    bookedSeats: async (planId, day) => seats.get(seatKey(planId, day)) ?? 0,
    saveBooking: async booking => {
      const taken = seats.get(seatKey(booking.plan_id, booking.travel_date)) ?? 0
      if (taken + booking.travellers > (plans.get(booking.plan_id)?.seats_per_day ?? 0)) return 'sold out'
      takeSeats(seats, booking, booking.travellers)
      byUser.set(booking.user_id, [booking, ...(byUser.get(booking.user_id) ?? [])])
      byId.set(booking.id, booking)
      return 'saved'
    },
    bookingsOf: async (userId, limit) => (byUser.get(userId) ?? []).slice(0, limit),
  }
}

function takeSeats(seats: Map<string, number>, booking: BookingRow, count: number): void {
  const key = seatKey(booking.plan_id, booking.travel_date)
  const taken = (seats.get(key) ?? 0) + count
  if (taken > 0) seats.set(key, taken)
  else seats.delete(key)
}

function seatKey(planId: string, day: string): string {
  return `${planId} ${day}`
}

function createFavourites(users: number): Pick<TripStore, 'favouritesOf' | 'addFavourite' | 'removeFavourite'> {
  const byUser = new BoundedMap<string, readonly string[]>(users)
  return {
    favouritesOf: async userId => byUser.get(userId) ?? [],
    addFavourite: async (userId, planId) => {
      const known = byUser.get(userId) ?? []
      if (known.includes(planId)) return 'already there'
      if (known.length >= FAVOURITES_PER_USER) return 'full'
      byUser.set(userId, [planId, ...known])
      return 'added'
    },
    removeFavourite: async (userId, planId) => {
      const known = byUser.get(userId)
      if (known)
        byUser.set(
          userId,
          known.filter(id => id !== planId),
        )
    },
  }
}
