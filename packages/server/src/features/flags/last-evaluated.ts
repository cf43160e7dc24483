import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { LastEvaluated } from './flag-view.ts'

/** Null as long as nothing that evaluates told this server of the flag. */
export function lastEvaluatedIn(app: Application, scope: Scope): LastEvaluated {
  return ({ key }) => app.evaluations.read(scope, key)?.lastSeenAt ?? null
}

/** Since when evaluations are counted; null while they are not. */
export function watchedSinceIn(_app: Application, _scope: Scope): number | null {
  return null
}
