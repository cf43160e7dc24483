import type { CompiledFlag, Evaluation } from '@dankai/flags'

/** Why a variation was served, in LaunchDarkly's words. */
export interface LaunchDarklyReason {
  readonly kind: 'OFF' | 'FALLTHROUGH' | 'TARGET_MATCH' | 'RULE_MATCH' | 'PREREQUISITE_FAILED' | 'ERROR'
  readonly ruleIndex?: number
  readonly ruleId?: string
  readonly prerequisiteKey?: string
  readonly inExperiment?: boolean
  readonly errorKind?: 'MALFORMED_FLAG' | 'USER_NOT_SPECIFIED'
}

export function launchDarklyReason({ definition }: CompiledFlag, evaluation: Evaluation): LaunchDarklyReason {
  const { reason, ruleId, inExperiment, errorCode } = evaluation
  const experiment = inExperiment ? { inExperiment } : {}
  switch (reason) {
    case 'OFF':
    case 'KILLED':
      return { kind: 'OFF' }
    case 'PREREQUISITE_FAILED':
      return { kind: reason, prerequisiteKey: (ruleId ?? '').slice('prerequisite:'.length) }
    case 'TARGETED':
      return { kind: 'TARGET_MATCH' }
    case 'ERROR':
      return { kind: 'ERROR', errorKind: errorCode === 'PARSE_ERROR' ? 'MALFORMED_FLAG' : 'USER_NOT_SPECIFIED' }
    case 'COHORT':
      return { kind: 'RULE_MATCH', ruleId: ruleId ?? '' }
    default: {
      const ruleIndex = definition.rules.findIndex(rule => rule.id === ruleId)
      if (ruleId === null || ruleIndex < 0) return { kind: 'FALLTHROUGH', ...experiment }
      return { kind: 'RULE_MATCH', ruleIndex, ruleId, ...experiment }
    }
  }
}
