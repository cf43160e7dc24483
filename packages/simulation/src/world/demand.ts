import type { CompiledPlan, Condition, Step } from '@dankai/plan'

/**
 * What a plan asks of the world: every condition with the answer a healthy world gives it. `needed` demands are those
 * a release cannot complete without (criteria and checks hold, rules stay quiet); the others (levels, alerts) are
 * followed where the needed ones leave room.
 */
export interface Demand {
  readonly condition: Condition
  readonly wanted: boolean
  readonly needed: boolean
  /** Where it stands, for messages: `phases.small.promoteWhen.0`. */
  readonly where: string
}

export function demandsOf(plan: CompiledPlan): readonly Demand[] {
  return [...criterionDemands(plan), ...checkDemands(plan), ...ruleDemands(plan), ...levelDemands(plan)]
}

function criterionDemands(plan: CompiledPlan): readonly Demand[] {
  return plan.phases.flatMap(phase =>
    phase.promoteWhen.flatMap(criterion =>
      criterion.kind === 'condition'
        ? [{ condition: criterion.condition, wanted: true, needed: true, where: criterion.id }]
        : [],
    ),
  )
}

function checkDemands(plan: CompiledPlan): readonly Demand[] {
  const criterionSteps = plan.phases.flatMap(phase =>
    phase.promoteWhen.flatMap(criterion => (criterion.kind === 'step' ? [criterion.step] : [])),
  )
  const steps = [
    ...plan.before,
    ...plan.phases.flatMap(phase => [...phase.before, ...phase.during]),
    ...criterionSteps,
    ...plan.rollback,
    ...Object.values(plan.checks).flat(),
  ]
  return steps.flatMap(demandsOfStep)
}

function demandsOfStep(step: Step): readonly Demand[] {
  const { action } = step
  switch (action.verb) {
    case 'check':
      return action.conditions.map(condition => ({ condition, wanted: true, needed: !step.optional, where: step.id }))
    case 'do':
      return action.steps.flatMap(demandsOfStep)
    case 'checklist':
      return action.items.flatMap(demandsOfStep)
    default:
      return []
  }
}

function ruleDemands(plan: CompiledPlan): readonly Demand[] {
  const quiet = (
    rule: { readonly id: string; readonly anyOf: readonly Condition[] },
    needed: boolean,
  ): readonly Demand[] => rule.anyOf.map(condition => ({ condition, wanted: false, needed, where: rule.id }))
  return [...plan.rules.flatMap(rule => quiet(rule, true)), ...plan.alerts.flatMap(alert => quiet(alert, false))]
}

function levelDemands(plan: CompiledPlan): readonly Demand[] {
  return Object.values(plan.metrics).flatMap(metric =>
    (['target', 'excellent', 'warn', 'critical'] as const).flatMap(level => {
      const condition = metric.levels[level]
      const wanted = level === 'target' || level === 'excellent'
      return condition ? [{ condition, wanted, needed: false, where: `metrics.${metric.name}.${level}` }] : []
    }),
  )
}
