import type { Condition, Term } from '../compiled-plan.ts'

/** Every term of a condition, in the order of its text. */
export function termsOf(condition: Condition): readonly Term[] {
  return condition.kind === 'all' || condition.kind === 'any' ? condition.of.flatMap(termsOf) : [condition]
}

export function comparesWithBaseline(condition: Condition): boolean {
  return termsOf(condition).some(
    term =>
      (term.kind === 'metric' && term.limit.kind === 'reference' && term.limit.reference === 'baseline') ||
      (term.kind === 'differs' && term.from === 'baseline'),
  )
}
