import type { FlagDefinition, FlagExposure, FlagSegment } from '@dankai/flags'
import type { Scope } from '../connection.ts'

/** What the flag hand and the flag set need of where flags are kept. */
export interface Flags {
  get(scope: Scope, key: string): Promise<KeptFlag | null>
  put(
    write: Scope & {
      definition: FlagDefinition
      expectedVersion: number
      by: string
      why: string | null
      breakGlass?: boolean
    },
  ): Promise<
    | { readonly ok: true }
    | { readonly ok: false; readonly code: 'conflict' }
    | { readonly ok: false; readonly code: 'held'; readonly releaseId: string }
  >
  setExposure(
    write: Scope & {
      key: string
      releaseId: string
      generation: number
      exposure: FlagExposure
      segments: Readonly<Record<string, FlagSegment>>
    },
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly code: 'stale' | 'not held' | 'unknown flag' }>
}

export interface KeptFlag {
  readonly version: number
  readonly definition: FlagDefinition
  readonly heldBy: string | null
  readonly generation: number
}

/** Who serves a version of the flags. */
export interface FlagReadings {
  /** Whether an emergency stop covers the flag: then nobody is in, whatever is stored. */
  isStopped(scope: Scope, flag: { readonly key: string; readonly releaseId: string }): boolean
  reach(
    scope: Scope,
    version: number,
  ): Promise<{
    readonly known: number
    readonly acknowledged: number
    readonly silent: readonly SilentSdk[]
  }>
}

export interface SilentSdk {
  readonly name: string
  readonly sdk: string
  /** False when its stream has ended: it may have stopped, or be cut off and still serve what it last heard. */
  readonly connected: boolean
}
