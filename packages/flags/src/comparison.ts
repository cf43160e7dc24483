const before = 1
const same = 2
const after = 4

/** Which ways two things may compare: bits, so that several can be accepted. */
export const ways = { before, same, after } as const

/** The way of a difference; 0 for NaN, which stands for what is no number or moment. */
export function wayOf(difference: number): number {
  if (difference > 0) return after
  return difference < 0 ? before : difference === 0 ? same : 0
}
