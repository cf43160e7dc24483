import type { JsonValue } from './flag-definition.ts'

/** Who asks. Attributes are read by name only, so a large context costs nothing. */
export interface EvaluationContext {
  readonly targetingKey?: string
  readonly [attribute: string]: unknown
}

/**
 * Why this variant was served.
 *
 * TARGETED, RULE, COHORT and SHARE name what let the user in; ON is a share of everybody. SPLIT: a weighted split chose
 * (of a rule, or for all others: see `ruleId`). OUTSIDE: nothing let the user in and the off variant was served;
 * DEFAULT: the same, with another variant for all others.
 */
export type EvaluationReason =
  | 'ON'
  | 'OFF'
  | 'KILLED'
  | 'PREREQUISITE_FAILED'
  | 'TARGETED'
  | 'RULE'
  | 'COHORT'
  | 'SHARE'
  | 'SPLIT'
  | 'DEFAULT'
  | 'OUTSIDE'
  | 'ERROR'

/** OpenFeature's words, plus STALE for a client that switches off when it has lost the control plane. */
export type EvaluationErrorCode =
  | 'PARSE_ERROR'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'FLAG_NOT_FOUND'
  | 'TYPE_MISMATCH'
  | 'PROVIDER_NOT_READY'
  | 'STALE'

export interface Evaluation {
  value: JsonValue
  /** Null when no variant could be chosen. */
  variant: string | null
  reason: EvaluationReason
  /**
   * What decided: the id of a rule, `targets`, `share`, `cohort:SEGMENT`, `prerequisite:FLAG`, or `otherwise` when a
   * variant other than the off variant was served to whoever was left.
   */
  ruleId: string | null
  cohort: string | null
  /** The user's place for what decided, 0 … 99,999, in the unit of weights; null when no bucket was needed. */
  bucket: number | null
  /** True when a split that is an experiment chose the variant, and counts it. */
  inExperiment: boolean
  errorCode: EvaluationErrorCode | null
}
