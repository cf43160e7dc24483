/**
 * An interval for the difference of two means that may be looked at any time.
 *
 * An asymptotic confidence sequence: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences" (arXiv 2103.06476, Theorem 2.2). After t users the mean is within
 *
 *   σ √( 2 (t ρ² + 1) / (t² ρ²) · ln( √(t ρ² + 1) / α ) )
 *
 * of its estimate, at all t together with probability 1 - α. For a difference of two groups σ² / t is the squared
 * standard error v₁/n₁ + v₀/n₀, so the half width is the standard error times √( 2 (t ρ² + 1) / (t ρ²) · ln(…) ).
 *
 * 1. Stopping when an interval leaves 0 is a false alarm with probability α at most, however often it is looked at.
 * 2. It is never narrower than the interval for one look, and about 1.5 to 2 times as wide where ρ is tuned.
 * 3. It holds for large samples: below `usersMin` in a group there is no interval.
 */
export interface GroupSums {
  readonly users: number
  /** Over users: of each user's value, and of its square. */
  readonly sum: number
  readonly sumOfSquares: number
}

export interface DifferenceInterval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** Where the central limit theorem has begun to hold for rates of some percent. */
export const usersMin = 100
/** An experiment of document 000 has some thousands of users; elsewhere the interval is a little wider than need be. */
const tunedForUsers = 5_000

/** Of the second group against the first; null while either is too small. */
export function differenceInterval(control: GroupSums, other: GroupSums, alpha: number): DifferenceInterval | null {
  if (control.users < usersMin || other.users < usersMin) return null
  const estimate = meanOf(other) - meanOf(control)
  const standardError = Math.sqrt(varianceOf(control) / control.users + varianceOf(other) / other.users)
  const halfWidth = standardError * widthFactor(control.users + other.users, alpha)
  return { estimate, low: estimate - halfWidth, high: estimate + halfWidth }
}

const meanOf = ({ users, sum }: GroupSums): number => sum / users

/** Rounding may leave a little less than nothing. */
function varianceOf({ users, sum, sumOfSquares }: GroupSums): number {
  return Math.max(0, (sumOfSquares - (sum * sum) / users) / (users - 1))
}

/** How many standard errors wide after so many users. */
export function widthFactor(users: number, alpha: number): number {
  const scaled = users * tuningFor(tunedForUsers, alpha)
  return Math.sqrt(((2 * (scaled + 1)) / scaled) * Math.log(Math.sqrt(scaled + 1) / alpha))
}

/** ρ² that makes the interval narrow at so many users (same paper, appendix B.2). */
function tuningFor(users: number, alpha: number): number {
  const surprise = -2 * Math.log(alpha)
  return (surprise + Math.log(surprise + 1)) / users
}
