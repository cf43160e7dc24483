import type { Features } from './features.ts'

export interface FlagUser {
  readonly key: string
  readonly email?: string
  readonly custom?: { readonly plan?: string; readonly country?: string }
}

/** The questions the booking routes ask about one user. */
export interface BookingFlags {
  usesNewBookingFlow(user: FlagUser): Promise<boolean>
  isPaymentEnabled(user: FlagUser): Promise<boolean>
  searchVariant(user: FlagUser): Promise<{ readonly variant: string; readonly inExperiment: boolean }>
}

/** Without a flag service the version decides: the gateway has sent each user to the version they should have. */
export function flagsOfVersion(features: Features): BookingFlags {
  return {
    usesNewBookingFlow: async () => features.newBookingFlow,
    isPaymentEnabled: async () => true,
    searchVariant: async () => ({ variant: 'control', inExperiment: false }),
  }
}
