import type { EvidenceReader, Verdict } from '@dankai/analysis'
import type { CompiledPlan, Exposure } from '@dankai/plan'
import type { CommandResult } from './command.ts'
import type { EventBody } from './event.ts'
import type { ReleaseState } from './state.ts'

/** Everything a decision may depend on. Reading no clock, no store and no random number. */
export interface DecideInput {
  readonly plan: CompiledPlan
  readonly state: ReleaseState
  readonly evidence: EvidenceReader
  /** Last reading of each hand, by id; a hand never read is absent. */
  readonly hands: Readonly<Record<string, HandReading>>
  /** Results of commands that ended since the last decision. */
  readonly results: readonly CommandResult[]
  /** Completed releases of other plans this one `needs`, by plan name. */
  readonly completedPlans: readonly string[]
  /** Epoch milliseconds, never below the release's last `at`. */
  readonly now: number
}

/** What a hand was read back at. */
export interface HandReading {
  readonly generation: number
  /** Share it serves; null when it could not be read. */
  readonly share: number | null
  /** True when it serves exactly what generation `generation` desires, cohorts included. */
  readonly reached: boolean
  /** Lowest share it can go back to now (0, or what a store track has released). */
  readonly floor: number
  /** Readings in a row at this value, at least `settle` apart. */
  readonly readings: number
  readonly at: number
  readonly problem: string | null
}

export interface Decision {
  readonly events: readonly EventBody[]
  /** State after the events: apply(state, events) and nothing else. */
  readonly state: ReleaseState
  /** Next time to decide, whatever else happens; null = only when something arrives. */
  readonly wakeAt: number | null
  readonly status: ReleaseStatus
}

/** What the release is doing, why, what it waits for and what comes next: data, rendered at the edge in ja and en. */
export interface ReleaseStatus {
  readonly stage: ReleaseState['lifecycle']['kind']
  readonly phase: { readonly index: number; readonly name: string; readonly count: number } | null
  readonly desired: Exposure
  /** Upper bound of what is observed and in flight, 0 … 1. */
  readonly exposure: number
  readonly waitingOn: readonly WaitingOn[]
  readonly reasons: readonly Reason[]
  readonly next: Forecast | null
  readonly criteria: readonly CriterionStatus[]
}

export type WaitingOn =
  | { readonly kind: 'hold'; readonly until: number | null; readonly coveredMs: number; readonly holdMs: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'calendar'; readonly calendar: string; readonly until: number | null; readonly entry: string }
  | {
      readonly kind: 'approval'
      readonly step: string
      readonly role: string
      readonly have: number
      readonly need: number
    }
  | {
      readonly kind: 'confirmation'
      readonly step: string
      readonly name: string
      readonly by: string | null
      readonly deadline: number | null
    }
  | { readonly kind: 'step'; readonly step: string; readonly name: string; readonly deadline: number | null }
  | { readonly kind: 'retryOrSkip'; readonly step: string; readonly name: string; readonly detail: string }
  | {
      readonly kind: 'criterion'
      readonly criterion: string
      readonly text: string
      readonly met: 'no' | 'unknown'
      readonly verdict: Verdict | null
      readonly value: number | null
      readonly limit: number | null
      readonly samples: number | null
      readonly samplesNeeded: number | null
    }
  | { readonly kind: 'data'; readonly metric: string; readonly since: number }
  | {
      readonly kind: 'exposure'
      readonly hand: string
      readonly desired: number
      readonly observed: number | null
      readonly problem: string | null
    }
  | {
      readonly kind: 'decision'
      readonly rule: string
      readonly because: string
      readonly deadline: number
      readonly otherwise: 'rollback' | 'continue'
    }
  | { readonly kind: 'latched'; readonly rule: string; readonly name: string; readonly rollbackAt: number }
  | { readonly kind: 'rule'; readonly rule: string; readonly name: string }
  | { readonly kind: 'resume'; readonly by: string }
  | { readonly kind: 'halted'; readonly because: string }
  | { readonly kind: 'plan'; readonly plan: string }
  | { readonly kind: 'time'; readonly step: string; readonly until: number }
  | { readonly kind: 'drift'; readonly hand: string }
  | { readonly kind: 'coverage'; readonly since: number }

export type Reason =
  | { readonly kind: 'rolledBack'; readonly because: string; readonly by: string | null }
  | {
      readonly kind: 'pending'
      readonly rule: string
      readonly name: string
      readonly since: number
      readonly firesAt: number | null
    }
  | { readonly kind: 'policy'; readonly text: string }
  | { readonly kind: 'promoted'; readonly phase: string; readonly because: readonly string[] }

export interface Forecast {
  readonly what: 'promote' | 'raise' | 'complete' | 'rollback' | 'ask again' | 'answer by default'
  readonly at: number
  readonly phase: string | null
}

export interface CriterionStatus {
  readonly criterion: string
  readonly text: string
  readonly met: 'yes' | 'no' | 'unknown'
  readonly verdict: Verdict | null
  readonly value: number | null
  readonly limit: number | null
  readonly samples: number | null
}
