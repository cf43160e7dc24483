/**
 * Who gets what, from data alone.
 *
 * 1. killed, off, prerequisites, targets, rules in their order, everybody, cohorts in their order, share, otherwise: the
 *    first that says something decides.
 * 2. An evaluation always has an answer and never throws; what cannot be decided serves the off variant with a code.
 * 3. A targeting key is needed only where a bucket decides: an operations flag at 100 % answers without one.
 * 4. Nothing is remembered between evaluations, so memory does not grow with users and an answer cannot be outdated.
 */
import type { Answer } from './answers.ts'
import { type Bucketing, bucketOf } from './bucketing.ts'
import type { BucketSource, CompiledCohort, CompiledFlag, CompiledPrerequisite, CompiledServe } from './compile-flag.ts'
import { belongsTo, holdsAll, readAttribute } from './condition.ts'
import type { Evaluation, EvaluationContext } from './evaluation.ts'

/** Longer keys are no identifiers; hashing megabytes for one answer would let a caller slow a service down. */
export const targetingKeyLengthMax = 2_048

export function evaluateFlag(flag: CompiledFlag, context: EvaluationContext): Evaluation {
  return evaluateInto(flag, context, emptyEvaluation())
}

/** As `evaluateFlag`, without allocating: the answer is written into `target`, which is returned. */
export function evaluateInto(flag: CompiledFlag, context: EvaluationContext, target: Evaluation): Evaluation {
  const answer = decide(flag, context)
  target.value = answer.value
  target.variant = answer.variant
  target.reason = answer.reason
  target.ruleId = answer.ruleId
  target.cohort = answer.cohort
  target.bucket = place < 0 ? null : place
  target.inExperiment = answer.inExperiment
  target.errorCode = answer.errorCode
  return target
}

/** What everybody has when the flag is off, whether it is or not: for a client that may not trust what it knows. */
export function evaluateOff(flag: CompiledFlag): Evaluation {
  return { ...(flag.constant ?? flag.answers.off), bucket: null }
}

/** Is the flag's value `true` for this context? A value that is no boolean, or an error, gives the fallback. */
export function evaluateBoolean(flag: CompiledFlag, context: EvaluationContext, fallback = false): boolean {
  const { value, errorCode } = decide(flag, context)
  return errorCode === null && typeof value === 'boolean' ? value : fallback
}

export function emptyEvaluation(): Evaluation {
  return {
    value: null,
    variant: null,
    reason: 'ERROR',
    ruleId: null,
    cohort: null,
    bucket: null,
    inExperiment: false,
    errorCode: null,
  }
}

const noPlace = -1

/**
 * Where in 0 … 99,999 the user is for what decided last, beside the answer: an object of both would have to be allocated
 * for each evaluation. It is set after everything of the context has been read, as reading can evaluate again.
 */
let place = noPlace

function decide(flag: CompiledFlag, context: EvaluationContext): Answer {
  if (flag.constant !== null) return without(flag.constant)
  try {
    return decideFor(flag, context)
  } catch {
    // Reading a context can run the caller's code (getters, proxies); what it throws is the context's fault.
    return without(flag.answers.invalidContext)
  }
}

function without(answer: Answer): Answer {
  place = noPlace
  return answer
}

function at(bucketing: Bucketing, bucket: number, answer: Answer): Answer {
  const found = (bucket * bucketing.placeScale) | 0
  place = found < 100_000 ? found : 99_999
  return answer
}

function decideFor(flag: CompiledFlag, context: EvaluationContext): Answer {
  for (let index = 0; index < flag.prerequisites.length; index++) {
    const prerequisite = flag.prerequisites[index]!
    if (!isServed(prerequisite, context)) return without(prerequisite.failed)
  }
  if (typeof context !== 'object' || context === null) return without(flag.withoutContext)
  const key = context.targetingKey
  if (flag.targets !== null && typeof key === 'string') {
    const target = flag.targets.get(key)
    if (target !== undefined) return without(target)
  }
  for (let index = 0; index < flag.rules.length; index++) {
    const { when, source, threshold, serve } = flag.rules[index]!
    if (!holdsAll(when, context)) continue
    if (source === null) return chooseFrom(flag, serve, context, key)
    const bucket = bucketFrom(source, context, key)
    if (bucket === undecided) return without(errorOfKey(flag, key) ?? flag.answers.targetingKeyMissing)
    if (bucket >= threshold) continue
    return serve.source === null
      ? at(source.bucketing, bucket, serve.answers[0]!)
      : chooseFrom(flag, serve, context, key)
  }
  if (flag.everybody) return without(flag.answers.everybody)
  return decideExposure(flag, context, key)
}

