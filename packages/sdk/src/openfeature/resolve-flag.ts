/** One evaluation in OpenFeature's words; the same for servers and browsers. */
import type { EvaluationReason, JsonValue } from '@dankai/flags'
import type {
  ErrorCode,
  EvaluationContext,
  FlagMetadata,
  ResolutionDetails,
  TrackingEventDetails,
} from '@openfeature/core'
import type { ClientEvaluation, DankaiClient } from '../dankai-client.ts'

/** What OpenFeature has a word for; the true reason stands in the metadata. */
const reasons: Readonly<Record<EvaluationReason, string>> = {
  ON: 'STATIC',
  OFF: 'DISABLED',
  KILLED: 'DISABLED',
  PREREQUISITE_FAILED: 'DEFAULT',
  TARGETED: 'TARGETING_MATCH',
  RULE: 'TARGETING_MATCH',
  COHORT: 'TARGETING_MATCH',
  SHARE: 'SPLIT',
  SPLIT: 'SPLIT',
  OUTSIDE: 'DEFAULT',
  DEFAULT: 'DEFAULT',
  ERROR: 'ERROR',
}

export function resolveFlag<Value extends JsonValue>(
  client: DankaiClient,
  key: string,
  fallback: Value,
  context: EvaluationContext,
): ResolutionDetails<Value> {
  const found = client.evaluate(key, withMoments(context), fallback)
  const { value, variant, errorCode } = found
  return {
    value,
    reason: reasonOf(found),
    flagMetadata: metadataOf(found),
    ...(variant === null ? {} : { variant }),
    // An off variant served because the control plane is lost is an answer: with a code OpenFeature would discard it.
    ...(errorCode === null || errorCode === 'STALE' ? {} : { errorCode: errorCode as ErrorCode }),
  }
}

export function trackEvent(
  client: DankaiClient,
  event: string,
  context: EvaluationContext,
  details: TrackingEventDetails = {},
): void {
  client.track(event, context, { value: details.value })
}

function reasonOf({ reason, errorCode, stale, bucket }: ClientEvaluation): string {
  if (errorCode !== null && errorCode !== 'STALE') return 'ERROR'
  if (stale) return 'STALE'
  return reason === 'OUTSIDE' && bucket !== null ? 'SPLIT' : reasons[reason]
}

function metadataOf({ reason, ruleId, cohort, bucket, inExperiment, stale, version }: ClientEvaluation): FlagMetadata {
  return {
    reason,
    inExperiment,
    stale,
    ...(ruleId === null ? {} : { ruleId }),
    ...(cohort === null ? {} : { cohort }),
    ...(bucket === null ? {} : { bucket }),
    ...(version === null ? {} : { version }),
  }
}

/** OpenFeature's contexts may hold dates; conditions read RFC 3339. */
function withMoments(context: EvaluationContext): EvaluationContext {
  const dates = Object.entries(context).filter((entry): entry is [string, Date] => entry[1] instanceof Date)
  if (dates.length === 0) return context
  const texts = dates.map(([name, date]) => [name, Number.isNaN(date.getTime()) ? '' : date.toISOString()])
  return { ...context, ...Object.fromEntries(texts) }
}
