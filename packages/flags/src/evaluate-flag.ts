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
import { type Bucketing, bucketOf, hashBucket } from './bucketing.ts'
import type {
  BucketSource,
  CompiledCohort,
  CompiledFlag,
  CompiledPrerequisite,
  CompiledRule,
  CompiledServe,
} from './compile-flag.ts'
import { belongsTo, firstHeld, noList, readAttribute } from './condition.ts'
import type { Evaluation, EvaluationContext } from './evaluation.ts'

/** Longer keys are no identifiers; hashing megabytes for one answer would let a caller slow a service down. */
export const targetingKeyLengthMax = 2_048

/**
 * Who gets what, with all details but the bucket. The quickest way to ask: the answer was made when the flag was
 * compiled and is shared, so nothing is allocated or written.
 */
export function decideFlag(flag: CompiledFlag, context: EvaluationContext): Answer {
  if (flag.constant !== null) return without(flag.constant)
  try {
    return flag.isPlain && typeof context === 'object' && context !== null
      ? decidePlain(flag, context)
      : decideFor(flag, context)
  } catch {
    // Reading a context can run the caller's code (getters, proxies); what it throws is the context's fault.
    return without(flag.answers.invalidContext)
  }
}

/** As `decideFlag`, with the bucket, in an object of one's own. */
export function evaluateFlag(flag: CompiledFlag, context: EvaluationContext): Evaluation {
  const { value, variant, reason, ruleId, cohort, inExperiment, errorCode } = decideFlag(flag, context)
  return { value, variant, reason, ruleId, cohort, bucket: place < 0 ? null : place, inExperiment, errorCode }
}

