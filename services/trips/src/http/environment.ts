import type { BookingFlags } from '../core/booking-flags.ts'
import type { Faults } from '../core/faults.ts'
import type { Features } from '../core/features.ts'
import type { Random } from '../core/random.ts'
import type { Search } from '../core/search.ts'
import type { ApiVersion } from '../core/version.ts'
import type { TripStore } from '../store/trip-store.ts'

/** A user as the gateway names them in headers; who they are was settled before. */
export interface User {
  readonly id: string
  readonly email: string | null
  readonly plan: string | null
  readonly country: string | null
}

/** What the routes of one process share. */
export interface Services {
  readonly version: ApiVersion
  readonly track: string
  readonly features: Features
  readonly store: TripStore
  readonly search: Search
  readonly flags: BookingFlags
  readonly analytics: Analytics
  readonly now: () => number
  readonly newId: () => string
}

export interface Analytics {
  track(event: string, properties: Readonly<Record<string, string | boolean>>): void
}

export interface FaultState {
  current: Faults
  readonly random: Random
  /** Ends the process; never returns in a real one. */
  readonly crash: () => void
}

export interface Environment {
  Variables: { user: User }
}
