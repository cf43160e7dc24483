/**
 * Turns a definition into what evaluation reads: sets, thresholds and ready answers.
 *
 * Compiling never throws. A definition with problems compiles to a flag that serves its off variant to everybody, with
 * PARSE_ERROR (or KILLED), because a client must go on when a newer server sends words it does not know.
 */
import { type Answer, type Answers, brokenAnswer, compileAnswers, variantAnswer } from './answers.ts'
import {
  type Bucketing,
  cellCount,
  cohortSeed,
  shareBucketing,
  shareThreshold,
  splitBucketing,
  splitThresholds,
} from './bucketing.ts'
import { checkFlag, type FlagProblem } from './check-flag.ts'
import { type CompiledSegments, compileLists, compileSegments, matchesOf } from './compile-condition.ts'
import { belongsToNobody, type CompiledCondition, type CompiledSegment, pathOf } from './condition.ts'
import type { EvaluationReason } from './evaluation.ts'
import {
  completeFlag,
  defineFlag,
  type FlagCohort,
  type FlagDefinition,
  type FlagPrerequisite,
  type FlagRule,
  type Serve,
  type Split,
  type StoredFlagDefinition,
} from './flag-definition.ts'

export interface CompiledFlag {
  readonly definition: FlagDefinition
  /** Why it serves its off variant to everybody; empty for a sound flag. */
  readonly problems: readonly FlagProblem[]
  /** Set when the answer is the same whoever asks. */
  readonly constant: Answer | null
  /** Only rules and `last` decide: most flags are so, and need not look at all the rest. */
  readonly isPlain: boolean
  readonly prerequisites: readonly CompiledPrerequisite[]
  /** Targeting key -> its answer; null when nobody is named. */
  readonly targets: ReadonlyMap<string, Answer> | null
  readonly rules: readonly CompiledRule[]
  /** The first condition of the first rule; null when there are no rules. */
  readonly ruleConditions: CompiledCondition | null
  /** True when the share has everybody. */
  readonly everybody: boolean
  readonly cohorts: readonly CompiledCohort[]
  /** Set only when those outside the share are split: two buckets, one after the other. */
  readonly shareBefore: CompiledShare | null
  /** What is left: `otherwise`, with the share as its first part where one bucket decides both. */
  readonly last: CompiledServe
  /** Whose context cannot be read. */
  readonly withoutContext: Answer
  readonly answers: Answers
}

export interface CompiledPrerequisite {
  readonly key: string
  readonly variants: ReadonlySet<string>
  readonly failed: Answer
  /** Linked by a set of flags; one that is not known fails. */
  flag: CompiledFlag | null
}

/** Makes a bucket of the targeting key, or of an attribute. */
export interface BucketSource {
  /** Null: the targeting key. */
  readonly attribute: string | null
  readonly path: readonly string[] | null
  readonly asLaunchDarkly: boolean
  readonly bucketing: Bucketing
}

export interface CompiledRule {
  /** The first condition of the next rule; null for the last. */
  readonly after: CompiledCondition | null
  /** Of all who match; null when the rule has a share of them, or a split. */
  readonly answer: Answer | null
  /** Null when the rule has all who match. */
  readonly source: BucketSource | null
  readonly threshold: number
  readonly serve: CompiledServe
}

export interface CompiledServe {
  /** Of each part; one when there is no split. */
  readonly answers: readonly Answer[]
  /**
   * Of all parts; the last has none, so that it is endless. One array of one kind, whose elements engines read alike;
   * asking for its length as well would be a question of which nobody can guess the answer, and cost 4 ns.
   */
  readonly thresholds: Float64Array
  /** Cell of a bucket -> the part that has the first bucket of the cell. */
  readonly cells: Uint8Array
  /** Null when there is nothing to choose. */
  readonly source: BucketSource | null
}

export interface CompiledShare {
  readonly threshold: number
  readonly source: BucketSource
  readonly inside: Answer
}

