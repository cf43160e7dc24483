/** Note: a rule that acts later is of no use where one that acts now fires no later on the same facts. */

import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { Condition, Limit, MetricTerm, Rule, Span } from '../compiled-plan.ts'
import type { Located, Note } from '../problem.ts'
import { printDuration } from '../quantity.ts'
import { itemsOf } from '../yaml-node.ts'
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

/** Whenever `one` is true, `other` is true as well, and was true no later. */
function implies(one: Condition, other: Condition): boolean {
  if (one.kind === 'reported' && other.kind === 'reported') {
    return one.signal === other.signal && one.not === other.not && isNoLater(other.span, one.span)
  }
  if (one.kind !== 'metric' || other.kind !== 'metric') return false
  return (
    one.metric === other.metric &&
    one.overMs === other.overMs &&
    isNoLater(other.span, one.span) &&
    isWithin(one, other)
  )
}

function isNoLater(span: Span | null, than: Span | null): boolean {
  if (span === null) return than?.kind !== 'in'
  if (than === null || span.kind !== than.kind) return false
  if (span.kind === 'for' && than.kind === 'for') return span.ms <= than.ms
  return JSON.stringify(span) === JSON.stringify(than)
}

/** Every value beyond the limit of `one` is beyond the limit of `other`. */
function isWithin(one: MetricTerm, other: MetricTerm): boolean {
  const [oneSide, otherSide] = [one.op.charAt(0), other.op.charAt(0)]
  const distance = compareLimits(one.limit, other.limit)
  if (oneSide !== otherSide || distance === null) return false
  if (one.op === '=' || other.op === '=') return one.op === other.op && distance === 0
  if (distance === 0) return one.op === other.op || other.op.endsWith('=')
  return oneSide === '>' ? distance > 0 : distance < 0
}

function compareLimits(one: Limit, other: Limit): number | null {
  if (one.kind === 'amount' && other.kind === 'amount') return one.value - other.value
  if (one.kind !== 'reference' || other.kind !== 'reference' || one.reference !== other.reference) return null
  const difference = [one.multiple - other.multiple, one.plus - other.plus, one.plusRelative - other.plusRelative]
  if (difference.every(part => part >= 0)) return Math.max(...difference)
  return difference.every(part => part <= 0) ? Math.min(...difference) : null
}
