import type { Scope } from './scope.ts'

/** Somebody was given a variant. An SDK says so once for each user, flag and variant. */
export interface NewExposure {
  readonly flag: string
  readonly variant: string
  /** The targeting key. Only a digest of it is kept. */
  readonly user: string
  /** Epoch milliseconds of Dankai's clock. */
  readonly at: number
}

/** Something a user did, by which the variants of an experiment are compared. */
export interface NewOutcome {
  readonly event: string
  readonly user: string
  readonly at: number
  /** 1 where nothing is measured and doing it is all that counts. */
  readonly value: number
}

export interface NewExposureBatch extends Scope {
  /** UUID the SDK drew at its start. */
  readonly sdk: string
  /** Rises with each batch of this SDK, which are sent in order; a number that is not higher is a duplicate. */
  readonly no: number
  readonly exposures: readonly NewExposure[]
  readonly outcomes: readonly NewOutcome[]
}

export interface VariantHour {
  /** Epoch milliseconds of its beginning. */
  readonly hour: number
  readonly variant: string
  /** As many as SDKs said: a user of several SDKs counts once for each. */
  readonly exposures: number
  /** Users whose first exposure to the flag this was. */
  readonly users: number
}

/** Users by the variant they were given first. */
export interface VariantExposure {
  readonly variant: string
  /** Those who were never given another one: whom sample-ratio checks and results are about. */
  readonly users: number
  /** Those who were later given another one too. */
  readonly switched: number
  readonly firstAt: number
  readonly lastAt: number
}

/** What the users of a variant did from their first exposure on; those who switched are left out. */
export interface VariantOutcome {
  readonly variant: string
  readonly users: number
  /** Users who did it at least once. */
  readonly converted: number
  readonly times: number
  /** Over users: the sum, and the sum of squares, of each user's own sum. Those who did nothing have 0. */
  readonly sum: number
  readonly sumOfSquares: number
}

export interface FirstExposure {
  readonly variant: string
  readonly at: number
  /** True when the user was given another variant too. */
  readonly switched: boolean
}

/**
 * Who was given which variant, and what they did.
 *
 *  1. A batch counts once, whatever the number of times it is sent.
 *  2. A user has one first exposure to a flag: the earliest, in whatever order they arrive.
 *  3. An outcome counts for every flag whose first exposure of that user is known when it arrives and not after it.
 *  4. Targeting keys are not kept, and users are forgotten 180 days after their first exposure.
 */
export interface ExposureStore {
  /** Durable when it resolves. */
  record(batch: NewExposureBatch): Promise<{ readonly duplicate: boolean }>
  /** Hours from `from` (included) to `to` (not included) in order of time, at most 10,000 rows. */
  hours(scope: Scope, flag: string, from: number, to: number): Promise<readonly VariantHour[]>
  variants(scope: Scope, flag: string): Promise<readonly VariantExposure[]>
  outcomes(scope: Scope, flag: string, event: string): Promise<readonly VariantOutcome[]>
  /** Names of the events known for a flag, at most 1,000. */
  events(scope: Scope, flag: string): Promise<readonly string[]>
  first(scope: Scope, flag: string, user: string): Promise<FirstExposure | null>
  /** An experiment that begins anew knows nobody. Counts of hours stay. */
  forget(scope: Scope, flag: string): Promise<void>
}
