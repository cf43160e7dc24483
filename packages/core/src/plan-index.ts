import type { Action, CompiledPlan, Condition, Rule, Step } from '@dankai/plan'

/** Look-ups over a compiled plan, made once per plan object. Plans are frozen, so the index never goes stale. */
export interface PlanIndex {
  /** Every step of the plan by id, groups and checklist items included. */
  readonly steps: ReadonlyMap<string, Step>
  readonly rules: ReadonlyMap<string, Rule>
  /** Rules of the release alone, and by phase those of the release and the phase: asked several times a decision. */
  readonly rulesOfRelease: readonly Rule[]
  readonly rulesOfPhase: readonly (readonly Rule[])[]
  /** Ids of the steps of the rollback and of every runbook: these may be skipped, gates may not. */
  readonly runbookSteps: ReadonlySet<string>
  /** Metrics a promotion depends on, by phase: those of its criteria and of the rules in its scope. */
  readonly metricsOfPhase: readonly ReadonlySet<string>[]
  /** Check sets some rule or criterion speaks of. */
  readonly checksInUse: readonly string[]
  /** What bringing users back takes: `within 1h` means they are back by then (R-063, CA-51). */
  readonly loweringTakesMs: number
  /** First exposure the rollback runbook asks for; 0 when it names none. */
  readonly firstRollbackShare: number
}

const indexes = new WeakMap<CompiledPlan, PlanIndex>()

export function indexOf(plan: CompiledPlan): PlanIndex {
  const known = indexes.get(plan)
  if (known) return known
  const index = buildIndex(plan)
  indexes.set(plan, index)
  return index
}

/** Steps of a group or checklist; none for a step that is worked on itself. */
export function childrenOf(action: Action): readonly Step[] {
  if (action.verb === 'do') return action.steps
  return action.verb === 'checklist' ? action.items : []
}

function buildIndex(plan: CompiledPlan): PlanIndex {
  const steps = new Map<string, Step>()
  const add = (step: Step): void => {
    steps.set(step.id, step)
    childrenOf(step.action).forEach(add)
  }
  rootsOf(plan).forEach(add)
  const group = plan.rollback.find(step => exposeIn(step) !== null)
  return {
    steps,
    rules: new Map(plan.rules.map(rule => [rule.id, rule])),
    rulesOfRelease: plan.rules.filter(rule => rule.phase === null),
    rulesOfPhase: plan.phases.map(({ index }) =>
      plan.rules.filter(rule => rule.phase === null || rule.phase === index),
    ),
    runbookSteps: new Set([...plan.rollback, ...Object.values(plan.runbooks).flat()].flatMap(idsIn)),
    metricsOfPhase: plan.phases.map(phase => metricsWatched(plan, phase.index)),
    checksInUse: Object.keys(plan.checks).filter(check =>
      JSON.stringify([plan.rules, plan.phases, plan.alerts]).includes(`"check":"${check}"`),
    ),
    loweringTakesMs: group?.takesMs ?? group?.withinMs ?? 0,
    firstRollbackShare: plan.rollback.map(exposeIn).find(share => share !== null) ?? 0,
  }
}

function metricsWatched(plan: CompiledPlan, phase: number): ReadonlySet<string> {
  const rules = plan.rules.filter(rule => rule.phase === null || rule.phase === phase).flatMap(rule => rule.anyOf)
  const criteria = (plan.phases[phase]?.promoteWhen ?? []).flatMap(criterion =>
    criterion.kind === 'condition' ? [criterion.condition] : [],
  )
  const metrics = [...rules, ...criteria].flatMap(metricsOf)
  return new Set(metrics.flatMap(metric => membersOf(plan, metric)))
}

/** Metrics a condition reads. */
export function metricsOf(condition: Condition): readonly string[] {
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.flatMap(metricsOf)
  return 'metric' in condition ? [condition.metric] : []
}

/** A metric that is the highest of others is watched through them. */
function membersOf(plan: CompiledPlan, metric: string): readonly string[] {
  const measure = plan.metrics[metric]?.measure
  return measure?.kind === 'highest' ? measure.of.flatMap(member => membersOf(plan, member)) : [metric]
}

function idsIn(step: Step): readonly string[] {
  return [step.id, ...childrenOf(step.action).flatMap(idsIn)]
}

function rootsOf(plan: CompiledPlan): readonly Step[] {
  return [
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
}

/** The first share a step, or a step inside it, exposes; null when it exposes nothing. */
export function exposeIn(step: Step): number | null {
  if (step.action.verb === 'expose') return step.action.share
  return (
    childrenOf(step.action)
      .map(exposeIn)
      .find(share => share !== null) ?? null
  )
}