/** As `evaluateFlag`, without allocating: the answer is written into `target`, which is returned. */
export function evaluateInto(flag: CompiledFlag, context: EvaluationContext, target: Evaluation): Evaluation {
  const answer = decideFlag(flag, context)
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
  const { value, errorCode } = decideFlag(flag, context)
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

function without(answer: Answer): Answer {
  place = noPlace
  return answer
}

function at<Chosen>(bucketing: Bucketing, bucket: number, answer: Chosen): Chosen {
  const found = (bucket * bucketing.placeScale) | 0
  place = found < 100_000 ? found : 99_999
  return answer
}

/** Most flags, with an object for a context. */
function decidePlain(flag: CompiledFlag, context: EvaluationContext): Answer {
  const key = context.targetingKey
  const ruled = flag.ruleConditions === null ? null : decideRules(flag, context, key)
  return ruled ?? chooseFrom(flag, flag.last, context, key)
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
  const ruled = decideRules(flag, context, key)
  if (ruled !== null) return ruled
  if (flag.everybody) return without(flag.answers.everybody)
  if (flag.cohorts.length > 0 || flag.shareBefore !== null) {
    const answer = decideCohorts(flag, context, key) ?? decideShareBefore(flag, context, key)
    if (answer !== null) return answer
  }
  return chooseFrom(flag, flag.last, context, key)
}

function isServed({ flag, variants }: CompiledPrerequisite, context: EvaluationContext): boolean {
  if (flag === null) return false
  const { variant, errorCode } = decideFlag(flag, context)
  return errorCode === null && variant !== null && variants.has(variant)
}

/** Null when the user is in the share of none whose conditions hold. */
function decideRules(flag: CompiledFlag, context: EvaluationContext, key: unknown): Answer | null {
  let held = firstHeld(flag.ruleConditions, context)
  while (held !== noList) {
    const rule = flag.rules[held]!
    if (rule.answer !== null) return without(rule.answer)
    const answer = decideRule(flag, rule, context, key)
    if (answer !== null) return answer
    held = firstHeld(rule.after, context)
  }
  return null
}

/** Null when the user is not in the rule's share. */
function decideRule(flag: CompiledFlag, rule: CompiledRule, context: EvaluationContext, key: unknown): Answer | null {
  const { source, threshold, serve } = rule
  if (source === null) return chooseFrom(flag, serve, context, key)
  const bucket = bucketFrom(source, context, key)
  if (bucket === undecided) return without(keyAnswer(flag, key))
  if (bucket >= threshold) return null
  return serve.source === null ? at(source.bucketing, bucket, serve.answers[0]!) : chooseFrom(flag, serve, context, key)
}

/** Null when the user is in none of them. */
function decideCohorts(flag: CompiledFlag, context: EvaluationContext, key: unknown): Answer | null {
  let needsKey = false
  for (let index = 0; index < flag.cohorts.length; index++) {
    const cohort = flag.cohorts[index]!
    if (!belongsTo(cohort.segment, context)) continue
    const threshold = cohortThreshold(cohort, context)
    if (threshold === cohort.bucketing.full) return without(cohort.inside)
    if (threshold === 0) continue
    if (!isTargetingKey(key)) {
      needsKey = true
      continue
    }
    const bucket = bucketOf(cohort.bucketing, key)
    if (bucket < threshold) return at(cohort.bucketing, bucket, cohort.inside)
  }
  return needsKey ? without(keyAnswer(flag, key)) : null
}

function decideShareBefore(flag: CompiledFlag, context: EvaluationContext, key: unknown): Answer | null {
  if (flag.shareBefore === null) return null
  const { source, threshold, inside } = flag.shareBefore
  const bucket = bucketFrom(source, context, key)
  if (bucket === undecided) return without(keyAnswer(flag, key))
  return bucket < threshold ? at(source.bucketing, bucket, inside) : null
}

function chooseFrom(flag: CompiledFlag, serve: CompiledServe, context: EvaluationContext, key: unknown): Answer {
  const { answers, source } = serve
  if (source === null) return without(answers[0]!)
  const { bucketing } = source
  // The common case by itself: a bucket that could come from elsewhere, too, would be put on the heap.
  if (source.attribute === null && bucketing.hash !== null && isTargetingKey(key))
    return partAt(serve, bucketing, hashBucket(bucketing, bucketing.hash, key))
  const bucket = bucketFrom(source, context, key)
  return bucket < 0 || bucket === nowhere ? without(keyAnswer(flag, key)) : partAt(serve, bucketing, bucket)
}

/**
 * A cell of the table says where to begin, so that the next steps are none but in the cells where parts meet. The cell
 * of a whole hash is its first eight bits, which are there long before the hash is a number that can be multiplied.
 */
function partAt({ answers, thresholds, cells }: CompiledServe, bucketing: Bucketing, bucket: number): Answer {
  let part = cells[bucketing.isWhole ? bucket >>> 24 : (bucket * bucketing.cellScale) | 0]!
  while (bucket >= thresholds[part]!) part++
  return at(bucketing, bucket, answers[part]!)
}

/** No bucket: the targeting key is needed and is none. */
const undecided = -1

/** Beyond every share: whoever has not the attribute that a share goes by is not part of it. */
const nowhere = Number.POSITIVE_INFINITY

function bucketFrom(source: BucketSource, context: EvaluationContext, key: unknown): number {
  if (source.attribute !== null) return attributeBucket(source, context, source.attribute)
  return isTargetingKey(key) ? bucketOf(source.bucketing, key) : undecided
}

/** What a share finds of somebody: for explanations, which have to tell what an evaluation does. */
export interface Draw {
  /** Null: a targeting key is needed and there is none. */
  readonly isIn: boolean | null
  /** 0 … 99,999; null where there is no bucket. */
  readonly place: number | null
}

export function drawFrom(source: BucketSource, threshold: number, context: EvaluationContext): Draw {
  const bucket = bucketFrom(source, context, context.targetingKey)
  if (bucket === undecided) return { isIn: null, place: null }
  if (bucket === nowhere) return { isIn: false, place: null }
  at(source.bucketing, bucket, null)
  return { isIn: bucket < threshold, place }
}

function attributeBucket(source: BucketSource, context: EvaluationContext, attribute: string): number {
  const found = readAttribute(context, attribute, source.path)
  return source.asLaunchDarkly ? launchDarklyBucket(source.bucketing, found) : plainBucket(source.bucketing, found)
}

function plainBucket(bucketing: Bucketing, found: unknown): number {
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

/** What is wrong with the targeting key; or, when it is sound, with the attribute that should have been in its place. */
function keyAnswer(flag: CompiledFlag, key: unknown): Answer {
  const isAbsent = key === undefined || key === null || key === ''
  return isAbsent || isTargetingKey(key) ? flag.answers.targetingKeyMissing : flag.answers.invalidContext
}

function cohortThreshold(cohort: CompiledCohort, context: EvaluationContext): number {
  const stratum = firstHeld(cohort.strata, context)
  return stratum === noList ? cohort.threshold : cohort.stratumThresholds[stratum]!
}
