import type { Command, CommandOutput, Event, HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { HandRow, LoadedRelease } from '@dankai/engine'
import type { CompiledPlan } from '@dankai/plan'
import type { StoredFlag } from '../flag-ports.ts'
import type { Scope } from '../scope.ts'
import type { MemoryHints } from './memory-hints.ts'

/**
 * The rows of the in-memory twin. What decisions made (events, states, plans, evidence) is immutable data and is kept
 * as it came; rows are changed in place, always within one turn of the event loop, which stands for a transaction.
 */
export interface MemoryRelease {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly version: string
  readonly events: Event[]
  readonly plans: Map<number, CompiledPlan>
  readonly commands: Map<string, MemoryCommand>
  readonly hands: MemoryHand[]
  plan: CompiledPlan
  planDigest: string
  revision: number
  state: ReleaseState
  status: ReleaseStatus
  seq: number
  fence: number
  owner: string | null
  ownerEpoch: number
  wakeAt: number | null
  decidedAt: number
  endedAt: number | null
  evidence: LoadedRelease['evidence']
}

export interface MemoryHand {
  readonly hand: HandRow['hand']
  readonly position: number
  desired: HandRow['desired']
  generation: number
  direction: HandRow['direction']
  desiredAt: number
  isLive: boolean
  isReached: boolean
  reading: HandReading | null
}

export interface MemoryCommand {
  readonly id: string
  readonly release: MemoryRelease
  readonly command: Command
  readonly plannedAt: number
  readonly late: { attempt: number; outcome: string; detail: string | null; at: number }[]
  status: 'planned' | 'claimed' | 'succeeded' | 'failed' | 'ambiguous' | 'superseded' | 'expired'
  attempt: number
  fence: number
  owner: string | null
  ownerEpoch: number
  notBefore: number
  endedAt: number | null
  detail: string | null
  output: CommandOutput | null
  isFolded: boolean
}

export interface MemoryInstance {
  epoch: number
  seenAt: number
}

export interface MemoryState {
  readonly now: () => number | Promise<number>
  readonly hints: MemoryHints
  /** In order of their start. */
  readonly releases: Map<string, MemoryRelease>
  /** Releases that did not end, or that something will still wake. */
  readonly live: Set<MemoryRelease>
  /** Hand by scope and id, to the release that holds it. */
  readonly claims: Map<string, MemoryRelease>
  /** Planned and claimed. */
  readonly openCommands: Set<MemoryCommand>
  readonly commandsById: Map<string, MemoryCommand>
  readonly instances: Map<string, MemoryInstance>
  readonly flags: Map<string, StoredFlag>
  readonly feed: { readonly release: MemoryRelease; readonly event: Event }[]
}

export function scopedKey(scope: Scope, ...names: string[]): string {
  return JSON.stringify([scope.project, scope.environment, ...names])
}

export function isIn(one: Scope, other: Scope): boolean {
  return one.project === other.project && one.environment === other.environment
}

/** Compares like PostgreSQL's "C" collation for the texts used here. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
