import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { LastEvaluated } from './flag-view.ts'

/** Null as long as nothing that evaluates reports to this server. */
export function lastEvaluatedIn(_app: Application, _scope: Scope): LastEvaluated {
  return () => null
}

/** Since when evaluations are counted; null while they are not. */
export function watchedSinceIn(_app: Application, _scope: Scope): number | null {
  return null
}
