import type { HandReading } from '@dankai/core'

/** What a hand said of itself, or that it could not be asked. */
export type HandAnswer =
  | {
      readonly kind: 'read'
      readonly share: number | null
      readonly reached: boolean
      readonly floor: number
      readonly problem: string | null
    }
  | { readonly kind: 'unreadable'; readonly problem: string }

/**
 * The next reading of a hand. `readings` counts equal readings at least `settleMs` apart: two of them at the floor make
 * "rolled back", because a proxy that reloads may serve the old value once more in between. A reading that comes too
 * early counts nothing and keeps the time it has to wait from.
 */
export function nextReading(
  before: HandReading | null,
  answer: HandAnswer,
  generation: number,
  settleMs: number,
  now: number,
): HandReading {
  if (answer.kind === 'unreadable') return notRead(before, answer.problem, generation, now)
  const { share, reached, floor, problem } = answer
  const first = { generation, share, reached, floor, readings: 1, at: now, problem }
  if (before === null || !isSameAnswer(before, first)) return first
  if (now - before.at < settleMs) return before.problem === problem ? before : { ...before, problem }
  return { ...first, readings: Math.min(before.readings + 1, 1_000) }
}

/** What was read a moment ago, here or by another instance, is still the better answer. */
const stillKnownMs = 15_000

/**
 * A hand that cannot be read has no share. What was confirmed twice is not taken back by that: another instance may
 * reach a hand that this one does not.
 */
function notRead(before: HandReading | null, problem: string, generation: number, now: number): HandReading {
  const isKnown = before !== null && before.generation === generation && before.share !== null
  if (isKnown && (now - before.at < stillKnownMs || (before.reached && before.readings >= 2)))
    return { ...before, problem }
  const floor = before?.floor ?? 0
  return { generation, share: null, reached: false, floor, readings: 0, at: now, problem }
}

/** Of two readings of a hand the one to go by: the newer generation, then the newer one that has a share. */
export function betterReading(one: HandReading, other: HandReading): HandReading {
  if (one.generation !== other.generation) return one.generation > other.generation ? one : other
  const [older, newer] = one.at <= other.at ? [one, other] : [other, one]
  const isTakenBack = newer.share === null && older.share !== null
  return isTakenBack && (newer.at - older.at < stillKnownMs || older.readings >= 2) ? older : newer
}

function isSameAnswer(before: HandReading, after: HandReading): boolean {
  return (
    before.generation === after.generation &&
    before.share === after.share &&
    before.reached === after.reached &&
    before.floor === after.floor
  )
}

/** True when a person or a decision could care about the difference. */
export function isWorthWriting(before: HandReading | null, after: HandReading, recordEveryMs: number): boolean {
  if (before === null || !isSameAnswer(before, after) || before.problem !== after.problem) return true
  return (before.readings < 2 && after.readings >= 2) || after.at - before.at >= recordEveryMs
}
