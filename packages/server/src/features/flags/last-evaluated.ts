import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { LastEvaluated } from './flag-view.ts'

export interface EvaluationTimes {
  readonly lastEvaluated: LastEvaluated
  /** Since when evaluations are counted; null while nobody reported any. */
  readonly watchedSince: number | null
}

/** From the store, which all instances write to, and what this one has heard since. */
export async function readEvaluationTimes(app: Application, scope: Scope): Promise<EvaluationTimes> {
  const { since, at } = await app.store.flagUsage.last(scope)
  return {
    watchedSince: since,
    lastEvaluated({ key }) {
      const heard = app.evaluations.read(scope, key)?.lastSeenAt ?? null
      const stored = at.get(key) ?? null
      return heard === null || stored === null ? (heard ?? stored) : Math.max(heard, stored)
    },
  }
}
