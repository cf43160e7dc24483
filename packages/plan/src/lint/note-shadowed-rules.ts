/** Note: a rule that acts later is of no use where one that acts now fires no later on the same facts. */

import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { Rule } from '../compiled-plan.ts'
import type { Located, Note } from '../problem.ts'
import { printDuration } from '../quantity.ts'
import { itemsOf } from '../yaml-node.ts'
import { implies } from './implication.ts'
import { note } from './note.ts'

export function noteShadowedRules({ plan, parts }: PlanCompilation): readonly Note[] {
  const nodes = itemsOf(getSingle(parts, 'phases'))
  const fast = plan.rules.filter(({ consequence }) => consequence.kind === 'now')
  const slow = plan.rules.filter(({ consequence }) => consequence.kind === 'within' || consequence.kind === 'decide')
  const pairs = slow.flatMap(slower => fast.flatMap(now => shadowedConditions(now, slower)))
  return pairs.flatMap(({ now, slower, nowText, slowText }): Note[] => {
    const index = now.phase ?? slower.phase
    if (index !== null && slower.phase !== null && now.phase !== null && now.phase !== slower.phase) return []
    const phase = index === null ? null : plan.phases[index]
    const where = phase ? `phases[${index}] "${phase.name}"` : `plan "${plan.name}"`
    const at: Located = (index === null ? null : nodes[index]) ?? { place: slower.place, path: slower.id }
    const words = consequenceWords(slower)
    return [
      note(
        'shadowed-rule',
        'warning',
        at,
        `${where}: "${nowText}" (rollback now) always comes before "${slowText}" (${words}). The slower rule never acts here`,
        `${where}: "${nowText}" (rollback now) が必ず "${slowText}" (${words}) より先に働きます。遅いほうの規則はここでは働きません`,
      ),
    ]
  })
}

function consequenceWords({ consequence }: Rule): string {
  if (consequence.kind === 'within') return `rollback within ${printDuration(consequence.ms)}`
  return consequence.kind === 'decide' ? `decide within ${printDuration(consequence.ms)}` : consequence.kind
}

interface Shadow {
  readonly now: Rule
  readonly slower: Rule
  readonly nowText: string
  readonly slowText: string
}

function shadowedConditions(now: Rule, slower: Rule): readonly Shadow[] {
  return slower.anyOf.flatMap(slowCondition => {
    const cover = now.anyOf.find(nowCondition => implies(slowCondition, nowCondition))
    return cover ? [{ now, slower, nowText: cover.text, slowText: slowCondition.text }] : []
  })
}
