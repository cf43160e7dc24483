import type { EvaluationErrorCode, EvaluationReason } from './evaluation.ts'
import type { FlagDefinition, JsonValue } from './flag-definition.ts'

/** Everything of an evaluation but the bucket: made once for a flag, and shared by all who have it. */
export interface Answer {
  readonly value: JsonValue
  readonly variant: string | null
  readonly reason: EvaluationReason
  readonly ruleId: string | null
  readonly cohort: string | null
  readonly inExperiment: boolean
  readonly errorCode: EvaluationErrorCode | null
}

export interface Answers {
  readonly off: Answer
  readonly killed: Answer
  readonly everybody: Answer
  readonly share: Answer
  readonly targetingKeyMissing: Answer
  readonly invalidContext: Answer
}

export function compileAnswers(flag: FlagDefinition): Answers {
  const off = offAnswer(flag)
  const failed = (errorCode: EvaluationErrorCode): Answer => ({ ...off, reason: 'ERROR', errorCode })
  return {
    off,
    killed: { ...off, reason: 'KILLED' },
    everybody: variantAnswer(flag, flag.onVariant, 'ON', 'share'),
    share: variantAnswer(flag, flag.onVariant, 'SHARE', 'share'),
    targetingKeyMissing: failed('TARGETING_KEY_MISSING'),
    invalidContext: failed('INVALID_CONTEXT'),
  }
}

export function variantAnswer(
  flag: FlagDefinition,
  variant: string,
  reason: EvaluationReason,
  ruleId: string | null,
  more: Partial<Pick<Answer, 'cohort' | 'inExperiment'>> = {},
): Answer {
  const { cohort = null, inExperiment = false } = more
  return { value: flag.variants[variant] ?? null, variant, reason, ruleId, cohort, inExperiment, errorCode: null }
}

/** Reads a definition that may have any shape: what cannot be found is a null value without a variant. */
function offAnswer(flag: Partial<FlagDefinition> | null): Answer {
  const variant = flag?.offVariant
  const { variants } = flag ?? {}
  const known = typeof variant === 'string' && typeof variants === 'object' && variants !== null
  const found = known && Object.hasOwn(variants, variant)
  return {
    value: found ? (variants[variant] ?? null) : null,
    variant: found ? variant : null,
    reason: 'OFF',
    ruleId: null,
    cohort: null,
    inExperiment: false,
    errorCode: null,
  }
}

/** The answer to everybody of a definition with problems: killed is still killed. */
export function brokenAnswer(definition: unknown): Answer {
  const flag = typeof definition === 'object' ? (definition as Partial<FlagDefinition> | null) : null
  const off = offAnswer(flag)
  if (flag?.killed === true && off.variant !== null) return { ...off, reason: 'KILLED' }
  return { ...off, reason: 'ERROR', errorCode: 'PARSE_ERROR' }
}
