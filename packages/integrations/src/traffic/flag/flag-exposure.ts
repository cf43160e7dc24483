import type { FlagExposure, FlagSegment } from '@dankai/flags'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'

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
  const cohorts = exposure.cohorts.map(({ segment, share }) => ({ segment, share, mix: null }))
  return { share: exposure.share, cohorts, shadow: exposure.shadow }
}

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
