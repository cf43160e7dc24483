import type { DankaiClient, EvaluationContext, JsonValue } from '@dankai/sdk'
import type { BookingFlags } from '../core/booking-flags.ts'
import { log } from '../process/log.ts'
import { FeatureFlags } from './feature-flags.ts'

export interface UserContext {
  readonly key: string
  readonly email?: string
  readonly name?: string
  readonly custom?: {
    readonly plan?: string
    readonly country?: string
    readonly signupDate?: string
    readonly deviceType?: string
  }
}

export type FlagClient = Pick<DankaiClient, 'ready' | 'isEnabled' | 'evaluate'>

/** A request must not wait longer than this for flags that are not coming; afterwards the default is its answer. */
const READY_MS = 2_000

/**
 * The flag service of the documents over the Dankai client.
 *
 * 1. No call fails: on any error it is logged and the caller's own default is the answer.
 * 2. A user whom chance has placed in or outside of an experiment is in it; one whom a list or a switch has, is not.
 */
export class FeatureFlagService {
  readonly #client: FlagClient
  readonly #logError: (message: string, error: unknown) => void

  constructor(
    client: FlagClient,
    logError = (message: string, error: unknown) => log('error', message, { cause: `${error}` }),
  ) {
    this.#client = client
    this.#logError = logError
  }

  isEnabled(flag: string, user: UserContext, defaultValue = false): Promise<boolean> {
    return this.#ask(flag, () => this.#client.isEnabled(flag, toContext(user), defaultValue), defaultValue)
  }

  getVariation<T extends JsonValue>(flag: string, user: UserContext, defaultValue: T): Promise<T> {
    return this.#ask(flag, () => this.#client.evaluate(flag, toContext(user), defaultValue).value, defaultValue)
  }

  getExperimentVariant(flag: string, user: UserContext): Promise<ExperimentVariant> {
    const ask = () => {
      const { value, bucket } = this.#client.evaluate<string>(flag, toContext(user), 'control')
      return { variant: value, inExperiment: bucket !== null }
    }
    return this.#ask(flag, ask, { variant: 'control', inExperiment: false })
  }

  async #ask<T>(flag: string, ask: () => T, defaultValue: T): Promise<T> {
    try {
      await this.#client.ready(READY_MS)
      return ask()
    } catch (error) {
      this.#logError(`Feature flag error for ${flag}:`, error)
      return defaultValue
    }
  }
}

export interface ExperimentVariant {
  readonly variant: string
  readonly inExperiment: boolean
}

/** Payments stay on when their switch cannot be read: it is there to turn them off, and silence turns nothing off. */
export function bookingFlagsOf(service: FeatureFlagService): BookingFlags {
  return {
    usesNewBookingFlow: user => service.isEnabled(FeatureFlags.NEW_BOOKING_FLOW, user),
    isPaymentEnabled: user => service.isEnabled(FeatureFlags.PAYMENT_GATEWAY_ENABLED, user, true),
    searchVariant: user => service.getExperimentVariant(FeatureFlags.SEARCH_ALGORITHM_VARIANT, user),
  }
}

/** Attributes stand beside the key, as OpenFeature has them. */
function toContext({ key, email, name, custom }: UserContext): EvaluationContext {
  return {
    ...custom,
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
    targetingKey: key,
  }
}
