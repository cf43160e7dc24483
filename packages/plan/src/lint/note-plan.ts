import type { PlanCompilation } from '../compile/compile-plan.ts'
import type { Note } from '../problem.ts'
import { noteEvidence } from './note-evidence.ts'
import { noteDeadlines, noteHolds } from './note-holds.ts'
import { noteRoles } from './note-roles.ts'
import { noteShadowedRules } from './note-shadowed-rules.ts'

/** What will surprise the author of a plan that is right. Notes never refuse anything. */
export function notePlan(compilation: PlanCompilation): readonly Note[] {
  return [
    ...noteHolds(compilation),
    ...noteShadowedRules(compilation),
    ...noteEvidence(compilation),
    ...noteDeadlines(compilation),
    ...noteRoles(compilation),
  ]
}
