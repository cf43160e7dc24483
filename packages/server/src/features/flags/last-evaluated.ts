import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import type { LastEvaluated } from './flag-view.ts'

/** Null as long as nothing that evaluates reports to this server. */
export function lastEvaluatedIn(_app: Application, _scope: Scope): LastEvaluated {
  return () => null
}
