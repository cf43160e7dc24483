/** Notes on times that cannot work out: holds as short as a rule's duration, days beyond the hold, tight deadlines. */

import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { Phase, Rule, Step } from '../compiled-plan.ts'
import type { Located, Note } from '../problem.ts'
import { printDuration } from '../quantity.ts'
import { itemsOf } from '../yaml-node.ts'
import { termsOf } from './conditions.ts'
import { note } from './note.ts'

export function noteHolds({ plan, parts }: PlanCompilation): readonly Note[] {
  const nodes = itemsOf(getSingle(parts, 'phases'))
  return plan.phases.flatMap((phase, index) => {
    const at = nodes[index]
    if (!at || phase.holdMs === null) return []
    return [
      ...plan.rules.flatMap(rule => noteRule(rule, phase, at)),
      ...phase.during.flatMap(step => noteDays(step, phase, at)),
    ]
  })
}

function noteRule(rule: Rule, phase: Phase, at: Located): readonly Note[] {
  if (rule.phase !== null && rule.phase !== phase.index) return []
  const longest = Math.max(0, ...sustainedTimes(rule))
  const holdMs = phase.holdMs ?? 0
  const [hold, time, twice] = [printDuration(holdMs), printDuration(longest), printDuration(2 * longest)]
  const where = `phases[${phase.index}] "${phase.name}"`
  if (longest > 0 && longest === holdMs) {
    return [
      note(
        'hold-equals-rule',
        'warning',
        at,
        `${where}: hold ${hold} equals the ${time} of "${rule.name}"; it can fire only at the very end. Hold ${twice} to let it work`,
        `${where}: hold ${hold} は "${rule.name}" の ${time} と同じなので、発火できるのは最後の瞬間だけです。働かせるには hold を ${twice} にしてください`,
      ),
    ]
  }
  // A rule of the whole release keeps its run across phases; one of this phase alone can never finish it.
  if (rule.phase === null || longest <= holdMs) return []
  return [
    note(
      'hold-shorter-than-rule',
      'warning',
      at,
      `${where}: hold ${hold} is shorter than the ${time} of "${rule.name}"; it can never fire here. Hold ${twice} to let it work`,
      `${where}: hold ${hold} は "${rule.name}" の ${time} より短いので、ここでは発火できません。働かせるには hold を ${twice} にしてください`,
    ),
  ]
}

function sustainedTimes(rule: Rule): readonly number[] {
  return rule.anyOf.flatMap(termsOf).flatMap(term => {
    const span = term.kind === 'metric' || term.kind === 'reported' ? term.span : null
    return span?.kind === 'for' ? [span.ms] : []
  })
}

const dayMs = 86_400_000

function noteDays(step: Step, phase: Phase, at: Located): readonly Note[] {
  const holdMs = phase.holdMs ?? 0
  if (step.days === null || (step.days.from - 1) * dayMs < holdMs) return []
  const { from, to } = step.days
  const days = from === to ? String(from) : `${from}-${to}`
  const where = `phases[${phase.index}] "${phase.name}"`
  const hold = printDuration(holdMs)
  return [
    note(
      'days-after-hold',
      'info',
      at,
      `${where}: days ${days} of "${step.name}" come after hold ${hold}; the step comes up only if the phase lasts longer. Hold longer, or move it to promoteWhen`,
      `${where}: "${step.name}" の days ${days} は hold ${hold} の後なので、段階が長引いたときにしか現れません。hold を延ばすか、promoteWhen に移してください`,
    ),
  ]
}

/** `rollback within` counts until users are back, so the group that moves exposure must fit into it. */
export function noteDeadlines({ plan }: PlanCompilation): readonly Note[] {
  const group = plan.rollback.find(movesExposure)
  const needsMs = group?.takesMs ?? group?.withinMs ?? 0
  return plan.rules.flatMap(rule => {
    if (rule.consequence.kind !== 'within' || needsMs < rule.consequence.ms || !group) return []
    const [deadline, needs] = [printDuration(rule.consequence.ms), printDuration(needsMs)]
    const at = { place: rule.place, path: rule.id }
    return [
      note(
        'tight-deadline',
        'warning',
        at,
        `rule "${rule.name}": rollback within ${deadline} leaves no time to decide, because "${group.name}" alone takes ${needs}; it starts at once. Allow more time, or write rollback now`,
        `規則 "${rule.name}": "${group.name}" だけで ${needs} かかるので、rollback within ${deadline} では判断の時間がなく、すぐに始まります。時間を延ばすか、rollback now と書いてください`,
      ),
    ]
  })
}

function movesExposure(step: Step): boolean {
  if (step.action.verb === 'do') return step.action.steps.some(movesExposure)
  return step.action.verb === 'expose'
}
