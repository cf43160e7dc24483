/**
 * Why somebody is in or out, step by step, for people.
 *
 * 1. The steps are those of an evaluation, in its order, up to the one that decides.
 * 2. Each question ("does this rule match?", "where is this user?") is asked of the evaluator itself, so that an
 *    explanation cannot tell another story than the evaluation.
 * 3. Buckets and thresholds are shares of the whole, 0 to 1: who is below the threshold is in. Buckets are told to a
 *    thousandth of a percent.
 */
import { cohortSeed, roundedShare, shareBucketing, shareThreshold } from './bucketing.ts'
import { type CompiledSegments, compileLists, compileSegments, matchesOf } from './compile-condition.ts'
import { bucketSource } from './compile-flag.ts'
import { firstHeld, noList } from './condition.ts'
import { drawFrom } from './evaluate-flag.ts'
import type { Evaluation, EvaluationContext } from './evaluation.ts'
import {
  type Condition,
  type FlagCohort,
  type FlagDefinition,
  type FlagRule,
  type Stratum,
  weightTotal,
} from './flag-definition.ts'

export interface ExplainedStep {
  readonly step: 'switch' | 'prerequisite' | 'targets' | 'rule' | 'cohort' | 'share' | 'otherwise'
  /** The flag, rule or segment it is about; null when there is only one. */
  readonly name: string | null
  /** `decides`: what is served comes from here. */
  readonly outcome: 'decides' | 'passes'
  /** Whether the conditions hold; null where there are none. */
  readonly matches: boolean | null
  readonly bucket: number | null
  readonly threshold: number | null
  /** Attribute -> values, of the part of a sample the user belongs to. */
  readonly stratum: Stratum['where'] | null
}

export interface Explanation {
  readonly evaluation: Evaluation
  readonly steps: readonly ExplainedStep[]
}

/** `evaluation` is what is served; `others` evaluates prerequisites. */
export function explainFlag(
  flag: FlagDefinition,
  context: EvaluationContext,
  evaluation: Evaluation,
  others: (key: string) => Evaluation | null,
): Explanation {
  const steps: ExplainedStep[] = []
  for (const step of stepsOf(flag, context, evaluation, others)) {
    steps.push(step)
    if (step.outcome === 'decides') break
  }
  return { evaluation, steps }
}

function* stepsOf(
  flag: FlagDefinition,
  context: EvaluationContext,
  evaluation: Evaluation,
  others: (key: string) => Evaluation | null,
): Generator<ExplainedStep> {
  if (flag.killed || !flag.on || evaluation.errorCode === 'PARSE_ERROR') return yield stepOf('switch', null, true)
  for (const { flag: key, variants } of flag.prerequisites) {
    const other = others(key)
    const isServed = other?.errorCode === null && other.variant !== null && variants.includes(other.variant)
    yield stepOf('prerequisite', key, !isServed, { matches: isServed })
  }
  const { targetingKey } = context
  if (flag.targets.length > 0) {
    const named = flag.targets.some(({ keys }) => targetingKey !== undefined && keys.includes(targetingKey))
    yield stepOf('targets', null, named, { matches: named })
  }
  const asked: Asked = { flag, context, segments: compileSegments(flag.segments) }
  for (const rule of flag.rules) yield explainRule(asked, rule)
  if (!flag.exposure.shadow) {
    const share = explainShare(asked)
    // A share so near to 1 that it is rounded up leaves cohorts nothing to decide.
    if (!share.hasEverybody) yield* explainCohorts(asked)
    yield share.step
  }
  yield stepOf('otherwise', null, true)
}

interface Asked {
  readonly flag: FlagDefinition
  readonly context: EvaluationContext
  readonly segments: CompiledSegments
}

function stepOf(
  step: ExplainedStep['step'],
  name: string | null,
  decides: boolean,
  found: Partial<ExplainedStep> = {},
): ExplainedStep {
  const outcome = decides ? 'decides' : 'passes'
  return { step, name, outcome, matches: null, bucket: null, threshold: null, stratum: null, ...found }
}

/** Without the targeting key that its share needs a rule decides as well: for the off variant, with an error. */
function explainRule(asked: Asked, rule: FlagRule): ExplainedStep {
  const matches = holds(asked, rule.when)
  if (!matches) return stepOf('rule', rule.id, false, { matches })
  const { isIn, hasEverybody, found } = draw(asked, rule)
  return stepOf('rule', rule.id, isIn !== false, hasEverybody ? { matches } : { matches, ...found })
}

/** One that needs a targeting key is passed when there is none, and decides when no later one lets the user in. */
function explainCohorts(asked: Asked): readonly ExplainedStep[] {
  const steps: ExplainedStep[] = []
  let needsKey: number | null = null
  for (const [index, cohort] of asked.flag.exposure.cohorts.entries()) {
    const { step, isIn } = explainCohort(asked, cohort)
    steps.push(step)
    if (isIn === true) return steps
    if (isIn === null) needsKey ??= index
  }
  return steps.map((step, index) => (index === needsKey ? { ...step, outcome: 'decides' } : step))
}

function explainCohort(asked: Asked, { segment, share, mix }: FlagCohort) {
  const matches = holds(asked, [{ attribute: '', operator: 'inSegment', values: [segment], negated: false }])
  if (!matches) return { step: stepOf('cohort', segment, false, { matches }), isIn: false }
  const stratum = (mix ?? []).find(({ where }) => holds(asked, matchesOf(where))) ?? null
  const drawn = draw(asked, { share: stratum?.share ?? share, seed: cohortSeed(asked.flag.seed, segment) })
  const isIn = drawn.hasNobody ? false : drawn.isIn
  const found = { matches, ...drawn.found, stratum: stratum?.where ?? null }
  return { step: stepOf('cohort', segment, isIn === true, found), isIn }
}

function explainShare(asked: Asked): { readonly step: ExplainedStep; readonly hasEverybody: boolean } {
  const { isIn, hasEverybody, hasNobody, found } = draw(asked, asked.flag.exposure)
  return { step: stepOf('share', null, isIn !== false && !hasNobody, found), hasEverybody }
}

interface Share {
  readonly share: number
  readonly by?: string | null
  readonly seed?: string | null
}

interface Drawn {
  /** Null: the targeting key is needed and is none. */
  readonly isIn: boolean | null
  readonly hasEverybody: boolean
  readonly hasNobody: boolean
  readonly found: Pick<ExplainedStep, 'bucket' | 'threshold'>
}

/** Where the user is for a share; nobody has a place in the share of everybody. */
function draw({ flag, context }: Asked, { share, by = null, seed = null }: Share): Drawn {
  const source = bucketSource(flag, by, shareBucketing(flag.algorithm, seed ?? flag.seed))
  const threshold = shareThreshold(flag.algorithm, share)
  const hasEverybody = threshold === source.bucketing.full
  const { isIn, place } = hasEverybody ? { isIn: true, place: null } : drawFrom(source, threshold, context)
  const bucket = place === null ? null : place / weightTotal
  // Dankai's own places are so many that a share is told as it was written.
  const inPlaces = flag.algorithm === 'dankai' ? share : roundedShare(flag.algorithm, share)
  const hasNobody = threshold === 0
  const found = { bucket, threshold: hasEverybody ? 1 : hasNobody ? 0 : inPlaces }
  return { isIn, hasEverybody, hasNobody, found }
}

function holds({ segments, context }: Asked, when: readonly Condition[]): boolean {
  return firstHeld(compileLists([when], segments)[0] ?? null, context) !== noList
}
