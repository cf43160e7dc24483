import { type LaunchDarklyReason, launchDarklyReason } from '@dankai/flag-formats'
import { type CompiledFlag, type Evaluation, type EvaluationContext, evaluateFlag, type JsonValue } from '@dankai/flags'
import type { ServedView } from '../../serving/served-view.ts'

/** A flag's value for one context, as LaunchDarkly's clients for browsers read it. */
interface EvaluatedFlag {
  readonly value: JsonValue
  readonly variation: number | null
  readonly version: number
  readonly flagVersion: number
  readonly trackEvents: boolean
  readonly trackReason?: boolean
  readonly reason?: LaunchDarklyReason
  /** Flags that were asked on the way: the client counts them as evaluated with this one. */
  readonly prerequisites?: readonly string[]
}

/** Every flag the key may read: the server evaluates, so each has its true value whatever its buckets. */
export function evaluatedFlags(
  { flags }: ServedView,
  context: EvaluationContext,
  withReasons: boolean,
): Readonly<Record<string, EvaluatedFlag>> {
  return Object.fromEntries(
    flags.all().map(flag => {
      const { key, version, variants } = flag.definition
      const evaluation = evaluateFlag(flag, context)
      const { value, variant, inExperiment } = evaluation
      const variation = variant === null ? null : Object.keys(variants).indexOf(variant)
      const isAsked = withReasons || inExperiment
      const why = isAsked ? { reason: launchDarklyReason(flag, evaluation), trackReason: inExperiment } : {}
      const asked = prerequisitesAsked(flag, evaluation).filter(one => flags.find(one) !== undefined)
      const before = asked.length === 0 ? {} : { prerequisites: asked }
      return [key, { value, variation, version, flagVersion: version, trackEvents: inExperiment, ...why, ...before }]
    }),
  )
}

/** None is asked after the first that failed. */
function prerequisitesAsked(flag: CompiledFlag, evaluation: Evaluation): readonly string[] {
  const keys = flag.definition.prerequisites.map(one => one.flag)
  const { kind, prerequisiteKey } = launchDarklyReason(flag, evaluation)
  if (keys.length === 0 || kind === 'OFF' || kind === 'ERROR') return []
  return prerequisiteKey === undefined ? keys : keys.slice(0, keys.indexOf(prerequisiteKey) + 1)
}
