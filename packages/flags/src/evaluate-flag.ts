/**
 * Who gets what, from data alone.
 *
 * 1. killed, then off, then the allow list, then everybody, then the cohorts in their order, then the share: the first
 *    that says something decides.
 * 2. An evaluation always has an answer and never throws; what cannot be decided serves the off variant with a code.
 * 3. A targeting key is needed only where a bucket decides: an operations flag at 100 % answers without one.
 * 4. Nothing is remembered between evaluations, so memory does not grow with users and an answer cannot be outdated.
 */
import type { Answer } from './answers.ts'
import { matchesAll } from './attribute-match.ts'
import { bucketCount } from './bucketing.ts'
import type { CompiledCohort, CompiledFlag } from './compile-flag.ts'
import type { Evaluation, EvaluationContext } from './evaluation.ts'

/** Longer keys are no identifiers; hashing megabytes for one answer would let a caller slow a service down. */
export const targetingKeyLengthMax = 2_048

export function evaluateFlag(flag: CompiledFlag, context: EvaluationContext): Evaluation {
  return evaluateInto(flag, context, emptyEvaluation())
}

/** As `evaluateFlag`, without allocating: the answer is written into `target`, which is returned. */
export function evaluateInto(flag: CompiledFlag, context: EvaluationContext, target: Evaluation): Evaluation {
  if (flag.constant !== null) return write(target, flag.constant, null)
  try {
    return evaluateFor(flag, context, target)
  } catch {
    // Reading a context can run the caller's code (getters, proxies); what it throws is the context's fault.
    return write(target, flag.answers.invalidContext, null)
  }
}

/** What everybody has when the flag is off, whether it is or not: for a client that may not trust what it knows. */
export function evaluateOff(flag: CompiledFlag): Evaluation {
  return write(emptyEvaluation(), flag.constant ?? flag.answers.off, null)
}

/** Is the flag's value `true` for this context? A value that is no boolean, or an error, gives the fallback. */
export function evaluateBoolean(flag: CompiledFlag, context: EvaluationContext, fallback = false): boolean {
  const { value, errorCode } = evaluateInto(flag, context, scratch)
  return errorCode === null && typeof value === 'boolean' ? value : fallback
}

export function emptyEvaluation(): Evaluation {
  return { value: null, variant: null, reason: 'ERROR', ruleId: null, cohort: null, bucket: null, errorCode: null }
}

/** Written and read within one call, after the context has been read. */
const scratch = emptyEvaluation()

function evaluateFor(flag: CompiledFlag, context: EvaluationContext, target: Evaluation): Evaluation {
  const { answers } = flag
  if (typeof context !== 'object' || context === null) return write(target, contextless(flag), null)
  const key = context.targetingKey
  if (flag.allow !== null && typeof key === 'string' && flag.allow.has(key)) return write(target, answers.allowed, null)
  if (flag.everybody) return write(target, answers.everybody, null)
  const keyError = errorOfKey(flag, key)
  let needsKey = flag.threshold > 0
  for (let index = 0; index < flag.cohorts.length; index++) {
    const cohort = flag.cohorts[index]!
    if (!matchesAll(cohort.segment, context)) continue
    const threshold = cohortThreshold(cohort, context)
    if (threshold === bucketCount) return write(target, cohort.inside, null)
    if (threshold === 0) continue
    needsKey = true
    if (keyError !== null) continue
    const bucket = cohort.bucketOf(key as string)
    if (bucket < threshold) return write(target, cohort.inside, bucket)
  }
  if (!needsKey) return write(target, answers.outside, null)
  if (keyError !== null) return write(target, keyError, null)
  const bucket = flag.bucketOf(key as string)
  return write(target, bucket < flag.threshold ? answers.share : answers.outside, bucket)
}

/** Everybody includes those of whom nothing is known. */
function contextless(flag: CompiledFlag): Answer {
  return flag.everybody ? flag.answers.everybody : flag.answers.invalidContext
}

function errorOfKey(flag: CompiledFlag, key: unknown): Answer | null {
  if (key === undefined || key === null || key === '') return flag.answers.targetingKeyMissing
  return typeof key === 'string' && key.length <= targetingKeyLengthMax ? null : flag.answers.invalidContext
}

function cohortThreshold(cohort: CompiledCohort, context: EvaluationContext): number {
  for (let index = 0; index < cohort.strata.length; index++) {
    const stratum = cohort.strata[index]!
    if (matchesAll(stratum.where, context)) return stratum.threshold
  }
  return cohort.threshold
}

function write(target: Evaluation, answer: Answer, bucket: number | null): Evaluation {
  target.value = answer.value
  target.variant = answer.variant
  target.reason = answer.reason
  target.ruleId = answer.ruleId
  target.cohort = answer.cohort
  target.bucket = bucket
  target.errorCode = answer.errorCode
  return target
}
