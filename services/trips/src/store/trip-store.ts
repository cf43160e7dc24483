import type { NotificationSettings } from '../core/notification-settings.ts'
import type { BookingRow, FavouriteShareRow, RegionRow, TripCategoryRow, TripPlanRow, UserRow } from '../core/rows.ts'

/** What the API needs of its database. Every answer is bounded: by the catalogue, by a user's limit, or by `limit`. */
export interface TripStore {
  categories(): Promise<readonly TripCategoryRow[]>
  regions(): Promise<readonly RegionRow[]>
  plans(): Promise<readonly TripPlanRow[]>
  plan(id: string): Promise<TripPlanRow | null>

  user(id: string): Promise<UserRow | null>
  saveUser(user: UserRow): Promise<void>

  bookedSeats(planId: string, day: string): Promise<number>
  /** Takes the seats and stores the booking in one step, or does neither. */
  saveBooking(booking: BookingRow): Promise<'saved' | 'sold out'>
  /** Newest first. */
  bookingsOf(userId: string, limit: number): Promise<readonly BookingRow[]>

  /** Newest first. */
  favouritesOf(userId: string): Promise<readonly string[]>
  addFavourite(userId: string, planId: string): Promise<'added' | 'already there' | 'full'>
  removeFavourite(userId: string, planId: string): Promise<void>
  saveShare(share: FavouriteShareRow): Promise<void>
  share(token: string): Promise<FavouriteShareRow | null>

  notificationSettings(userId: string): Promise<NotificationSettings | null>
  saveNotificationSettings(userId: string, settings: NotificationSettings): Promise<void>
}

export const FAVOURITES_PER_USER = 100
