/** Which ways two things may compare: bits, so that several can be accepted. */
export const ways = { before: 1, same: 2, after: 4 } as const

/** The way of a difference; 0 for NaN, which stands for what is no number or moment. */
export function wayOf(difference: number): number {
  if (difference > 0) return ways.after
  return difference < 0 ? ways.before : difference === 0 ? ways.same : 0
}
