import type { Event, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { CompiledPlan, Exposure } from '@dankai/plan'
import type { PerformedEffect } from './world/effect-journal.ts'

/** Everything a simulated release did: what expectations are matched against and what is drawn. */
export interface Trace {
  readonly plan: CompiledPlan
  readonly seed: number
  readonly start: number
  readonly end: number
  readonly events: readonly TraceEvent[]
  /** The release as it was last written. */
  readonly state: ReleaseState
  /** What users really had, at each change, in order; begins with nobody at the start. */
  readonly exposures: readonly ExposureSample[]
  /** What the release said of itself, at each change. */
  readonly statuses: readonly StatusSample[]
  readonly effects: readonly PerformedEffect[]
  /** What people of the script tried and were not allowed to do. */
  readonly refusals: readonly { readonly at: number; readonly message: string }[]
  readonly outcome: Outcome
  /** True when the simulation ended because its time was over, not because the release was. */
  readonly horizonReached: boolean
  /** Moments the plan's own times count from: `start`, `rollback` and phases by name (ExposureReached). */
  readonly anchors: Readonly<Record<string, number>>
  /** Numbers of the run itself: decisions made and crashes survived. */
  readonly ticks: number
  readonly crashes: number
}

export interface TraceEvent extends Event {
  /** `early + 3m`: the time counted from the newest anchor before it. */
  readonly relative: string
}

export interface ExposureSample {
  readonly at: number
  readonly exposure: Exposure
  readonly cause: ExposureCause
}

/** drift: somebody else moved the hand. late: a call that everybody had given up took effect after all. */
export type ExposureCause = 'dankai' | 'drift' | 'late'

export interface StatusSample {
  readonly at: number
  readonly status: ReleaseStatus
}

export type Outcome = 'completed' | 'rolled back' | 'rollback incomplete' | 'contained' | 'running'

/** The newest sample at or before a moment. Samples are in order of time. */
export function newestAt<Sample extends { readonly at: number }>(
  samples: readonly Sample[],
  at: number,
): Sample | undefined {
  let low = 0
  let high = samples.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (samples[middle]!.at <= at) low = middle + 1
    else high = middle
  }
  return samples[low - 1]
}
