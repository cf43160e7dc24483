/**
 * Changes that follow a flag as it is found: sets, stages, documents, imports. Nobody names a version here: when somebody
 * else wrote in between, what is wanted is worked out again from what he wrote.
 *
 * 1. What is refused when a person writes a flag is refused here.
 * 2. What would change nothing is not written.
 * 3. Whoever asks tells the streams and the audit log, once for all flags of a request.
 */
import { isDeepStrictEqual } from 'node:util'
import { completeFlag, type FlagDefinition } from '@dankai/flags'
import type { FlagCare, Scope, StoredFlag } from '@dankai/store'
import type { Application } from '../../application.ts'
import { requireNoCircleAmong } from './prerequisite-refusals.ts'
import { requireSound } from './write-flag.ts'

export interface WantedFlag {
  readonly definition: FlagDefinition
  /** Absent: as it is. */
  readonly care?: FlagCare
}

export interface FlagChangeAbout {
  readonly by: string
  readonly why: string | null
  /** The flags of the environment; those that are changed here are put in. */
  readonly others: Map<string, FlagDefinition>
  /** Whether it is written although a live release moves the flag; never unless set. */
  readonly breaksGlass?: (wanted: WantedFlag, present: StoredFlag | null) => boolean
}

export type FlagChangeResult =
  | { readonly kind: 'changed'; readonly flag: StoredFlag }
  /** null: it is not there, and nothing was wanted of it. */
  | { readonly kind: 'unchanged'; readonly flag: StoredFlag | null }
  | { readonly kind: 'held'; readonly flag: StoredFlag | null; readonly why: string }
  /** Others wrote at each attempt. */
  | { readonly kind: 'conflict'; readonly why: string }

const attemptsMax = 5

/** `want`: the flag as it shall be; null: as it is. Throws a problem when that cannot be a flag. */
export async function changeFlag(
  app: Application,
  scope: Scope,
  key: string,
  want: (present: StoredFlag | null) => WantedFlag | null,
  { by, why, others, breaksGlass = () => false }: FlagChangeAbout,
): Promise<FlagChangeResult> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const present = await app.store.flags.get(scope, key)
    const wanted = want(present)
    if (wanted === null || isAsWanted(present, wanted)) return { kind: 'unchanged', flag: present }
    requireAcceptable(wanted.definition, others)
    const write = { ...scope, ...wanted, expectedVersion: present?.version ?? 0, by, why }
    const result = await app.store.flags.put({ ...write, breakGlass: breaksGlass(wanted, present) })
    if (result.ok) {
      others.set(key, result.flag.definition)
      return { kind: 'changed', flag: result.flag }
    }
    if (result.code === 'held') return { kind: 'held', flag: present, why: `moved by live release ${result.releaseId}` }
  }
  return { kind: 'conflict', why: `found another writer ${attemptsMax} times` }
}

/** Throws the problem of a flag that may not be written, seen with the flags beside it. */
export function requireAcceptable(definition: FlagDefinition, others: ReadonlyMap<string, FlagDefinition>): void {
  requireSound(definition)
  requireNoCircleAmong(others, definition)
}

export function isAsWanted(present: StoredFlag | null, { definition, care }: WantedFlag): boolean {
  if (present === null) return false
  const { version } = present
  return (
    isDeepStrictEqual({ ...definition, version }, completeFlag(present.definition)) &&
    (care === undefined || isDeepStrictEqual(care, present.care))
  )
}
