/**
 * What a flag that is on decides, step by step, for formats that write it as a list of theirs.
 *
 * 1. The first step that says something decides; a flag's prerequisites come before all steps.
 * 2. `halt` says: who matches and has no targeting key is served the off variant, whatever comes later.
 * 3. Shares are rounded as the flag's algorithm rounds them; a step whose share comes to nothing is left out.
 */
import {
  type Condition,
  cohortSeed,
  type FlagCohort,
  type FlagDefinition,
  type FlagRule,
  type FlagSegment,
  roundedShare,
  type Serve,
  type Stratum,
} from '@dankai/flags'
import { all, always, any, type Expression, isNever, leaf, never, not } from './expression.ts'

export type StepLeaf =
  | { readonly kind: 'condition'; readonly condition: Condition }
  /** Has a value that a bucket can be made of. */
  | { readonly kind: 'present'; readonly attribute: string }
  | { readonly kind: 'segment'; readonly name: string; readonly belongs: Expression<StepLeaf> }

export interface StepBucket {
  readonly share: number
  /** Null: the targeting key. */
  readonly by: string | null
  readonly seed: string
}

export type FlagStep =
  | {
      readonly kind: 'serve'
      readonly when: Expression<StepLeaf>
      /** Null: all who match. */
      readonly bucket: StepBucket | null
      readonly serve: Serve
    }
  | { readonly kind: 'halt'; readonly when: Expression<StepLeaf> }

export function stepsOf(flag: FlagDefinition): readonly FlagStep[] {
  const steps: FlagStep[] = []
  for (const { variant, keys } of flag.targets)
    steps.push({ kind: 'serve', when: keyIsOneOf(keys), bucket: null, serve: { variant } })
  for (const rule of flag.rules) steps.push(...stepsOfRule(flag, rule))
  const exposed = stepsOfExposure(flag)
  return [...steps, ...exposed].filter(step => !isNever(step.when))
}

function stepsOfRule(flag: FlagDefinition, rule: FlagRule): readonly FlagStep[] {
  const when = all(rule.when.map(condition => expressionOf(condition, flag.segments)))
  const share = roundedShare(flag.algorithm, rule.share)
  if (share === 1) return [{ kind: 'serve', when, bucket: null, serve: rule.serve }]
  const bucket = { share, by: rule.by, seed: rule.seed ?? flag.seed }
  const halts: readonly FlagStep[] = rule.by === null ? [{ kind: 'halt', when }] : []
  return share === 0 ? halts : [...halts, { kind: 'serve', when, bucket, serve: rule.serve }]
}

function stepsOfExposure(flag: FlagDefinition): readonly FlagStep[] {
  const { share: given, cohorts, shadow } = flag.exposure
  const serve = { variant: flag.onVariant }
  const otherwise: FlagStep = { kind: 'serve', when: always, bucket: null, serve: flag.otherwise }
  if (shadow) return [otherwise]
  const share = roundedShare(flag.algorithm, given)
  if (share === 1) return [{ kind: 'serve', when: always, bucket: null, serve }]
  const steps: FlagStep[] = []
  const halts: FlagStep[] = []
  for (const cohort of cohorts) {
    for (const { when, share: part, seed } of partsOf(flag, cohort)) {
      if (part === 0) continue
      if (part < 1) halts.push({ kind: 'halt', when })
      steps.push({ kind: 'serve', when, bucket: part < 1 ? { share: part, by: null, seed } : null, serve })
    }
  }
  if (share > 0) {
    halts.push({ kind: 'halt', when: always })
    steps.push({ kind: 'serve', when: always, bucket: { share, by: null, seed: flag.seed }, serve })
  }
  return [...steps, ...halts, otherwise]
}

/** Of strata that a member belongs to the first counts, then the share of the cohort. */
function partsOf(flag: FlagDefinition, cohort: FlagCohort) {
  const segment = flag.segments[cohort.segment]
  if (segment === undefined) return []
  const member = membership(cohort.segment, segment, flag.segments)
  const seed = cohortSeed(flag.seed, cohort.segment)
  const strata = (cohort.mix ?? []).map((stratum: Stratum) => ({ ...stratum, where: matches(stratum.where) }))
  return [...strata, { where: always, share: cohort.share }].map(({ where, share }, index) => ({
    when: all([member, where, ...strata.slice(0, index).map(earlier => not(earlier.where))]),
    share: roundedShare(flag.algorithm, share),
    seed,
  }))
}

function expressionOf(condition: Condition, segments: Readonly<Record<string, FlagSegment>>): Expression<StepLeaf> {
  const { operator, values, negated } = condition
  if (operator !== 'inSegment') return single({ ...condition, negated: false }, negated)
  const belongs = any(
    values.flatMap(name => {
      const segment = segments[String(name)]
      return segment === undefined ? [] : [membership(String(name), segment, segments)]
    }),
  )
  return negated ? not(belongs) : belongs
}

function single(condition: Condition, negated = false): Expression<StepLeaf> {
  const isEmpty = condition.values.length === 0 && condition.operator !== 'exists'
  if (isEmpty) return negated ? always : never
  return leaf<StepLeaf>({ kind: 'condition', condition }, negated)
}

function membership(
  name: string,
  { include, keys = [], excludedKeys = [], rules = [] }: FlagSegment,
  segments: Readonly<Record<string, FlagSegment>>,
): Expression<StepLeaf> {
  const lists = [matches(include), ...rules.map(rule => all(rule.map(condition => expressionOf(condition, segments))))]
  const alternatives = lists.filter((_, index) =>
    index === 0 ? Object.keys(include).length > 0 : rules[index - 1]!.length > 0,
  )
  const belongs = any([keyIsOneOf(keys), all([not(keyIsOneOf(excludedKeys)), any(alternatives)])])
  return isNever(belongs) ? never : leaf<StepLeaf>({ kind: 'segment', name, belongs })
}

function matches(accepted: Readonly<Record<string, readonly string[]>>): Expression<StepLeaf> {
  return all(
    Object.entries(accepted).map(([attribute, values]) =>
      single({ attribute, operator: 'is', values, negated: false }),
    ),
  )
}

function keyIsOneOf(keys: readonly string[]): Expression<StepLeaf> {
  return single({ attribute: 'targetingKey', operator: 'is', values: keys, negated: false })
}
