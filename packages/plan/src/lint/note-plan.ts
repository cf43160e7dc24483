import type { PlanCompilation } from '../compile/compile-plan.ts'
import type { Note } from '../problem.ts'

export function notePlan(_compilation: PlanCompilation): readonly Note[] {
  return []
}
