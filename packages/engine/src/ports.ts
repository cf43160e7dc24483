import type { EvidenceCheckpoint, Observation, Track } from '@dankai/analysis'
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
  readonly evidence: WrittenEvidence | null
  /** When a decision was last made, for coverage. */
  readonly decidedAt: number
  /** Commands that ended and are not folded yet: (slot, result). */
  readonly results: readonly EndedCommand[]
  readonly hands: Readonly<Record<string, HandReading>>
}

export interface WrittenEvidence {
  readonly checkpoint: EvidenceCheckpoint
  readonly cursor: ObservationCursor
  readonly writtenAt: number
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
  /**
   * Live releases nobody alive owns and whose wakeAt has come, releases of a dead owner whatever their wakeAt, and
   * releases whose living owner is more than 2 s late; claimed for this instance, oldest first. Never one the caller
   * owns already: it holds that one in memory. An owner name is used by one process only once.
   */
  claimDue(owner: string, limit: number): Promise<readonly LoadedRelease[]>
  /** Takes the lease of one release whoever has it; raises the fence. null when there is no such live release. */
  claim(owner: string, releaseId: string): Promise<LoadedRelease | null>
  /** 'lost' when fence or seq moved on: drop everything and reload. */
  commit(commit: Commit): Promise<'committed' | 'lost'>
  /** What arrived for releases the caller owns; those whose fence moved on are left out. */
  inbox(releases: readonly { readonly id: string; readonly fence: number }[]): Promise<readonly ReleaseInbox[]>
  /**
   * Writes of releases that decided nothing new, many in one statement; conditional on the fence alone. Returns the
   * ids that were lost. Wakes nobody.
   */
  touch(touches: readonly ReleaseTouch[]): Promise<readonly string[]>
  /** Plan of a live release, for an instance that lowers its hands without owning it. */
  readPlan(releaseId: string): Promise<CompiledPlan | null>
  /** Earliest wakeAt of any live release. */
  nextWakeAt(): Promise<number | null>
  /** Makes releases due now. */
  wake(releaseIds: readonly string[]): Promise<void>
  /** Names of plans with a completed newest release, in a project and environment. */
  completedPlans(project: string, environment: string): Promise<readonly string[]>
}

export interface ReleaseInbox {
  readonly id: string
  readonly seq: number
  /** Commands that ended and are not folded yet. */
  readonly results: readonly EndedCommand[]
  readonly hands: Readonly<Record<string, HandReading>>
}

export interface ReleaseTouch {
  readonly releaseId: string
  readonly fence: number
  readonly wakeAt: number | null
  readonly decidedAt: number
  /** null = unchanged. */
  readonly status: ReleaseStatus | null
}

export interface InstanceStore {
  /** Beats; `epoch` rises at each start. An instance not seen for 4 s is dead. */
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
    result: {
      outcome: 'succeeded' | 'failed' | 'ambiguous'
      detail: string | null
      output: CommandOutput | null
      retryAt: number | null
    },
  ): Promise<'applied' | 'late'>
  /**
   * For a living owner who may not have heard what it claimed: commands of the lane that it has claimed and does not hold
   * are as they were before, as nobody has begun them. Returns their number.
   */
  giveBackCommands(
    owner: string,
    lane: Command['lane'],
    held: readonly Pick<ClaimedCommand, 'id' | 'fence'>[],
  ): Promise<number>
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
export interface HandMover {
  readonly kind: string
  /** Two readings of the floor at least this far apart make "rolled back". */
  readonly settleMs: number
  /** How long a raise may take until it counts as failed; 5 minutes when absent. */
  readonly raiseWithinMs?: number
  /** How often it is read again once it is there, to see that nobody moved it; the engine's own rate when absent. */
  readonly observeEveryMs?: number
  apply(target: HandTarget, timeoutMs: number): Promise<void>
  read(
    target: HandTarget,
    timeoutMs: number,
  ): Promise<{ share: number | null; reached: boolean; floor: number; problem: string | null }>
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
  run(
    claimed: ClaimedCommand,
  ): Promise<{ outcome: 'succeeded' | 'failed' | 'ambiguous'; detail: string | null; output: CommandOutput | null }>
}

/** A release as a source of observations knows it. */
export interface WatchedRelease {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly plan: CompiledPlan
  readonly version: string
}

/** Observations of a release's metrics after a cursor, in event order per metric and track, open buckets last. */
export interface ObservationSource {
  read(release: WatchedRelease, cursor: ObservationCursor | null, now: number): Promise<ReadObservations>
  /** The same from memory alone, for deciding while the database is away. */
  readOffline?(release: WatchedRelease, cursor: ObservationCursor | null, now: number): ReadObservations
  /** Releases that are about to be read, each from its cursor: what they need may be fetched together. */
  prepare?(releases: readonly (readonly [WatchedRelease, ObservationCursor | null])[], now: number): Promise<void>
}

export interface ReadObservations {
  readonly observations: readonly Observation[]
  readonly cursor: ObservationCursor
  /**
   * When the source will have more without being told (a bucket closes, a poll is due). null or absent = it does not
   * know, and is asked every 10 s; Infinity = never.
   */
  readonly nextAt?: number | null
}

// ── Samples ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One bucket of one series as it was sent: a difference, so that batches of many senders add up. */
export interface SeriesSample {
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  readonly track: Track
  /** Start of the bucket, epoch milliseconds of Dankai's clock. */
  readonly start: number
  readonly lengthMs: number
  readonly count: number
  readonly sum: number
  /** Newest value, for gauges. */
  readonly last: number | null
  /** A sketch as JSON; only analysis knows its inside. */
  readonly quantiles: unknown
}

export interface SampleBatch {
  /** Rises in commit order: a reader that has seen `id` never misses a smaller one. */
  readonly id: number
  readonly project: string
  readonly environment: string
  readonly service: string
  readonly receivedAt: number
  /** False for samples out of users' hands: they may stop a release, never count towards safe. */
  readonly trusted: boolean
  readonly samples: readonly SeriesSample[]
}

export interface SampleLogReader {
  /** Batches after an id, oldest first; null reads every service. `cursor` moves on also when nothing matched. */
  read(
    afterId: number,
    filter: { readonly project: string; readonly environment: string; readonly services: readonly string[] } | null,
    limit: number,
  ): Promise<{ readonly batches: readonly SampleBatch[]; readonly cursor: number }>
  /** Largest id received before a time; 0 when there is none. A new reader begins there. */
  idBefore(receivedAt: number): Promise<number>
  /** Packed samples of a series, in order of time; the reference of another week. Absent: there is no history. */
  history?(query: {
    readonly project: string
    readonly environment: string
    readonly service: string
    readonly series: string
    readonly from: number
    readonly to: number
  }): Promise<readonly (SeriesSample & { readonly trusted: boolean })[]>
}
