import type { Place } from '@dankai/plan'
import type { Moment } from './moment.ts'

/** One expectation of a scenario. Everything it names must be true together, at the time it names. */
export interface Expected {
  readonly place: Place
  readonly at: Moment | null
  readonly by: Moment | null
  readonly during: readonly [Moment, Moment] | null
  readonly event: string | null
  readonly because: string | null
  /** Share of users, 0 … 1. */
  readonly exposure: number | null
  readonly waitingOn: string | null
  readonly phase: string | null
  readonly never: Never | null
  readonly outcome: string | null
  readonly count: string | null
  readonly is: number | null
}

export type Never =
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'waitingOn'; readonly text: string }
  | { readonly kind: 'exposure'; readonly op: '<' | '<=' | '>' | '>=' | '='; readonly share: number }
