import type { CompiledPlan, Step } from '@dankai/plan'

/** Every step of a plan, groups and checklist items included, in the order a person would read them. */
export function stepsOf(plan: CompiledPlan): readonly Step[] {
  const roots = [
    ...plan.before,
    ...plan.phases.flatMap(phase => [
      ...phase.before,
      ...phase.during,
      ...phase.promoteWhen.flatMap(criterion => (criterion.kind === 'step' ? [criterion.step] : [])),
    ]),
    ...plan.rollback,
    ...plan.followUp,
    ...Object.values(plan.runbooks).flat(),
    ...Object.values(plan.checks).flat(),
  ]
  return roots.flatMap(withChildren)
}

function withChildren(step: Step): readonly Step[] {
  const { action } = step
  if (action.verb === 'do') return [step, ...action.steps.flatMap(withChildren)]
  if (action.verb === 'checklist') return [step, ...action.items.flatMap(withChildren)]
  return [step]
}

const indexes = new WeakMap<CompiledPlan, ReadonlyMap<string, Step>>()

/** A compiled plan never changes, so the index of its steps is built once per plan. */
export function findStep(plan: CompiledPlan, id: string): Step | undefined {
  let index = indexes.get(plan)
  if (!index) {
    index = new Map(stepsOf(plan).map(step => [step.id, step]))
    indexes.set(plan, index)
  }
  return index.get(id)
}

/** The name a person knows the step by; its id when the plan at hand does not have it. */
export function stepName(plan: CompiledPlan | null, id: string): string {
  return (plan === null ? undefined : findStep(plan, id)?.name) ?? id
}
