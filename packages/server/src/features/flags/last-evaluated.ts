import type { Scope, StoredFlag } from '@dankai/store'
import type { Application } from '../../application.ts'

export interface EvaluationTimes {
  /** When a flag was last evaluated, as far as this server knows; null: it does not know. */
  readonly lastEvaluated: (flag: StoredFlag) => number | null
  /** Since when evaluations are counted; null while nobody reported any. */
  readonly watchedSince: number | null
}

/** From the store, which all instances write to, and what this one has heard since. */
export async function readEvaluationTimes(app: Application, scope: Scope): Promise<EvaluationTimes> {
  const { since, at } = await app.store.flagUsage.last(scope)
  return {
    watchedSince: since,
    lastEvaluated({ key }) {
      const heard = app.evaluations.lastSeenAt(scope, key)
      const stored = at.get(key) ?? null
      return heard === null || stored === null ? (heard ?? stored) : Math.max(heard, stored)
    },
  }
}
