import type { Command, CommandOutput, Event, ReleaseState, ReleaseStatus } from '@dankai/core'
import type { Clock, CommandStore, HandRow, HandStore, InstanceStore, ReleaseStore } from '@dankai/engine'
import type { CompiledPlan } from '@dankai/plan'
import type { KeyStore, PrincipalStore } from './access-ports.ts'
import type { AuditLog, ConnectionStore, DocumentStore, OverlayStore, SettingStore } from './document-ports.ts'
import type { ExposureStore } from './exposure-ports.ts'
import type { FlagChangeStore, FlagStore, SdkStore } from './flag-ports.ts'
import type { FlagUsageStore } from './flag-usage-ports.ts'
import type { Hints } from './hint-ports.ts'
import type { SampleLog } from './sample-ports.ts'
import type { Page, PageRequest, Scope } from './scope.ts'

export interface ReleaseSummary extends Scope {
  readonly id: string
  readonly plan: string
  readonly planTitle: string | null
  readonly service: string
  readonly version: string
  readonly stage: ReleaseState['lifecycle']['kind']
  /** Desired share, 0 … 1. */
  readonly share: number
  readonly seq: number
  readonly revision: number
  readonly startedAt: number
  readonly startedBy: string
  readonly endedAt: number | null
  readonly decidedAt: number
  readonly wakeAt: number | null
  readonly status: ReleaseStatus
}

export interface ReleaseDetail extends ReleaseSummary {
  readonly compiledPlan: CompiledPlan
  readonly planDigest: string
  readonly state: ReleaseState
  readonly owner: string | null
  readonly fence: number
  readonly hands: readonly HandRow[]
}

export interface ReleaseQuery extends PageRequest {
  readonly project?: string
  readonly environment?: string
  readonly plan?: string
  readonly service?: string
  readonly live?: boolean
}

export interface FeedEntry extends Scope {
  /** Rises in the order in which events became visible. */
  readonly feedId: number
  readonly releaseId: string
  readonly plan: string
  readonly version: string
  readonly event: Event
}

export interface CommandSummary {
  readonly id: string
  readonly slot: string
  readonly command: Command
  readonly status: 'planned' | 'claimed' | 'succeeded' | 'failed' | 'ambiguous' | 'superseded' | 'expired'
  readonly attempt: number
  readonly plannedAt: number
  readonly notBefore: number
  readonly endedAt: number | null
  readonly detail: string | null
  readonly output: CommandOutput | null
  /** Results of older attempts that came too late to count; at most 10. */
  readonly late: readonly {
    readonly attempt: number
    readonly outcome: string
    readonly detail: string | null
    readonly at: number
  }[]
}

export interface ReleaseReader {
  /** Newest first. */
  list(query: ReleaseQuery): Promise<Page<ReleaseSummary>>
  get(id: string): Promise<ReleaseDetail | null>
  /** Events after a seq, oldest first; at most 1,000. */
  events(id: string, afterSeq: number, limit: number): Promise<readonly Event[]>
  /** Events of all releases after a feed id; resuming by it misses nothing and repeats nothing. */
  feed(
    afterFeedId: number,
    scope: Scope | null,
    limit: number,
  ): Promise<{ readonly entries: readonly FeedEntry[]; readonly cursor: number }>
  feedHead(): Promise<number>
  commands(id: string, request: PageRequest): Promise<Page<CommandSummary>>
  /** The plan as it was at a revision; null when there is none. */
  planAt(id: string, revision: number): Promise<CompiledPlan | null>
  /** Live releases that hold a hand, by hand id. */
  holders(scope: Scope): Promise<Readonly<Record<string, string>>>
}

export interface InstanceSummary {
  readonly id: string
  readonly epoch: number
  readonly seenAt: number
  readonly alive: boolean
}

/** Everything Dankai keeps. PostgreSQL and the in-memory twin give the same surface with the same semantics. */
export interface Store {
  readonly clock: Clock
  readonly releases: ReleaseStore
  readonly instances: InstanceStore & { list(): Promise<readonly InstanceSummary[]> }
  readonly commands: CommandStore
  readonly hands: HandStore
  readonly reader: ReleaseReader
  readonly samples: SampleLog
  readonly flags: FlagStore
  readonly flagChanges: FlagChangeStore
  readonly flagUsage: FlagUsageStore
  readonly sdks: SdkStore
  readonly exposures: ExposureStore
  readonly principals: PrincipalStore
  readonly keys: KeyStore
  readonly documents: DocumentStore
  readonly connections: ConnectionStore
  readonly overlays: OverlayStore
  readonly audit: AuditLog
  readonly settings: SettingStore
  readonly hints: Hints
  /** What housekeeping removes: old samples, commands, flag versions, releases beyond their retention. */
  prune(): Promise<void>
  close(): Promise<void>
}
