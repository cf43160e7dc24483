import type { Exposure, Hand } from '@dankai/plan'

export const nobody: Exposure = { share: 0, cohorts: [], shadow: false }

/** True when at least one user may be served the change. */
export function isExposed(exposure: Exposure): boolean {
  return exposure.share > 0 || exposure.cohorts.some(cohort => cohort.share > 0)
}

/** One number for people, bars and records: the largest share named. A whole segment has no share of all users. */
export function levelOf(exposure: Exposure): number {
  const partial = exposure.cohorts.filter(cohort => cohort.share < 1).map(cohort => cohort.share)
  return Math.max(exposure.share, 0, ...partial)
}

export function sameExposure(a: Exposure, b: Exposure): boolean {
  return (
    a.share === b.share &&
    a.shadow === b.shadow &&
    a.cohorts.length === b.cohorts.length &&
    a.cohorts.every((cohort, index) => {
      const other = b.cohorts[index]
      return other !== undefined && other.segment === cohort.segment && other.share === cohort.share
    })
  )
}

/** True when nobody who is in `before` is out of `after`. */
export function includes(after: Exposure, before: Exposure): boolean {
  return (
    after.share >= before.share &&
    before.cohorts.every(
      cohort =>
        after.share >= 1 ||
        after.cohorts.some(other => other.segment === cohort.segment && other.share >= cohort.share),
    )
  )
}

/** A hand that only rises keeps what it has; the others go back to nobody. */
export function hasFloorAboveNobody(hands: readonly Hand[]): boolean {
  return hands.some(hand => !hand.canLower)
}