export interface CompiledCohort {
  readonly segment: CompiledSegment
  /** The first condition of the first stratum. */
  readonly strata: CompiledCondition | null
  /** Of each stratum. */
  readonly stratumThresholds: readonly number[]
  /** For members of no stratum. */
  readonly threshold: number
  readonly bucketing: Bucketing
  readonly inside: Answer
}

export function compileFlag(given: StoredFlagDefinition): CompiledFlag {
  const problems = checkFlag(given)
  if (problems.length > 0) return brokenFlag(given as FlagDefinition, problems)
  return compileSound(completeFlag(given))
}

/** A flag that serves its off variant to everybody, whatever else it says. */
export function brokenFlag(definition: FlagDefinition, problems: readonly FlagProblem[]): CompiledFlag {
  return { ...compileSound(nobody), definition, problems, constant: brokenAnswer(definition) }
}

const nobody = defineFlag({ key: 'nobody' })

function compileSound(flag: FlagDefinition): CompiledFlag {
  const { cohorts, shadow } = flag.exposure
  const answers = compileAnswers(flag)
  const segments = compileSegments(flag.segments)
  const share = compileShare(flag, answers)
  const everybody = share !== null && share.threshold === share.source.bucketing.full
  const reason = isOff(flag, flag.otherwise) ? 'OUTSIDE' : 'DEFAULT'
  const otherwise = compileServe(flag, flag.otherwise, reason, reason === 'OUTSIDE' ? null : 'otherwise')
  const isSplit = otherwise.source !== null
  const conditions = compileLists(
    flag.rules.map(({ when }) => when),
    segments,
  )
  return {
    definition: flag,
    problems: [],
    constant: constantAnswer(flag, answers),
    isPlain: everyEmpty(flag.prerequisites, flag.targets, cohorts) && !everybody && (share === null || !isSplit),
    prerequisites: flag.prerequisites.map(prerequisite => compilePrerequisite(prerequisite, answers)),
    targets: compileTargets(flag),
    rules: flag.rules.map((rule, index) => compileRule(flag, rule, conditions[index + 1] ?? null)),
    ruleConditions: conditions[0] ?? null,
    everybody,
    cohorts: shadow ? [] : cohorts.flatMap(cohort => compileCohort(flag, cohort, segments)),
    shareBefore: isSplit ? share : null,
    last: share === null || isSplit ? otherwise : shareAndOthers(share, otherwise),
    withoutContext: everybody && flag.rules.length === 0 ? answers.everybody : answers.invalidContext,
    answers,
  }
}

/** Null when it has nobody. */
function compileShare(flag: FlagDefinition, { share }: Answers): CompiledShare | null {
  const threshold = flag.exposure.shadow ? 0 : shareThreshold(flag.algorithm, flag.exposure.share)
  if (threshold === 0) return null
  return { threshold, source: bucketSource(flag, null, shareBucketing(flag.algorithm, flag.seed)), inside: share }
}

function shareAndOthers({ threshold, source, inside }: CompiledShare, { answers }: CompiledServe): CompiledServe {
  return choice([inside, ...answers], [threshold], source)
}

const everyEmpty = (...lists: readonly (readonly unknown[])[]): boolean => lists.every(list => list.length === 0)

function constantAnswer(flag: FlagDefinition, answers: Answers): Answer | null {
  if (flag.killed) return answers.killed
  return flag.on ? null : answers.off
}

const isOff = (flag: FlagDefinition, serve: Serve): boolean => 'variant' in serve && serve.variant === flag.offVariant

function compilePrerequisite({ flag, variants }: FlagPrerequisite, { off }: Answers): CompiledPrerequisite {
  const failed: Answer = { ...off, reason: 'PREREQUISITE_FAILED', ruleId: `prerequisite:${flag}` }
  return { key: flag, variants: new Set(variants), failed, flag: null }
}

