import type { Scope } from '@dankai/store'
import type { Logger } from '../http/log.ts'

export interface Refusals {
  note(scope: Scope, refused: readonly { readonly flag: string; readonly why: string }[]): void
}

/** Flags that clients of a protocol cannot follow: each is in the log once, and again when the reason changes. */
export function createRefusals(clients: string, log: Logger): Refusals {
  const told = new Map<string, ReadonlyMap<string, string>>()
  return {
    note(scope, refused) {
      const place = `${scope.project}\n${scope.environment}`
      const before = told.get(place)
      for (const { flag, why } of refused)
        if (before?.get(flag) !== why) log.warn({ ...scope, flag, why }, `a flag is not served to ${clients}`)
      if (refused.length === 0) told.delete(place)
      else told.set(place, new Map(refused.map(({ flag, why }) => [flag, why])))
    },
  }
}
