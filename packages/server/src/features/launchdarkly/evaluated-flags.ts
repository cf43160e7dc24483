import { type LaunchDarklyReason, launchDarklyReason } from '@dankai/flag-formats'
import { type EvaluationContext, evaluateFlag, type JsonValue } from '@dankai/flags'
import type { ServedEnvironment } from '../../serving/served-environment.ts'

/** A flag's value for one context, as LaunchDarkly's clients for browsers read it. */
interface EvaluatedFlag {
  readonly value: JsonValue
  readonly variation: number | null
  readonly version: number
  readonly flagVersion: number
  readonly trackEvents: boolean
  readonly trackReason?: boolean
  readonly reason?: LaunchDarklyReason
}

/** Every flag of the environment: the server evaluates, so each has its true value whatever its buckets. */
export function evaluatedFlags(
  environment: ServedEnvironment,
  context: EvaluationContext,
  withReasons: boolean,
): Readonly<Record<string, EvaluatedFlag>> {
  return Object.fromEntries(
    environment.flags.all().map(flag => {
      const { key, version, variants } = flag.definition
      const evaluation = evaluateFlag(flag, context)
      const { value, variant, inExperiment } = evaluation
      const variation = variant === null ? null : Object.keys(variants).indexOf(variant)
      const isAsked = withReasons || inExperiment
      const why = isAsked ? { reason: launchDarklyReason(flag, evaluation), trackReason: inExperiment } : {}
      return [key, { value, variation, version, flagVersion: version, trackEvents: inExperiment, ...why }]
    }),
  )
}
