import type { ApiVersion } from './version.ts'

/** What a version of the API can do. Routes ask this, never the version itself. */
export interface Features {
  readonly newBookingFlow: boolean
  readonly aiTripSuggestions: boolean
  readonly realTimePricing: boolean
  readonly favouriteSharing: boolean
  readonly tripCategories: boolean
  readonly indexedSearch: boolean
  readonly fineNotificationSettings: boolean
  /** A plan without coordinates is shown at the centre of its region instead of nowhere. */
  readonly mapAlwaysShown: boolean
}

export function featuresOf(version: ApiVersion): Features {
  const isNew = version === 'v1.6.0'
  return {
    newBookingFlow: isNew,
    aiTripSuggestions: isNew,
    realTimePricing: isNew,
    favouriteSharing: isNew,
    tripCategories: isNew,
    indexedSearch: isNew,
    fineNotificationSettings: isNew,
    mapAlwaysShown: isNew,
  }
}
