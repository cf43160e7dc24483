import type { EvidenceCheckpoint, Observation } from '@dankai/analysis'
import type { Command, CommandOutput, Event, HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { CompiledPlan, Exposure, Hand } from '@dankai/plan'

/**
 * What the engine needs of the world. The server gives PostgreSQL and real integrations; the simulation gives the
 * in-memory twin and a world. Every port is small, and each implementation passes the contract suite of its port.
 */

/** Epoch milliseconds. The server reads the database's clock, the simulation a virtual one. */
export interface Clock {
  now(): Promise<number>
}

// ── Releases ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewRelease {
  readonly project: string
  readonly environment: string
  readonly plan: CompiledPlan
  readonly planDigest: string
  readonly version: string
  /** ReleaseStarted and what the first decision added. */
  readonly events: readonly Event[]
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly wakeAt: number | null
}

export interface LoadedRelease {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly fence: number
  readonly plan: CompiledPlan
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly evidence: { readonly checkpoint: EvidenceCheckpoint; readonly cursor: ObservationCursor } | null
  /** When a decision was last made, for coverage. */
  readonly decidedAt: number
  /** Commands that ended and are not folded yet: (slot, result). */
  readonly results: readonly EndedCommand[]
  readonly hands: Readonly<Record<string, HandReading>>
}

/** Position in the sample log up to which observations were folded; opaque, comparable by the source only. */
export type ObservationCursor = number

export interface EndedCommand {
  readonly slot: string
  readonly outcome: 'succeeded' | 'failed' | 'ambiguous' | 'expired'
  readonly detail: string | null
  readonly output: CommandOutput | null
  readonly at: number
}

/** One fenced transaction: all of it happens, or none. */
export interface Commit {
  readonly releaseId: string
  readonly fence: number
  /** Seq of the state the decision was made from. */
  readonly expectedSeq: number
  readonly events: readonly Event[]
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly wakeAt: number | null
  readonly decidedAt: number
  /** New desired exposure of the release's hands; null = unchanged. */
  readonly desired: DesiredExposure | null
  readonly commands: readonly Command[]
  /** Slots whose planned commands are superseded (a rollback began). */
  readonly superseded: 'all' | readonly string[]
  /** Slots of results folded by these events. */
  readonly folded: readonly string[]
  readonly evidence: { readonly checkpoint: EvidenceCheckpoint; readonly cursor: ObservationCursor } | null
  /** Set by an amend. */
  readonly plan: { readonly plan: CompiledPlan; readonly digest: string } | null
  /** True when the release reached a terminal state: its claims on hands are given back. */
  readonly ended: boolean
}

export interface DesiredExposure {
  readonly exposure: Exposure
  readonly generation: number
  readonly direction: 'raise' | 'lower' | 'same'
}

export interface ReleaseStore {
  /** Claims every hand of the plan; a hand held by another live release is a conflict that names the holder. */
  createRelease(release: NewRelease): Promise<{ ok: true; id: string } | { ok: false; hand: string; holder: string }>
  /** Ids of live releases whose wakeAt has come or whose owner is dead, claimed for this instance, oldest first. */
  claimDue(owner: string, limit: number): Promise<readonly LoadedRelease[]>
  /** Takes the lease of one release whoever has it; raises the fence. null when there is no such live release. */
  claim(owner: string, releaseId: string): Promise<LoadedRelease | null>
  /** 'lost' when fence or seq moved on: drop everything and reload. */
  commit(commit: Commit): Promise<'committed' | 'lost'>
  /** Earliest wakeAt of any live release. */
  nextWakeAt(): Promise<number | null>
  /** Makes releases due now. */
  wake(releaseIds: readonly string[]): Promise<void>
  /** Names of plans with a completed newest release, in a project and environment. */
  completedPlans(project: string, environment: string): Promise<readonly string[]>
}

export interface InstanceStore {
  /** Beats; `epoch` rises at each start. An instance not seen for 5 s is dead. */
  beat(instance: string): Promise<void>
  leave(instance: string): Promise<void>
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ClaimedCommand {
  readonly id: string
  readonly releaseId: string
  readonly project: string
  readonly environment: string
  readonly command: Command
  readonly attempt: number
  readonly fence: number
}

export interface CommandStore {
  claimCommands(owner: string, lane: Command['lane'], limit: number): Promise<readonly ClaimedCommand[]>
  /**
   * Conditional on (id, attempt, fence); the result of an older attempt is stored as late and never applied.
   * `retryAt` plans another attempt instead of ending the command. Wakes the release when it ended.
   */
  finishCommand(
    claimed: ClaimedCommand,
    result: { outcome: 'succeeded' | 'failed' | 'ambiguous'; detail: string | null; output: CommandOutput | null; retryAt: number | null },
  ): Promise<'applied' | 'late'>
  /** Commands claimed by dead instances: `set` and `keyed` are planned again, `ask` become ambiguous. Returns their number. */
  recoverCommands(): Promise<number>
  nextCommandAt(): Promise<number | null>
}

// ── Hands ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface HandRow {
  readonly releaseId: string
  readonly project: string
  readonly environment: string
  readonly hand: Hand
  /** Position in the plan, for the order of raising. */
  readonly position: number
  readonly desired: Exposure
  readonly generation: number
  readonly direction: 'raise' | 'lower' | 'same'
  readonly reading: HandReading | null
  /** When the release's desired exposure last changed. */
  readonly desiredAt: number
}

export interface HandStore {
  /** Hands of one release, in order of the plan. */
  handsOf(releaseId: string): Promise<readonly HandRow[]>
  /** Live releases with a hand that is not reached, or whose last reading is older than `observeAfterMs`. */
  handsDue(observeAfterMs: number, limit: number): Promise<readonly string[]>
  /** Stored when the generation is the present one; a changed `reached`, `share` or `problem` wakes the release. */
  recordReading(releaseId: string, handId: string, reading: HandReading): Promise<void>
}

/** One kind of hand (flag, nginx, …). Percentages and cohorts arrive as an absolute exposure: safe to repeat. */
export interface HandDriver {
  readonly kind: string
  /** Two readings of the floor at least this far apart make "rolled back". */
  readonly settleMs: number
  apply(target: HandTarget, timeoutMs: number): Promise<void>
  read(target: HandTarget, timeoutMs: number): Promise<{ share: number | null; reached: boolean; floor: number; problem: string | null }>
}

export interface HandTarget {
  readonly releaseId: string
  readonly project: string
  readonly environment: string
  readonly hand: Hand
  readonly desired: Exposure
  readonly generation: number
  readonly plan: CompiledPlan
}

// ── Effects and observations ────────────────────────────────────────────────────────────────────────────────────────

/** Runs one command. Throws only for bugs; a refusal or time-out is a value. */
export interface EffectRunner {
  readonly kinds: readonly Command['effect']['kind'][]
  run(claimed: ClaimedCommand): Promise<{ outcome: 'succeeded' | 'failed' | 'ambiguous'; detail: string | null; output: CommandOutput | null }>
}

/** Observations of a release's metrics after a cursor, in event order per metric and track, open buckets last. */
export interface ObservationSource {
  read(
    release: { readonly id: string; readonly project: string; readonly environment: string; readonly plan: CompiledPlan; readonly version: string },
    cursor: ObservationCursor | null,
    now: number,
  ): Promise<{ readonly observations: readonly Observation[]; readonly cursor: ObservationCursor }>
}
