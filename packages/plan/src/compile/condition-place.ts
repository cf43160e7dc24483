import type { Located } from '../problem.ts'

export type ConditionUse = 'trigger' | 'criterion' | 'level' | 'other'

/** Where a condition stands and what its messages call it. */
export interface ConditionPlace extends Located {
  readonly id: string
  readonly use: ConditionUse
}
