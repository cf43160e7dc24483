import type { Exposure } from '@dankai/plan'

/**
 * The state of a release: the fold of its events. Plain data, JSON-serialisable, so that it is also the snapshot.
 *
 *   starting ─ gates ─▶ phase (raising ▶ holding ▶ …) ─▶ completed
 *       └───────────────┴──▶ rollingBack ─▶ rolledBack | contained
 *
 * Invariants
 *  1. `exposure.desired` never rises while a now-rule is fired or the release is rolling back.
 *  2. `exposure.generation` rises with every change of desired; a reading of an older generation never counts.
 *  3. A phase is entered only after every gate before it ended done or skipped.
 *  4. Terminal states (completed, rolledBack, contained) change nothing but follow-ups and the record.
 */
export interface ReleaseState {
  readonly seq: number
  readonly at: number
  readonly startedAt: number
  readonly plan: string
  readonly planDigest: string
  readonly revision: number
  readonly strategy: string | null
  readonly semantics: number
  readonly version: string
  readonly startedBy: string
  readonly labels: readonly string[]
  readonly exemption: string | null
  readonly lifecycle: Lifecycle
  readonly exposure: ExposureState
  /** Steps that started or ended, by step id. */
  readonly steps: Readonly<Record<string, StepState>>
  /** Rules pending or fired, by rule id. */
  readonly rules: Readonly<Record<string, RuleState>>
  readonly decisions: Readonly<Record<string, OpenDecision>>
  readonly signals: Readonly<
    Record<string, { readonly since: number; readonly by: string; readonly times: readonly number[] }>
  >
  readonly alerts: Readonly<Record<string, number>>
  /** Last announced verdict of a criterion: met and verdict joined, so that a change is an event. */
  readonly verdicts: Readonly<Record<string, string>>
  readonly paused: { readonly by: string; readonly since: number } | null
  readonly halted: { readonly because: string; readonly rule: string | null } | null
  /** Metrics missing now -> end of their last bucket. */
  readonly missing: Readonly<Record<string, number>>
  /** Spans that do not count as held: pause, missing data, lost coverage. Merged, in order, of the current phase only. */
  readonly uncovered: readonly { readonly from: number; readonly to: number | null; readonly why: string }[]
  readonly drift: Readonly<Record<string, number>>
  /** Runbook that replaces `rollback` once an irreversible step is done. */
  readonly wayBack: string | null
  readonly runbooks: Readonly<Record<string, { readonly startedAt: number; readonly by: string }>>
}

export type Lifecycle =
  /** Before the first exposure: plan gates. */
  | { readonly kind: 'starting' }
  /** In a phase; `reachedAt` is null until exposure is confirmed. */
  | {
      readonly kind: 'running'
      readonly phase: number
      readonly enteredAt: number
      readonly reachedAt: number | null
      /** When the hold was over; criteria are judged from then on. */
      readonly heldAt: number | null
      /** Set once the phase is promoted and the gates before the next are worked on. */
      readonly promotedAt: number | null
    }
  | {
      readonly kind: 'rollingBack'
      readonly startedAt: number
      readonly because: string
      readonly rule: string | null
      readonly by: string | null
      /** null = the plan's `rollback`; 'abort' runs nothing but the lowering. */
      readonly runbook: string | null
      readonly floorReachedAt: number | null
      readonly fromPhase: number | null
    }
  | {
      readonly kind: 'rolledBack'
      readonly at: number
      readonly complete: boolean
      readonly because: string
      readonly startedAt: number
      readonly runbook: string | null
    }
  | { readonly kind: 'contained'; readonly at: number; readonly because: string }
  | { readonly kind: 'completed'; readonly at: number }

export interface ExposureState {
  readonly desired: Exposure
  /** Where to return when a raise fails half-way. */
  readonly previous: Exposure
  readonly generation: number
  readonly changedAt: number
  readonly reached: boolean
  /** A raise that failed: `detail` and when it may be tried again. */
  readonly failed: { readonly hand: string; readonly detail: string; readonly at: number } | null
  /** Highest share ever desired; for the record. */
  readonly highest: number
}

export interface StepState {
  readonly run: number
  /**
   * idle: to be started (again). asking: a person is asked. failed: the last start failed, it may be tried again by
   * itself. stuck: given up, waits for a person to retry or skip.
   */
  readonly status: 'idle' | 'running' | 'asking' | 'failed' | 'stuck' | 'done' | 'skipped'
  readonly startedAt: number
  readonly endedAt: number | null
  readonly detail: string | null
  /** Starts that failed in a row. */
  readonly failures: number
  readonly answers: readonly { readonly by: string; readonly at: number }[]
  /** How often whoever is asked was told again; absent before the first time. */
  readonly reminded?: number
}

export interface RuleState {
  /** answered: a person (or the default) let it go on; it may fire again once it was clear. */
  readonly status: 'pending' | 'fired' | 'answered'
  readonly since: number
  readonly text: string
  /** Latched `rollback within`: when the rollback starts by itself. */
  readonly rollbackAt: number | null
}

export interface OpenDecision {
  readonly because: string
  readonly askedAt: number
  readonly deadline: number
  readonly otherwise: 'rollback' | 'continue'
}
