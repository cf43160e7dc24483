import type { JsonValue } from './flag-definition.ts'

/** Who asks. Attributes are read by name only, so a large context costs nothing. */
export interface EvaluationContext {
  readonly targetingKey?: string
  readonly [attribute: string]: unknown
}

/** Why this variant was served. */
export type EvaluationReason = 'ON' | 'OFF' | 'KILLED' | 'ALLOWED' | 'COHORT' | 'SHARE' | 'OUTSIDE' | 'ERROR'

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
  /** What let the user in: `allow`, `share`, or `cohort:SEGMENT`. */
  ruleId: string | null
  cohort: string | null
  /** The user's place in 0 … 2^32 - 1 for the rule that decided; null when no bucket was needed. */
  bucket: number | null
  errorCode: EvaluationErrorCode | null
}
