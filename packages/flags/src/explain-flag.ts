/**
 * Why somebody is in or out, step by step, for people.
 *
 * 1. The steps are those of an evaluation, in its order, up to the one that decides.
 * 2. Each question ("does this rule match?") is asked of the evaluator itself, with a flag that holds nothing else, so
 *    that an explanation cannot tell another story than the evaluation.
 * 3. Buckets and thresholds are shares of the whole, 0 to 1: who is below the threshold is in.
 */
import { cohortSeed } from './bucketing.ts'
import { compileFlag } from './compile-flag.ts'
import { evaluateFlag } from './evaluate-flag.ts'
import type { Evaluation, EvaluationContext } from './evaluation.ts'
import {
  type Condition,
  defineFlag,
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
    const holds = other?.errorCode === null && other.variant !== null && variants.includes(other.variant)
    yield stepOf('prerequisite', key, !holds, { matches: holds })
  }
  const { targetingKey } = context
  if (flag.targets.length > 0) {
    const named = flag.targets.some(({ keys }) => targetingKey !== undefined && keys.includes(targetingKey))
    yield stepOf('targets', null, named, { matches: named })
  }
  for (const rule of flag.rules) yield explainRule(flag, rule, context)
  if (flag.exposure.shadow) return yield stepOf('otherwise', null, true)
  if (!hasEverybody(flag)) for (const cohort of flag.exposure.cohorts) yield explainCohort(flag, cohort, context)
  yield explainShare(flag, context)
  yield stepOf('otherwise', null, true)
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

function explainRule(flag: FlagDefinition, rule: FlagRule, context: EvaluationContext): ExplainedStep {
  const matches = holds(flag, rule.when, context)
  if (!matches || rule.share >= 1) return stepOf('rule', rule.id, matches, { matches })
  const alone = { ...rule, when: [], serve: { variant: flag.onVariant } }
  const isIn = evaluateFlag(compileFlag(onlyRule(flag, alone)), context).ruleId === rule.id
  const key = rule.by === null ? context.targetingKey : readText(context, rule.by)
  const { bucket } = drawFrom(flag, rule.seed ?? flag.seed, key, rule.share)
  return stepOf('rule', rule.id, isIn, { matches, bucket, threshold: thresholdOf(flag, rule.share) })
}

function explainCohort(flag: FlagDefinition, cohort: FlagCohort, context: EvaluationContext): ExplainedStep {
  const { segment } = cohort
  const matches = holds(flag, [condition('', 'inSegment', [segment])], context)
  if (!matches) return stepOf('cohort', segment, false, { matches })
  const stratum = (cohort.mix ?? []).find(({ where }) => holds(flag, conditionsOf(where), context)) ?? null
  const share = stratum?.share ?? cohort.share
  const { isIn, bucket } = drawFrom(flag, cohortSeed(flag.seed, segment), context.targetingKey, share)
  const threshold = thresholdOf(flag, share)
  return stepOf('cohort', segment, isIn, { matches, bucket, threshold, stratum: stratum?.where ?? null })
}

function explainShare(flag: FlagDefinition, context: EvaluationContext): ExplainedStep {
  const { isIn, bucket } = drawFrom(flag, flag.seed, context.targetingKey, flag.exposure.share)
  return stepOf('share', null, isIn, { bucket, threshold: thresholdOf(flag, flag.exposure.share) })
}

/** Asks the evaluator, with a flag that has nothing but a rule for these conditions. */
function holds(flag: FlagDefinition, when: readonly Condition[], context: EvaluationContext): boolean {
  const rule = { id: 'asked', when, share: 1, by: null, seed: null, serve: { variant: flag.onVariant } }
  return evaluateFlag(compileFlag(onlyRule(flag, rule)), context).ruleId === 'asked'
}

function onlyRule({ key, algorithm, seed, variants, onVariant, offVariant, segments }: FlagDefinition, rule: FlagRule) {
  return defineFlag({ key, algorithm, seed, variants, onVariant, offVariant, segments, rules: [rule] })
}

const conditionsOf = (where: Stratum['where']): readonly Condition[] =>
  Object.entries(where).map(([attribute, values]) => condition(attribute, 'is', values))

function condition(attribute: string, operator: Condition['operator'], values: readonly string[]): Condition {
  return { attribute, operator, values, negated: false }
}

/** Whether a key is in a share, and where its place is. */
function drawFrom(
  { key: flagKey, algorithm }: FlagDefinition,
  seed: string,
  key: string | null | undefined,
  share: number,
): { readonly isIn: boolean; readonly bucket: number | null } {
  const context = key == null ? {} : { targetingKey: key }
  const drawn = (part: number): Evaluation => {
    const exposure = { share: part, cohorts: [], shadow: false }
    return evaluateFlag(compileFlag(defineFlag({ key: flagKey, algorithm, seed, exposure })), context)
  }
  const { bucket } = drawn(0.5)
  return { isIn: drawn(share).variant === 'on', bucket: bucket === null ? null : bucket / weightTotal }
}

/** A share so near to 1 that it is rounded up leaves cohorts nothing to decide. */
function hasEverybody({ key, algorithm, seed, exposure: { share } }: FlagDefinition): boolean {
  const alone = defineFlag({ key, algorithm, seed, exposure: { share, cohorts: [], shadow: false } })
  return evaluateFlag(compileFlag(alone), {}).reason === 'ON'
}

/** Unleash knows whole percents. */
const thresholdOf = ({ algorithm }: FlagDefinition, share: number): number =>
  algorithm === 'unleash' ? Math.floor(share * 100 + 1e-9) / 100 : share

function readText(context: EvaluationContext, attribute: string): string | null {
  let found: unknown = context
  const names = Object.hasOwn(context, attribute) ? [attribute] : attribute.split('.')
  for (const name of names) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return null
    found = (found as Readonly<Record<string, unknown>>)[name]
  }
  return typeof found === 'string' ? found : typeof found === 'number' ? String(found) : null
}
