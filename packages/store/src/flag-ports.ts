import type { FlagDefinition, FlagExposure, FlagSegment } from '@dankai/flags'
import type { FlagCare } from './flag-care.ts'
import type { Hint, Unsubscribe } from './hint-ports.ts'
import type { Page, PageRequest, Scope } from './scope.ts'

export interface StoredFlag extends Scope {
  readonly key: string
  /** Version of the environment's flags at which this one last changed; `definition.version` is the same. */
  readonly version: number
  readonly definition: FlagDefinition
  /** The live release whose hand this flag is. */
  readonly heldBy: string | null
  /** Generation of the exposure last written by a release. */
  readonly generation: number
  readonly changedAt: number
  readonly care: FlagCare
  /** Since when everybody has the on variant by the exposure; null while somebody has not. */
  readonly fullSince: number | null
}

export interface FlagVersion {
  readonly version: number
  /** null: the flag was removed. */
  readonly definition: FlagDefinition | null
  /** null: as it was before. */
  readonly care: FlagCare | null
  readonly by: string
  readonly why: string | null
  readonly at: number
}

export interface FlagWrite extends Scope {
  readonly definition: FlagDefinition
  /** Absent: as it is. When a flag was made is the store's to say. */
  readonly care?: FlagCare
  /** Version the writer saw; 0 for a flag that must not exist yet. */
  readonly expectedVersion: number
  readonly by: string
  readonly why: string | null
  /** A flag held by a live release is changed by hand only on purpose. */
  readonly breakGlass?: boolean
}

export type FlagWriteResult =
  | { readonly ok: true; readonly flag: StoredFlag }
  | { readonly ok: false; readonly code: 'conflict'; readonly present: StoredFlag | null }
  | { readonly ok: false; readonly code: 'held'; readonly releaseId: string }

export interface FlagExposureWrite extends Scope {
  readonly key: string
  readonly releaseId: string
  readonly generation: number
  readonly exposure: FlagExposure
  readonly segments: Readonly<Record<string, FlagSegment>>
}

export type FlagExposureResult =
  | { readonly ok: true; readonly version: number }
  /** An older generation, or a release that does not hold the flag: nothing was written. */
  | { readonly ok: false; readonly code: 'stale' | 'not held' | 'unknown flag' }

export interface FlagStore {
  get(scope: Scope, key: string): Promise<StoredFlag | null>
  list(scope: Scope, request: PageRequest): Promise<Page<StoredFlag>>
  put(write: FlagWrite): Promise<FlagWriteResult>
  remove(
    write: Scope & { key: string; expectedVersion: number; by: string; why: string | null },
  ): Promise<FlagWriteResult | { readonly ok: true; readonly flag: null }>
  history(scope: Scope, key: string, request: PageRequest): Promise<Page<FlagVersion>>
  /** null: there is no such version, or it was forgotten. */
  versionOf(scope: Scope, key: string, version: number): Promise<FlagVersion | null>
  /** Keys of flags whose care names the service, or that its releases moved; at most 1,000. */
  keysOfService(scope: Scope, service: string): Promise<readonly string[]>
  /** Every environment that has or had flags; at most 10,000. */
  scopes(): Promise<readonly Scope[]>
  /** A release moves the flag it holds. A write of an older generation never wins, so it never raises either. */
  setExposure(write: FlagExposureWrite): Promise<FlagExposureResult>
  /** Flags changed after a version, and keys that are gone; `version` is the present one. */
  readSince(
    scope: Scope,
    version: number,
  ): Promise<{ readonly version: number; readonly flags: readonly StoredFlag[]; readonly removed: readonly string[] }>
  subscribe(listener: (hint: Extract<Hint, { kind: 'flags' | 'reconnected' }>) => void): Unsubscribe
}

/** A change of a flag that happens at a time by itself. */
export interface FlagChange extends Scope {
  readonly id: string
  readonly key: string
  readonly at: number
  /** Fields of the definition that get these values. */
  readonly patch: Partial<FlagDefinition>
  /** The version of the flag that whoever planned it saw; 0: it did not exist. */
  readonly seenVersion: number
  /** Also when the flag changed meanwhile. */
  readonly anyway: boolean
  readonly by: string
  readonly why: string | null
  readonly madeAt: number
  readonly state: 'planned' | 'done' | 'cancelled' | 'failed'
  readonly endedAt: number | null
  readonly detail: string | null
}

/** What becomes of a change that is due: the flag as it shall be, or why not. */
export type DueDecision =
  | { readonly definition: FlagDefinition }
  | { readonly state: 'cancelled' | 'failed'; readonly detail: string }

export interface FlagChangeStore {
  /** null: as many are planned for the flag as may be. */
  plan(
    change: Scope & Pick<FlagChange, 'key' | 'at' | 'patch' | 'seenVersion' | 'anyway' | 'by' | 'why'>,
  ): Promise<FlagChange | null>
  /** Newest first; of one flag, or of all. */
  list(scope: Scope, request: PageRequest & { readonly key?: string }): Promise<Page<FlagChange>>
  /** null: there is no such change, or it is no longer planned. */
  cancel(scope: Scope, id: string, detail: string): Promise<FlagChange | null>
  /**
   * Ends the change that is due longest, once whatever the number of instances, with what was decided; null when none
   * is due. Other changes planned for the flag as it was count as having seen the new one.
   */
  endNextDue(decide: (change: FlagChange, flag: StoredFlag | null) => DueDecision): Promise<FlagChange | null>
}

export const plannedChangesMax = 20

export interface SdkInstance extends Scope {
  readonly sdk: string
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Newest flag version it said it applied. */
  readonly version: number
  readonly connectedAt: number
  readonly seenAt: number
  readonly connected: boolean
}

export interface FlagReach {
  readonly known: number
  readonly acknowledged: number
  /** Known instances that did not acknowledge, by name; at most 100. */
  readonly silent: readonly SdkInstance[]
}

export interface SdkStore {
  connected(sdk: Scope & { sdk: string; name: string; kind: 'server' | 'client' }): Promise<void>
  disconnected(scope: Scope, sdks: readonly string[]): Promise<void>
  /** It will not come back: forgotten at once, so that nobody waits for it. */
  ended(scope: Scope, sdk: string): Promise<void>
  /** Many at once: a flag change is acknowledged by thousands within milliseconds. Versions never go back. */
  acknowledged(
    scope: Scope,
    acknowledgements: readonly { readonly sdk: string; readonly version: number }[],
  ): Promise<void>
  list(scope: Scope, request: PageRequest): Promise<Page<SdkInstance>>
  /** Server SDKs seen in the last `forgetAfterMs` count as known. */
  reach(scope: Scope, version: number, forgetAfterMs: number): Promise<FlagReach>
  /** Forgets instances not seen for so long. Returns their number. */
  forget(notSeenForMs: number): Promise<number>
}