/** Of two targets that name a key the first has it. */
function compileTargets(flag: FlagDefinition): ReadonlyMap<string, Answer> | null {
  const targets = new Map<string, Answer>()
  for (const { variant, keys } of flag.targets) {
    const answer = variantAnswer(flag, variant, 'TARGETED', 'targets')
    for (const key of keys) if (!targets.has(key)) targets.set(key, answer)
  }
  return targets.size === 0 ? null : targets
}

function compileRule(flag: FlagDefinition, rule: FlagRule, after: CompiledCondition | null): CompiledRule {
  const bucketing = shareBucketing(flag.algorithm, rule.seed ?? flag.seed)
  const threshold = shareThreshold(flag.algorithm, rule.share)
  const source = threshold === bucketing.full ? null : bucketSource(flag, rule.by, bucketing)
  const serve = compileServe(flag, rule.serve, 'RULE', rule.id)
  const answer = source === null && serve.source === null ? serve.answers[0]! : null
  return { after, answer, source, threshold, serve }
}

export function bucketSource({ algorithm }: FlagDefinition, by: string | null, bucketing: Bucketing): BucketSource {
  const path = by === null ? null : pathOf(by)
  return { attribute: by, path, asLaunchDarkly: algorithm === 'launchdarkly', bucketing }
}

function compileServe(
  flag: FlagDefinition,
  serve: Serve,
  reason: EvaluationReason,
  ruleId: string | null,
): CompiledServe {
  if ('split' in serve) return compileSplit(flag, serve, ruleId)
  return {
    answers: [variantAnswer(flag, serve.variant, reason, ruleId)],
    thresholds: new Float64Array(),
    cells: new Uint8Array(),
    source: null,
  }
}

function compileSplit(flag: FlagDefinition, serve: Split, ruleId: string | null): CompiledServe {
  const { split, by, seed, experiment } = serve
  const answers = split.map(({ variant, tracked = true }) =>
    variantAnswer(flag, variant, 'SPLIT', ruleId, { inExperiment: experiment && tracked }),
  )
  const weights = split.map(({ weight }) => weight)
  const bucketing = splitBucketing(flag.algorithm, seed ?? flag.seed)
  return choice(answers, splitThresholds(flag.algorithm, weights), bucketSource(flag, by, bucketing))
}

/** Thresholds never decrease. A stream of changes compiles a flag each, so the table is filled by parts, not by cells. */
function choice(answers: readonly Answer[], thresholds: readonly number[], source: BucketSource): CompiledServe {
  const cells = new Uint8Array(cellCount + 1)
  for (const [index, threshold] of thresholds.entries())
    cells.fill(index + 1, firstCellFrom(threshold, source.bucketing.cellScale))
  return { answers, thresholds: Float64Array.from([...thresholds, Number.POSITIVE_INFINITY]), cells, source }
}

/** The first cell that begins at or above the threshold. The product is off by one cell at most where it is rounded. */
function firstCellFrom(threshold: number, cellScale: number): number {
  const near = Math.min(Math.ceil(threshold * cellScale), cellCount + 1)
  if (near > 0 && (near - 1) / cellScale >= threshold) return near - 1
  return near / cellScale >= threshold ? near : near + 1
}

/** A segment without conditions has no members, so that a forgotten condition exposes nobody. */
function compileCohort(flag: FlagDefinition, cohort: FlagCohort, segments: CompiledSegments): CompiledCohort[] {
  const segment = segments[cohort.segment]
  if (segment === undefined || belongsToNobody(segment)) return []
  const strata = cohort.mix ?? []
  const matches = strata.map(({ where }) => matchesOf(where))
  const inside = variantAnswer(flag, flag.onVariant, 'COHORT', `cohort:${cohort.segment}`, { cohort: cohort.segment })
  return [
    {
      segment,
      strata: compileLists(matches, {})[0] ?? null,
      stratumThresholds: strata.map(({ share }) => shareThreshold(flag.algorithm, share)),
      threshold: shareThreshold(flag.algorithm, cohort.share),
      bucketing: shareBucketing(flag.algorithm, cohortSeed(flag.seed, cohort.segment)),
      inside,
    },
  ]
}
