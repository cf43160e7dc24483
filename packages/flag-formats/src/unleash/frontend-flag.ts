/**
 * What Unleash's clients call enabled, and the variant they show.
 *
 * A boolean is enabled when it is true. Of other values the off variant is not enabled, unless a split chose it: an arm
 * of an experiment is served, whatever it is called. A flag of booleans with one `true` has no variants for Unleash.
 */
import type { Evaluation, FlagDefinition } from '@dankai/flags'
import { payloadOf, type UnleashPayload } from './unleash-format.ts'

/** One entry of the frontend API's answer. */
export interface UnleashToggle {
  readonly name: string
  readonly enabled: boolean
  readonly impressionData: boolean
  readonly variant: {
    readonly name: string
    readonly enabled: boolean
    readonly feature_enabled: boolean
    readonly payload?: UnleashPayload
  }
}

export function isEnabledVariant(flag: FlagDefinition, variant: string, isOfSplit: boolean): boolean {
  const value = flag.variants[variant]
  return typeof value === 'boolean' ? value : isOfSplit || variant !== flag.offVariant
}

export function hasNamedVariants({ variants }: FlagDefinition): boolean {
  const values = Object.values(variants)
  return values.some(value => typeof value !== 'boolean') || values.filter(value => value === true).length > 1
}

/** Whether its name is shown: the one `true` of a flag says no more than "enabled". */
export function isNamedVariant(flag: FlagDefinition, variant: string, isOfSplit: boolean): boolean {
  if (isOfSplit) return hasNamedVariants(flag)
  const isTheOnlyTrue = Object.entries(flag.variants).every(([name, value]) => (value === true) === (name === variant))
  return !isTheOnlyTrue && hasNamedVariants(flag)
}

/** Null when the toggle is not enabled, for which frontend clients are told nothing. */
export function unleashToggleOf(flag: FlagDefinition, evaluation: Evaluation): UnleashToggle | null {
  const { variant, errorCode, reason } = evaluation
  if (errorCode !== null || variant === null || !isEnabledVariant(flag, variant, reason === 'SPLIT')) return null
  const shown = isNamedVariant(flag, variant, reason === 'SPLIT')
    ? { name: variant, enabled: true, feature_enabled: true, payload: payloadOf(evaluation.value) }
    : { name: 'disabled', enabled: false, feature_enabled: true }
  return { name: flag.key, enabled: true, impressionData: false, variant: shown }
}
