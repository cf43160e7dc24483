import type { CompiledPlan } from '@dankai/plan'
import type { Refusal } from './action.ts'
import type { EventBody } from './event.ts'
import type { ReleaseState } from './state.ts'

export interface AmendInput {
  readonly plan: CompiledPlan
  readonly amended: CompiledPlan
  readonly planDigest: string
  readonly state: ReleaseState
  readonly by: string
  readonly why: string
  /** What changes, in words; made by the plan language. Empty = nothing would change. */
  readonly changes: readonly string[]
}

export type Amended =
  | { readonly ok: true; readonly events: readonly EventBody[] }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * Criteria, rules and holds of a running release may change; what it exposes, in which order and by which hands, may
 * not: that is a new release. Who may loosen is asked where people are known, in the server. The engine restarts the
 * evidence of questions that changed; error budget already spent stays spent.
 */
export function amendRelease(input: AmendInput): Amended {
  const refuse = (found: string, expected: string): Amended => ({
    ok: false,
    refusal: {
      code: 'not possible',
      message: `Cannot amend "${input.plan.name}": found ${found}, expected ${expected}. Start a new release for it.`,
    },
  })
  const { lifecycle } = input.state
  if (lifecycle.kind !== 'starting' && lifecycle.kind !== 'running')
    return refuse(`a release that is ${lifecycle.kind}`, 'one that is starting or running')
  if (shapeOf(input.plan) !== shapeOf(input.amended))
    return refuse('other hands, phases or exposure', 'the same hands, phases and exposure')
  if (input.changes.length === 0) return refuse('no difference', 'a changed criterion, rule or hold')
  return {
    ok: true,
    events: [
      {
        type: 'PlanAmended',
        revision: input.state.revision + 1,
        planDigest: input.planDigest,
        by: input.by,
        why: input.why,
        changes: input.changes.slice(0, 100),
      },
    ],
  }
}

function shapeOf(plan: CompiledPlan): string {
  return JSON.stringify([plan.name, plan.strategy, plan.hands, plan.phases.map(phase => [phase.name, phase.exposure])])
}
