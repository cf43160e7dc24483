/** The flags of TripTrip by kind; how long each kind may live is the control plane's rule. */
export const FeatureFlags = {
  // Release flags
  NEW_BOOKING_FLOW: 'new-booking-flow',
  AI_TRIP_SUGGESTIONS: 'ai-trip-suggestions',
  REAL_TIME_PRICING: 'real-time-pricing',

  // Ops flags
  PAYMENT_GATEWAY_ENABLED: 'payment-gateway-enabled',
  EXTERNAL_MAP_API_ENABLED: 'external-map-api-enabled',
  RATE_LIMITING_STRICT: 'rate-limiting-strict',

  // Experiment flags
  SEARCH_ALGORITHM_VARIANT: 'search-algorithm-variant',
  CHECKOUT_UI_VARIANT: 'checkout-ui-variant',

  // Permission flags
  PREMIUM_FEATURES: 'premium-features',
  BETA_TESTER_FEATURES: 'beta-tester-features',
} as const
