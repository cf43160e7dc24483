import type { EventBody } from '@dankai/core'

/**
 * Coverage: was somebody deciding all the time? A gap of more than three intervals and 30 s is written down; holds do
 * not count it, and core extends what people were given. Shorter gaps are take-overs and restarts, which the plan's own
 * durations absorb.
 */
export const coverageSlackMs = 30_000

export interface CoverageGap {
  readonly since: number
  readonly until: number
}

export function coverageGap(decidedAt: number, now: number, decideEveryMs: number): CoverageGap | null {
  return now - decidedAt > 3 * decideEveryMs + coverageSlackMs ? { since: decidedAt, until: now } : null
}

export function coverageBodies(gap: CoverageGap | null): readonly EventBody[] {
  if (gap === null) return []
  return [
    { type: 'CoverageLost', since: gap.since },
    { type: 'CoverageRestored', since: gap.since, until: gap.until },
  ]
}
