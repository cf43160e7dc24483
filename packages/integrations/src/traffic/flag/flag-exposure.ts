import { type FlagCohort, type FlagExposure, type FlagSegment, type Parts, stratify } from '@dankai/flags'
import type { Cohort, CompiledPlan, Exposure, Hand } from '@dankai/plan'

/** The flag a hand moves: `flag: { name: … }`, else what stands after the kind in its id. */
export function flagKeyOf(hand: Hand): string {
  const { name } = hand.options
  return typeof name === 'string' ? name : hand.id.slice(hand.id.indexOf(':') + 1)
}

/**
 * What a hand's flag serves at an exposure. A splitter and a copy serve the exposure itself; a gate is open to all while
 * anybody is exposed, because the splitter has already chosen who comes through.
 */
export function flagExposureOf(hand: Hand, exposure: Exposure): FlagExposure {
  if (hand.role === 'gate') return { share: isAnybodyIn(exposure) ? 1 : 0, cohorts: [], shadow: exposure.shadow }
  const cohorts = exposure.cohorts.map(cohort => flagCohortOf(hand, cohort))
  return { share: exposure.share, cohorts, shadow: exposure.shadow }
}

function flagCohortOf(hand: Hand, { segment, share, mix }: Cohort): FlagCohort {
  const population = mix === null ? null : populationOf(hand, mix)
  if (mix === null || population === null) return { segment, share, mix: null }
  return { segment, share, mix: stratify({ share, quotas: mix, population, rest: restIn(mix) }).strata }
}

/**
 * Quotas become thresholds only when it is known what the segment consists of: `flag: { name, population: { region: {
 * 東京: 30%, その他: 70% } } }`. Null when some value of the quotas is not there.
 */
export function populationOf(hand: Hand, quotas: Parts): Parts | null {
  const given = hand.options.population
  const parts = Object.entries(quotas).map(([attribute, values]) => [
    attribute,
    Object.fromEntries(Object.keys(values).map(value => [value, shareAt(given, attribute, value)])),
  ])
  const population: Record<string, Record<string, number>> = Object.fromEntries(parts)
  const isKnown = Object.values(population).every(values => Object.values(values).every(share => share >= 0))
  return isKnown ? population : null
}

/** "30%" or 0.3; NaN when it is not there. */
function shareAt(population: unknown, attribute: string, value: string): number {
  const values = fieldOf(population, attribute)
  const share = fieldOf(values, value)
  if (typeof share === 'number') return share
  return typeof share === 'string' && /^\d+(\.\d+)?%$/.test(share) ? Number(share.slice(0, -1)) / 100 : Number.NaN
}

const fieldOf = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null && Object.hasOwn(of, name) ? (of as Record<string, unknown>)[name] : undefined

/** Whoever has none of the named values; the last of an attribute that is called so. */
const restWords = ['その他', 'other', 'others', 'rest']
const restIn = (mix: Parts): string =>
  Object.values(mix)
    .flatMap(values => Object.keys(values))
    .find(value => restWords.includes(value)) ?? 'その他'

export function isAnybodyIn({ share, cohorts, shadow }: Exposure): boolean {
  return !shadow && (share > 0 || cohorts.some(cohort => cohort.share > 0))
}

/** A flag is complete in itself: it carries the segments its cohorts name. */
export function flagSegmentsOf(exposure: FlagExposure, plan: CompiledPlan): Record<string, FlagSegment> {
  return Object.fromEntries(
    exposure.cohorts.map(({ segment }) => [segment, { include: plan.segments[segment]?.include ?? {} }]),
  )
}

/** Largest share anybody can be served at: what a release reports while some readers have not followed yet. */
export function reachOf({ share, cohorts, shadow }: FlagExposure): number {
  return shadow ? 0 : Math.max(share, ...cohorts.map(cohort => cohort.share))
}
