/** The rows of the TripTrip database, with the column names of its migrations. */

export interface TripCategoryRow {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly icon: string | null
  readonly created_at: string
  readonly updated_at: string
}

export interface TripPlanRow {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly region: string
  /** Nullable since migration 20260120: plans older than the categories have none. */
  readonly category_id: string | null
  readonly price_yen: number
  /** 0 to 1. */
  readonly popularity: number
  readonly seats_per_day: number
  /** Null where nobody has placed the plan on the map. */
  readonly latitude: number | null
  readonly longitude: number | null
}

export interface RegionRow {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
}

/**
 * The users table in the middle of its zero-downtime migration: both columns stand, the new one may still be null.
 * Code of v1.5.0 writes `is_verified` only; code of v1.6.0 reads the new column first and writes both.
 */
export interface UserRow {
  readonly id: string
  readonly email: string | null
  readonly is_verified: boolean
  readonly email_verified: boolean | null
}

export interface BookingRow {
  readonly id: string
  readonly user_id: string
  readonly plan_id: string
  /** Day of travel, YYYY-MM-DD. */
  readonly travel_date: string
  readonly travellers: number
  readonly total_yen: number
  readonly flow: 'legacy' | 'new'
  readonly payment_id: string | null
  readonly created_at: string
}

export interface FavouriteShareRow {
  readonly token: string
  readonly owner_id: string
  readonly plan_ids: readonly string[]
  readonly created_at: string
  readonly expires_at: string
}

export function isEmailVerified(user: UserRow): boolean {
  return user.email_verified ?? user.is_verified
}
