import type { Verdict } from '@dankai/analysis'
import type { Exposure } from '@dankai/plan'
import type { Command } from './command.ts'

/**
 * The events of a release: past tense, append-only, the whole truth about what happened. State, timeline, audit and
 * reports are folds of them. Event types only ever gain optional fields; `at` is epoch milliseconds of the decision.
 */
export interface Event {
  readonly seq: number
  readonly at: number
  readonly body: EventBody
}

export type EventBody =
  | ReleaseStarted
  | StepStarted
  | StepEnded
  | RunbookStepFailed
  | StepRetried
  | GateOpened
  | GateReminded
  | GateAnswered
  | PhaseEntered
  | ExposureChanged
  | ExposureReached
  | ExposureFailed
  | HoldEnded
  | PhasePromoted
  | VerdictChanged
  | TriggerPending
  | TriggerFired
  | TriggerCleared
  | DecisionAsked
  | DecisionAnswered
  | DataMissing
  | DataRestored
  | CoverageLost
  | CoverageRestored
  | DriftSeen
  | DriftEnded
  | SignalReported
  | SignalWithdrawn
  | Paused
  | Resumed
  | Halted
  | AlertRaised
  | AlertCleared
  | ActionTaken
  | PlanAmended
  | RunbookStarted
  | RollbackStarted
  | FollowUpOpened
  | RolledBack
  | Contained
  | Completed

export interface ReleaseStarted {
  readonly type: 'ReleaseStarted'
  readonly plan: string
  readonly planDigest: string
  readonly strategy: string | null
  /** Version of decide, analysis and defaults this release is pinned to. */
  readonly semantics: number
  readonly version: string
  readonly labels: readonly string[]
  readonly hands: readonly string[]
  readonly by: string
  /** Reason given for passing a calendar block, when the release type may. */
  readonly exemption: string | null
}

/** A step began: the engine runs its command, or a person is asked. `run` counts starts of the same step. */
export interface StepStarted {
  readonly type: 'StepStarted'
  readonly step: string
  readonly run: number
  /** null for steps the engine itself settles (wait, check, confirm, approve …). */
  readonly command: Command | null
}

export interface StepEnded {
  readonly type: 'StepEnded'
  readonly step: string
  readonly run: number
  readonly outcome: 'done' | 'failed' | 'skipped' | 'ambiguous' | 'superseded' | 'expired'
  readonly detail: string | null
  readonly by: string | null
}

/** A step of a rollback or runbook failed and waits for a person: retry or skip. */
export interface RunbookStepFailed {
  readonly type: 'RunbookStepFailed'
  readonly step: string
  readonly name: string
  readonly detail: string
}

export interface StepRetried {
  readonly type: 'StepRetried'
  readonly step: string
  readonly by: string
}

/** A person is asked: an approval, a confirmation, an `onFail: ask`. */
export interface GateOpened {
  readonly type: 'GateOpened'
  readonly step: string
  readonly asks: 'approval' | 'confirmation' | 'decision after a failure' | 'retry or skip'
  readonly of: string | null
}

/** Nobody has answered for long: whoever is asked is told again. */
export interface GateReminded {
  readonly type: 'GateReminded'
  readonly step: string
  /** Reminders so far, this one included. */
  readonly times: number
}

export interface GateAnswered {
  readonly type: 'GateAnswered'
  readonly step: string
  readonly by: string
  readonly answer: 'approved' | 'confirmed' | 'rejected'
  readonly why: string | null
  readonly evidence: string | null
}

export interface PhaseEntered {
  readonly type: 'PhaseEntered'
  readonly phase: number
  readonly name: string
}

export interface ExposureChanged {
  readonly type: 'ExposureChanged'
  readonly exposure: Exposure
  readonly generation: number
  readonly direction: 'raise' | 'lower' | 'same'
}

/** Every hand was read back at the desired exposure (raise), or at its floor twice (lower). */
export interface ExposureReached {
  readonly type: 'ExposureReached'
  readonly generation: number
}

/** A hand could not be raised in time: the others go back to where they were. */
export interface ExposureFailed {
  readonly type: 'ExposureFailed'
  readonly generation: number
  readonly hand: string
  readonly detail: string
}

/** The phase was held for its covered time; from here on its criteria are judged at every look. */
export interface HoldEnded {
  readonly type: 'HoldEnded'
  readonly phase: number
  readonly name: string
}

export interface PhasePromoted {
  readonly type: 'PhasePromoted'
  readonly phase: number
  readonly name: string
  /** Set when a person promoted over holds or criteria. */
  readonly by: string | null
  /** Criteria as they stood, numbers included. */
  readonly because: readonly string[]
}

