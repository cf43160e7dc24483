/**
 * The way through a flag as LaunchDarkly's rules.
 *
 * There whoever matches a rule is served; here a rule may have a part of them, and the others go on. So what comes
 * after such a rule is told twice: once for those it matched, as the rest of their rollout, and once for all others.
 */
import { type FlagCohort, type FlagDefinition, type Serve, weightTotal } from '@dankai/flags'
import {
  type BucketFormula,
  type BucketSource,
  bucketFormula,
  endOf,
  extend,
  noPieces,
  type Pieces,
  rolloutOf,
} from './bucket-pieces.ts'
import { CannotFollow } from './cannot-follow.ts'
import type { ClauseExport } from './export-clause.ts'
import type { LaunchDarklyClause, LaunchDarklyRule, LaunchDarklySegmentRule } from './launchdarkly-flag.ts'

/** Telling things twice doubles; a client reads every rule for every answer. */
const rulesMax = 200
const strataMax = 20

interface Step {
  readonly id: string
  readonly clauses: readonly LaunchDarklyClause[]
  /** Of 100,000. */
  readonly share: number
  readonly source: BucketSource
  readonly serve: Serve
}

/** The last of the rules has no clauses: it is the fallthrough. */
export function exportRules(
  given: FlagDefinition,
  clauses: ClauseExport,
  othersAllowed: boolean,
): { readonly rules: readonly LaunchDarklyRule[]; readonly salt: string } {
  const formula = bucketFormula(given, othersAllowed)
  const flag: FlagDefinition = othersAllowed ? { ...given, algorithm: 'launchdarkly' } : given
  const rules: LaunchDarklyRule[] = []
  const tell = (id: string, asked: readonly LaunchDarklyClause[], pieces: Pieces): void => {
    if (rules.push({ id, clauses: asked, trackEvents: false, ...rolloutOf(flag, pieces, formula) }) > rulesMax)
      throw new CannotFollow(`it would take more than ${rulesMax} rules of LaunchDarkly`)
  }
  const steps = [...ruleSteps(flag, clauses), ...exposureSteps(flag, clauses, formula, othersAllowed)]
  const walk = (rest: readonly Step[], asked: readonly LaunchDarklyClause[], decided: Pieces, id: string): void => {
    let before = decided
    for (const [index, step] of rest.entries()) {
      const after = extend(flag, before, step.share, step.source, step.serve)
      const both = [...asked, ...step.clauses]
      if (endOf(after) === weightTotal) tell(id + step.id, both, after)
      else if (step.clauses.length > 0) walk(rest.slice(index + 1), both, after, `${step.id}+`)
      if (step.clauses.length > 0) continue
      if (endOf(after) === weightTotal) return
      before = after
    }
  }
  walk(steps, [], noPieces, '')
  return { rules, salt: formula.salt }
}

function ruleSteps(flag: FlagDefinition, clauses: ClauseExport): readonly Step[] {
  return flag.rules.flatMap(({ id, when, share, by, seed, serve }) => {
    const places = placesOf(flag, share)
    if (places === 0) return []
    const source = { by, seed: seed ?? flag.seed }
    return [{ id, clauses: clauses.clausesOf(when), share: places, source, serve }]
  })
}

function exposureSteps(
  flag: FlagDefinition,
  clauses: ClauseExport,
  formula: BucketFormula,
  othersAllowed: boolean,
): readonly Step[] {
  const { share, cohorts, shadow } = flag.exposure
  const source = { by: null, seed: flag.seed }
  const serve = { variant: flag.onVariant }
  const rest: Step = { id: 'otherwise', clauses: [], share: weightTotal, source, serve: flag.otherwise }
  const places = placesOf(flag, share)
  if (shadow) return [rest]
  const everybody: Step = { id: 'share', clauses: [], share: places, source, serve }
  if (places === weightTotal) return [everybody]
  const told = new CohortExport(flag, clauses, formula, othersAllowed)
  const members = cohorts.flatMap((cohort): readonly Step[] => {
    const clause = told.clauseOf(cohort)
    const id = `cohort:${cohort.segment}`
    return clause === null ? [] : [{ id, clauses: [clause], share: weightTotal, source, serve }]
  })
  return [...members, ...(places === 0 ? [] : [everybody]), rest]
}

/** A share of a flag that LaunchDarkly does not deal is told only where it deals nobody. */
function placesOf({ algorithm }: FlagDefinition, share: number): number {
  const places = Math.round(share * weightTotal)
  if (algorithm === 'launchdarkly' || share === 0 || share === 1) return places
  return Math.min(Math.max(places, 1), weightTotal - 1)
}

/**
 * A cohort is dealt by a seed of its own, which LaunchDarkly knows for segments alone: `KEY.SALT` of the segment. Only
 * one segment of a flag can have the flag's own key.
 */
class CohortExport {
  readonly #flag: FlagDefinition
  readonly #clauses: ClauseExport
  readonly #formula: BucketFormula
  readonly #othersAllowed: boolean
  #dealt = 0

  constructor(flag: FlagDefinition, clauses: ClauseExport, formula: BucketFormula, othersAllowed: boolean) {
    this.#flag = flag
    this.#clauses = clauses
    this.#formula = formula
    this.#othersAllowed = othersAllowed
  }

  /** Null when nobody is in. */
  clauseOf(cohort: FlagCohort): LaunchDarklyClause | null {
    const { segment, share, mix } = cohort
    const shares = [share, ...(mix ?? []).map(stratum => stratum.share)]
    if (shares.every(one => one === 0)) return null
    const members = this.#clauses.belongsTo([segment])
    return shares.every(one => one === 1) ? members : this.#dealtClause(cohort, members)
  }

  #dealtClause(cohort: FlagCohort, members: LaunchDarklyClause): LaunchDarklyClause {
    const { key } = this.#flag
    const { salt, seedOf } = this.#formula
    if (seedOf(this.#flag.seed) !== null || (this.#dealt > 0 && !this.#othersAllowed))
      throw new CannotFollow(
        'LaunchDarkly can deal one cohort of a flag by its own buckets, and a flag with a salt alone',
      )
    const segmentKey = this.#dealt === 0 ? key : `${key}~cohort${this.#dealt}`
    this.#dealt++
    this.#clauses.put(segmentKey, `${salt}:${cohort.segment}`, this.#strata(cohort, members))
    return { attribute: '', op: 'segmentMatch', values: [segmentKey], negate: false }
  }

  /** The first stratum that matches counts, so each later one asks for whoever is in none before. */
  #strata({ share, mix }: FlagCohort, members: LaunchDarklyClause): readonly LaunchDarklySegmentRule[] {
    if (mix !== null && mix.length > strataMax) throw new CannotFollow(`the mix has more than ${strataMax} strata`)
    const rules: LaunchDarklySegmentRule[] = []
    const earlier: LaunchDarklyClause[] = []
    for (const { where, share: ofStratum } of mix ?? []) {
      const conditions = Object.entries(where).map(
        ([attribute, values]) => ({ attribute, operator: 'is', values, negated: false }) as const,
      )
      const matched = this.#clauses.clausesOf(conditions)
      const clauses = [members, ...earlier, ...matched]
      rules.push({ id: String(rules.length + 1), clauses, weight: placesOf(this.#flag, ofStratum) })
      earlier.push(this.#clauses.allOf(matched, true))
    }
    rules.push({ id: String(rules.length + 1), clauses: [members, ...earlier], weight: placesOf(this.#flag, share) })
    return rules
  }
}
