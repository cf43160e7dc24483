/**
 * Turns a definition into what evaluation reads: sets, integer thresholds and ready answers.
 *
 * Compiling never throws. A definition with problems compiles to a flag that serves its off variant to everybody, with
 * PARSE_ERROR (or KILLED), because a client must go on when a newer server sends words it does not know.
 */
import { type Answer, type Answers, brokenAnswer, cohortAnswer, compileAnswers } from './answers.ts'
import { type AttributeMatch, compileMatches } from './attribute-match.ts'
import { type BucketOf, bucketCount, cohortSeed, compileBuckets, thresholdOf } from './bucketing.ts'
import { checkFlag, type FlagProblem } from './check-flag.ts'
import { defineFlag, type FlagCohort, type FlagDefinition } from './flag-definition.ts'

export interface CompiledFlag {
  readonly definition: FlagDefinition
  /** Why it serves its off variant to everybody; empty for a sound flag. */
  readonly problems: readonly FlagProblem[]
  /** Set when the answer is the same whoever asks. */
  readonly constant: Answer | null
  /** Null when nobody is allowed by name. */
  readonly allow: ReadonlySet<string> | null
  /** True when the share has everybody. */
  readonly everybody: boolean
  readonly cohorts: readonly CompiledCohort[]
  readonly bucketOf: BucketOf
  readonly threshold: number
  readonly answers: Answers
}

export interface CompiledCohort {
  readonly segment: readonly AttributeMatch[]
  readonly strata: readonly CompiledStratum[]
  /** For members of no stratum. */
  readonly threshold: number
  readonly bucketOf: BucketOf
  readonly inside: Answer
}

export interface CompiledStratum {
  readonly where: readonly AttributeMatch[]
  readonly threshold: number
}

export function compileFlag(definition: FlagDefinition): CompiledFlag {
  const problems = checkFlag(definition)
  if (problems.length === 0) return compileSound(definition)
  return { ...compileSound(nobody), definition, problems, constant: brokenAnswer(definition) }
}

const nobody = defineFlag({ key: 'nobody' })

function compileSound(flag: FlagDefinition): CompiledFlag {
  const { share, cohorts, shadow } = flag.exposure
  const threshold = shadow ? 0 : thresholdOf(share)
  const answers = compileAnswers(flag)
  return {
    definition: flag,
    problems: [],
    constant: constantAnswer(flag, answers),
    allow: flag.allow.length === 0 ? null : new Set(flag.allow),
    everybody: threshold === bucketCount,
    cohorts: shadow ? [] : cohorts.flatMap(cohort => compileCohort(flag, cohort, answers)),
    bucketOf: compileBuckets(flag.algorithm, flag.seed),
    threshold,
    answers,
  }
}

function constantAnswer(flag: FlagDefinition, answers: Answers): Answer | null {
  if (flag.killed) return answers.killed
  return flag.on ? null : answers.off
}

/** A segment that includes by nothing has no members, so that a forgotten condition exposes nobody. */
function compileCohort(flag: FlagDefinition, cohort: FlagCohort, answers: Answers): CompiledCohort[] {
  const segment = compileMatches(flag.segments[cohort.segment]?.include ?? {})
  if (segment.length === 0) return []
  const strata = (cohort.mix ?? []).map(stratum => ({
    where: compileMatches(stratum.where),
    threshold: thresholdOf(stratum.share),
  }))
  return [
    {
      segment,
      strata,
      threshold: thresholdOf(cohort.share),
      bucketOf: compileBuckets(flag.algorithm, cohortSeed(flag.seed, cohort.segment)),
      inside: cohortAnswer(answers, cohort.segment),
    },
  ]
}
