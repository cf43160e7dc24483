import type { Scope } from './scope.ts'

export interface FlagUse extends Scope {
  readonly flag: string
  /** The service or protocol that evaluated; null: not known. */
  readonly who: string | null
  /** null: not known, or the client's own default. */
  readonly variant: string | null
  readonly count: number
  readonly lastAt: number
}

/** Who evaluated what, how often and when last. Counts of several instances add up; a moment never goes back. */
export interface FlagUsageStore {
  add(uses: readonly FlagUse[]): Promise<void>
  /** Of one flag, newest first; at most 1,000. */
  list(scope: Scope, flag: string): Promise<readonly FlagUse[]>
  /** When each flag was last evaluated, and since when is known. */
  last(scope: Scope): Promise<{ readonly since: number | null; readonly at: ReadonlyMap<string, number> }>
}