export interface VerdictChanged {
  readonly type: 'VerdictChanged'
  readonly criterion: string
  readonly text: string
  readonly met: 'yes' | 'no' | 'unknown'
  readonly verdict: Verdict | null
  readonly value: number | null
  readonly limit: number | null
  readonly samples: number | null
}

export interface TriggerPending {
  readonly type: 'TriggerPending'
  readonly rule: string
  readonly name: string
  readonly since: number
  readonly firesAt: number | null
}

export interface TriggerFired {
  readonly type: 'TriggerFired'
  readonly rule: string
  readonly name: string
  /** The condition that was met, as written, with what was measured. */
  readonly text: string
  readonly value: number | null
  readonly limit: number | null
}

export interface TriggerCleared {
  readonly type: 'TriggerCleared'
  readonly rule: string
  readonly name: string
}

export interface DecisionAsked {
  readonly type: 'DecisionAsked'
  readonly rule: string
  readonly because: string
  readonly deadline: number
  readonly otherwise: 'rollback' | 'continue'
}

export interface DecisionAnswered {
  readonly type: 'DecisionAnswered'
  readonly rule: string
  readonly answer: 'rollback' | 'continue'
  /** null: nobody answered in time. */
  readonly by: string | null
  readonly why: string | null
}

export interface DataMissing {
  readonly type: 'DataMissing'
  readonly metric: string
  /** End of the last bucket that arrived. */
  readonly since: number
}

export interface DataRestored {
  readonly type: 'DataRestored'
  readonly metric: string
  readonly since: number
  readonly until: number
}

/** Nobody decided for a while (all instances down): buckets are replayed, clocks stop. */
export interface CoverageLost {
  readonly type: 'CoverageLost'
  readonly since: number
}

export interface CoverageRestored {
  readonly type: 'CoverageRestored'
  readonly since: number
  readonly until: number
}

export interface DriftSeen {
  readonly type: 'DriftSeen'
  readonly hand: string
  readonly observed: number | null
  readonly desired: number
}

export interface DriftEnded {
  readonly type: 'DriftEnded'
  readonly hand: string
}

export interface SignalReported {
  readonly type: 'SignalReported'
  readonly signal: string
  readonly by: string
  readonly why: string
}

export interface SignalWithdrawn {
  readonly type: 'SignalWithdrawn'
  readonly signal: string
  readonly by: string
  readonly why: string
}

export interface Paused {
  readonly type: 'Paused'
  readonly by: string
  readonly why: string | null
}

export interface Resumed {
  readonly type: 'Resumed'
  readonly by: string
  readonly why: string | null
}

/** The percentage is frozen: a hand that cannot go down, or a person. */
export interface Halted {
  readonly type: 'Halted'
  readonly because: string
  readonly rule: string | null
  readonly by: string | null
}

export interface AlertRaised {
  readonly type: 'AlertRaised'
  readonly alert: string
  readonly severity: string
  readonly text: string
  readonly to: readonly string[]
  readonly value: number | null
}

export interface AlertCleared {
  readonly type: 'AlertCleared'
  readonly alert: string
}

/** A person did something that has no event of its own (promote, amend, cancel a latched rule …). */
export interface ActionTaken {
  readonly type: 'ActionTaken'
  readonly action: string
  readonly by: string
  readonly why: string | null
  readonly subject: string | null
}

export interface PlanAmended {
  readonly type: 'PlanAmended'
  readonly revision: number
  readonly planDigest: string
  readonly by: string
  readonly why: string
  readonly changes: readonly string[]
}

export interface RunbookStarted {
  readonly type: 'RunbookStarted'
  readonly runbook: string
  readonly by: string
}

export interface RollbackStarted {
  readonly type: 'RollbackStarted'
  readonly because: string
  readonly rule: string | null
  readonly by: string | null
  /** Name of the runbook that takes the place of `rollback` after an irreversible step; null = `rollback`. */
  readonly runbook: string | null
}

/** Tasks after a rollback: they block nothing, they escalate. */
export interface FollowUpOpened {
  readonly type: 'FollowUpOpened'
  readonly step: string
  readonly deadline: number | null
}

export interface RolledBack {
  readonly type: 'RolledBack'
  /** False when a runbook step failed and was given up or is still open: `rollback incomplete`. */
  readonly complete: boolean
}

/** Every hand is at its floor, and some floor is above zero (a store track cannot shrink). */
export interface Contained {
  readonly type: 'Contained'
  readonly exposure: Exposure
}

export interface Completed {
  readonly type: 'Completed'
  readonly by: string | null
}
