import type { FlagDefinition, FlagSet } from '@dankai/flags'
import type { Scope } from '@dankai/store'
import type { Audience } from '../http/caller.ts'

export type ServedChange =
  | { readonly kind: 'flag'; readonly version: number; readonly flag: FlagDefinition }
  | { readonly kind: 'removed'; readonly version: number; readonly key: string }
  /** A version that changes nothing of what is read here. */
  | { readonly kind: 'passed'; readonly version: number }
  /** Whoever follows reads everything again. */
  | { readonly kind: 'all' }

/** What is served to an audience: all of an environment, or what clients in users' hands may read. */
export interface ServedView {
  readonly scope: Scope
  readonly audience: Audience
  /** Version of the environment's flags; 0 before the first reading. */
  readonly version: number
  /** Quoted as HTTP wants it; the same on every instance that serves the same. */
  readonly etag: string
  /** Compiled; kept up to date flag by flag, so nobody should hold it across a wait. */
  readonly flags: FlagSet
  definitions(): readonly FlagDefinition[]
  /** As it is served at the moment. */
  find(key: string): FlagDefinition | undefined
  /** Calls back after each change, until the returned function is called. */
  subscribe(listener: (change: ServedChange) => void): () => void
  /** Reads what may have been written elsewhere. */
  refresh(): Promise<void>
}
