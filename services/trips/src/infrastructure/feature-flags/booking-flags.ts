import type { BookingFlags } from '../../core/booking-flags.ts'
import { FeatureFlags } from './feature-flags.ts'
import type { FeatureFlagService } from './launchdarkly.ts'

/** Payments stay on when their switch cannot be read: it is there to turn them off, and silence turns nothing off. */
export function bookingFlagsOf(service: FeatureFlagService): BookingFlags {
  return {
    usesNewBookingFlow: user => service.isEnabled(FeatureFlags.NEW_BOOKING_FLOW, user),
    isPaymentEnabled: user => service.isEnabled(FeatureFlags.PAYMENT_GATEWAY_ENABLED, user, true),
    searchVariant: user => service.getExperimentVariant(FeatureFlags.SEARCH_ALGORITHM_VARIANT, user),
  }
}