function isServed({ flag, variants }: CompiledPrerequisite, context: EvaluationContext): boolean {
  if (flag === null) return false
  const { variant, errorCode } = decide(flag, context)
  return errorCode === null && variant !== null && variants.has(variant)
}

function decideExposure(flag: CompiledFlag, context: EvaluationContext, key: unknown): Answer {
  const keyError = errorOfKey(flag, key)
  let needsKey = flag.threshold > 0
  for (let index = 0; index < flag.cohorts.length; index++) {
    const cohort = flag.cohorts[index]!
    if (!belongsTo(cohort.segment, context)) continue
    const threshold = cohortThreshold(cohort, context)
    if (threshold === cohort.bucketing.full) return without(cohort.inside)
    if (threshold === 0) continue
    needsKey = true
    if (keyError !== null) continue
    const bucket = bucketOf(cohort.bucketing, key as string)
    if (bucket < threshold) return at(cohort.bucketing, bucket, cohort.inside)
  }
  if (needsKey && keyError !== null) return without(keyError)
  const bucket = needsKey ? bucketOf(flag.bucketing, key as string) : undecided
  if (needsKey && bucket < flag.threshold) return at(flag.bucketing, bucket, flag.answers.share)
  if (flag.otherwise.source !== null) return chooseFrom(flag, flag.otherwise, context, key)
  const [outside] = flag.otherwise.answers
  return needsKey ? at(flag.bucketing, bucket, outside!) : without(outside!)
}

function chooseFrom(flag: CompiledFlag, serve: CompiledServe, context: EvaluationContext, key: unknown): Answer {
  const { answers, thresholds, source } = serve
  if (source === null) return without(answers[0]!)
  const bucket = bucketFrom(source, context, key)
  if (bucket < 0 || bucket === nowhere) return without(errorOfKey(flag, key) ?? flag.answers.targetingKeyMissing)
  let part = 0
  while (part < thresholds.length && bucket >= thresholds[part]!) part++
  return at(source.bucketing, bucket, answers[part]!)
}

/** No bucket: the targeting key is needed and is none. */
const undecided = -1

/** Beyond every share: whoever has not the attribute that a share goes by is not part of it. */
const nowhere = Number.POSITIVE_INFINITY

function bucketFrom(source: BucketSource, context: EvaluationContext, key: unknown): number {
  const { attribute, bucketing } = source
  if (attribute === null) return isTargetingKey(key) ? bucketOf(bucketing, key) : undecided
  const found = readAttribute(context, attribute, source.path)
  return source.asLaunchDarkly ? launchDarklyBucket(bucketing, found) : attributeBucket(bucketing, found)
}

function attributeBucket(bucketing: Bucketing, found: unknown): number {
  if (isTargetingKey(found)) return bucketOf(bucketing, found)
  const isPlain = typeof found === 'boolean' || (typeof found === 'number' && Number.isFinite(found))
  return isPlain ? bucketOf(bucketing, String(found)) : nowhere
}

/** Its clients know texts and whole numbers, and put everybody else in the first place. */
function launchDarklyBucket(bucketing: Bucketing, found: unknown): number {
  if (typeof found === 'string' && found.length <= targetingKeyLengthMax) return bucketOf(bucketing, found)
  return Number.isInteger(found) ? bucketOf(bucketing, String(found)) : 0
}

const isTargetingKey = (found: unknown): found is string =>
  typeof found === 'string' && found !== '' && found.length <= targetingKeyLengthMax

function errorOfKey(flag: CompiledFlag, key: unknown): Answer | null {
  if (isTargetingKey(key)) return null
  const isAbsent = key === undefined || key === null || key === ''
  return isAbsent ? flag.answers.targetingKeyMissing : flag.answers.invalidContext
}

function cohortThreshold(cohort: CompiledCohort, context: EvaluationContext): number {
  for (let index = 0; index < cohort.strata.length; index++) {
    const stratum = cohort.strata[index]!
    if (holdsAll(stratum.where, context)) return stratum.threshold
  }
  return cohort.threshold
}
