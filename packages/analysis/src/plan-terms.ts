import type { Condition, DiffersTerm, MetricTerm, NoDataTerm, Step } from '@dankai/plan'
import type { EvidencePlan } from './evidence.ts'

export type EvidenceTerm = MetricTerm | DiffersTerm | NoDataTerm

/** rule: stops (rules and alerts). criterion: promotes. check: asked by a step, a named check or a level. */
export type TermPlace = 'rule' | 'criterion' | 'check'

export interface PlacedTerm {
  readonly term: EvidenceTerm
  readonly place: TermPlace
  /** Index of the phase it is written in; null for the whole release. */
  readonly phase: number | null
}

/** Every term of a plan that evidence can answer, with the place it is written in, which decides its window. */
export function collectTerms(plan: EvidencePlan): readonly PlacedTerm[] {
  return [...ruleTerms(plan), ...phaseTerms(plan), ...checkTerms(plan)]
}

function* ruleTerms(plan: EvidencePlan): Iterable<PlacedTerm> {
  for (const rule of [...plan.rules, ...plan.alerts]) {
    for (const term of rule.anyOf.flatMap(termsOf)) yield { term, place: 'rule', phase: rule.phase }
  }
}

function* phaseTerms(plan: EvidencePlan): Iterable<PlacedTerm> {
  for (const phase of plan.phases) {
    for (const criterion of phase.promoteWhen) {
      if (criterion.kind === 'step') yield* stepTerms([criterion.step], phase.index)
      else for (const term of termsOf(criterion.condition)) yield { term, place: 'criterion', phase: phase.index }
    }
    yield* stepTerms([...phase.before, ...phase.during], phase.index)
  }
}

function* checkTerms(plan: EvidencePlan): Iterable<PlacedTerm> {
  yield* stepTerms([...plan.before, ...plan.rollback, ...Object.values(plan.checks).flat()], null)
  for (const metric of Object.values(plan.metrics)) {
    for (const level of Object.values(metric.levels)) {
      for (const term of termsOf(level)) yield { term, place: 'check', phase: null }
    }
  }
}

function* stepTerms(steps: readonly Step[], phase: number | null): Iterable<PlacedTerm> {
  for (const { action } of steps) {
    if (action.verb === 'check') {
      for (const term of action.conditions.flatMap(termsOf)) yield { term, place: 'check', phase }
    } else if (action.verb === 'do') yield* stepTerms(action.steps, phase)
    else if (action.verb === 'checklist') yield* stepTerms(action.items, phase)
  }
}

function termsOf(condition: Condition): readonly EvidenceTerm[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.flatMap(termsOf)
    case 'reported':
    case 'check':
      return []
    default:
      return [condition]
  }
}
