import type { PlanCompilation } from '../compile/compile-plan.ts'
import { findNearest } from '../did-you-mean.ts'
import type { Note } from '../problem.ts'
import { note } from './note.ts'

/** A plan does not declare its roles, so a slip shows only as a role named once beside a like one named more often. */
export function noteRoles({ scope }: PlanCompilation): readonly Note[] {
  if (scope.roles !== null) return []
  return [...scope.usedRoles].flatMap(([role, { at, count }]) => {
    const others = [...scope.usedRoles].filter(([other, used]) => other !== role && used.count > count)
    const nearest =
      count === 1
        ? findNearest(
            role,
            others.map(([other]) => other),
          )
        : null
    if (nearest === null) return []
    return [
      note(
        'rare-role',
        'warning',
        at,
        `${at.path}: the role "${role}" is named once, "${nearest}" more often. Did you mean "${nearest}"?`,
        `${at.path}: 役割 "${role}" は一度だけ、"${nearest}" はそれより多く出てきます。"${nearest}" のことですか?`,
      ),
    ]
  })
}
