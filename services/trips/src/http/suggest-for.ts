import type { TripPlanRow } from '../core/rows.ts'
import { suggestTrips } from '../core/suggestion.ts'
import type { TripStore } from '../store/trip-store.ts'
import type { Services } from './environment.ts'
import type { RenderTrip, TripView } from './trip-view.ts'

export interface SuggestionView {
  readonly trip: TripView
  readonly reasons: readonly string[]
}

const BOOKINGS_READ = 20

export async function suggestFor(
  { store }: Services,
  renderTrip: RenderTrip,
  userId: string,
  limit: number,
): Promise<readonly SuggestionView[]> {
  const liked = await likedPlans(store, userId)
  return suggestTrips(await store.plans(), { liked }, limit).map(({ plan, reasons }) => ({
    trip: renderTrip(plan),
    reasons,
  }))
}

export async function likedPlans(store: TripStore, userId: string): Promise<readonly TripPlanRow[]> {
  const booked = (await store.bookingsOf(userId, BOOKINGS_READ)).map(booking => booking.plan_id)
  const ids = [...new Set([...(await store.favouritesOf(userId)), ...booked])]
  return (await Promise.all(ids.map(id => store.plan(id)))).filter(plan => plan !== null)
}
