import type { FlagDefinition, FlagExposure, FlagSegment } from '@dankai/flags'
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
}

export interface FlagVersion {
  readonly version: number
  /** null: the flag was removed. */
  readonly definition: FlagDefinition | null
  readonly by: string
  readonly why: string | null
  readonly at: number
}

export interface FlagWrite extends Scope {
  readonly definition: FlagDefinition
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
  /** A release moves the flag it holds. A write of an older generation never wins, so it never raises either. */
  setExposure(write: FlagExposureWrite): Promise<FlagExposureResult>
  /** Flags changed after a version, and keys that are gone; `version` is the present one. */
  readSince(
    scope: Scope,
    version: number,
  ): Promise<{ readonly version: number; readonly flags: readonly StoredFlag[]; readonly removed: readonly string[] }>
  subscribe(listener: (hint: Extract<Hint, { kind: 'flags' | 'reconnected' }>) => void): Unsubscribe
}

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
