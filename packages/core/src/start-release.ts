import type { CompiledPlan, Step, Verb } from '@dankai/plan'
import type { Refusal } from './action.ts'
import { beginState } from './apply.ts'
import type { EventBody } from './event.ts'
import { indexOf } from './plan-index.ts'
import type { ReleaseState } from './state.ts'

/** Version of decide, analysis and defaults. A change that can alter an outcome is the next number, behind a branch. */
export const semanticsVersion = 1

export interface StartInput {
  readonly plan: CompiledPlan
  readonly planDigest: string
  readonly version: string
  readonly strategy: string | null
  readonly labels: readonly string[]
  readonly by: string
  /** Reason to pass a calendar block; null = none given. */
  readonly exemption: string | null
  readonly now: number
  /** What is live on this server: a plan that needs more is refused, never run with a silent no-op. */
  readonly supports: Supports
}

export interface Supports {
  readonly verbs: readonly Verb[]
  /** Kinds of hands. */
  readonly hands: readonly string[]
  /** Kinds of channels ("webhook", "slack" …); "*" = any. */
  readonly channels: readonly string[]
}

export type Started =
  | { readonly ok: true; readonly events: readonly EventBody[]; readonly state: ReleaseState }
  | { readonly ok: false; readonly refusals: readonly Refusal[] }

export function startRelease(input: StartInput): Started {
  const refusals = [...refusedHands(input), ...refusedSteps(input), ...refusedLabels(input)]
  if (refusals.length > 0) return { ok: false, refusals }
  const started: EventBody = {
    type: 'ReleaseStarted',
    plan: input.plan.name,
    planDigest: input.planDigest,
    strategy: input.strategy,
    semantics: semanticsVersion,
    version: input.version,
    labels: input.labels,
    hands: input.plan.hands.map(hand => hand.id),
    by: input.by,
    exemption: input.exemption,
  }
  return { ok: true, events: [started], state: beginState(started, input.now) }
}

function refusedHands({ plan, supports }: StartInput): readonly Refusal[] {
  return plan.hands
    .filter(hand => !supports.hands.includes(hand.kind))
    .map(hand =>
      refusal(
        plan,
        `found hand "${hand.id}"`,
        `a hand that is live here (${supports.hands.join(', ')})`,
        'Connect it, or use another hand',
      ),
    )
}

function refusedSteps({ plan, supports, labels }: StartInput): readonly Refusal[] {
  const refused = [...indexOf(plan).steps.values()].filter(
    step => isUsed(step, labels) && !supports.verbs.includes(step.action.verb),
  )
  return refused.map(step =>
    refusal(
      plan,
      `found step "${step.name}" of kind "${step.action.verb}"`,
      `a kind that is live here (${supports.verbs.join(', ')})`,
      'Configure a runner or connection for it, or replace the step',
    ),
  )
}

function isUsed(step: Step, labels: readonly string[]): boolean {
  return step.when.every(({ label, present }) => labels.includes(label) === present)
}

function refusedLabels({ plan, labels }: StartInput): readonly Refusal[] {
  return labels
    .filter(label => !plan.labels.includes(label))
    .map(label =>
      refusal(
        plan,
        `found label "${label}"`,
        `one of ${plan.labels.join(', ') || 'none: the plan declares no labels'}`,
        'Check the spelling, or add it to the plan',
      ),
    )
}

function refusal(plan: CompiledPlan, found: string, expected: string, next: string): Refusal {
  return { code: 'not possible', message: `Cannot start "${plan.name}": ${found}, expected ${expected}. ${next}.` }
}
