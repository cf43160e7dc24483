import type { CompiledPlan, Condition, Consequence, Rule } from '../compiled-plan.ts'
import { hasSameMeaning, implies } from '../lint/implication.ts'
import { quote } from '../problem.ts'
import { printDuration } from '../quantity.ts'
import type { PlanChange } from './plan-difference.ts'
import { change, differ } from './plan-difference.ts'

/** Any rule fires, so one more tightens; a rule is the same one if it has the same name in the same phase. */
export function compareRules(before: CompiledPlan, after: CompiledPlan): readonly PlanChange[] {
  const come = after.rules.map(rule => ({ rule, key: keyOf(rule, after) }))
  const changes: PlanChange[] = []
  const gone: { readonly rule: Rule; readonly key: string }[] = []
  for (const rule of before.rules) {
    const key = keyOf(rule, before)
    const at = come.findIndex(other => other.key === key)
    const [now] = at < 0 ? [undefined] : come.splice(at, 1)
    if (now) changes.push(...compareRule(rule, now.rule))
    else gone.push({ rule, key })
  }
  // What is left is named after its own text, so a changed text is a changed name: its place tells.
  for (const { rule } of gone) {
    const at = come.findIndex(other => other.rule.id === rule.id)
    const [now] = at < 0 ? [undefined] : come.splice(at, 1)
    changes.push(...(now ? compareRule(rule, now.rule) : [removed(rule)]))
  }
  return [...changes, ...come.map(({ rule }) => added(rule))]
}

function keyOf(rule: Rule, plan: CompiledPlan): string {
  return `${rule.phase === null ? '' : plan.phases[rule.phase]?.name} ${rule.name}`
}

function added(rule: Rule): PlanChange {
  return change(rule.id, 'tightens', true, `rule ${quote(rule.name)} is added`, `規則 ${quote(rule.name)} が加わります`)
}

function removed(rule: Rule): PlanChange {
  return change(
    rule.id,
    'loosens',
    true,
    `rule ${quote(rule.name)} is removed`,
    `規則 ${quote(rule.name)} がなくなります`,
  )
}

function compareRule(was: Rule, is: Rule): readonly PlanChange[] {
  if (fireAlike(was, is) && !differ(was.consequence, is.consequence)) {
    if (was.severity === is.severity && was.name === is.name) return []
    const [en, ja] = [`rule ${quote(was.name)} is named differently`, `規則 ${quote(was.name)} の呼び名が変わります`]
    return [change(is.id, 'neutral', true, en, ja)]
  }
  const firesAsOften = was.anyOf.every(old => is.anyOf.some(now => implies(old, now)))
  const isAsStrong = strength(is.consequence) >= strength(was.consequence)
  const direction = firesAsOften && isAsStrong ? 'tightens' : 'loosens'
  const [from, to] = [printRule(was), printRule(is)]
  const name = quote(was.name)
  return [
    change(is.id, direction, true, `rule ${name}: ${from} becomes ${to}`, `規則 ${name}: ${from} が ${to} になります`),
  ]
}

function fireAlike(was: Rule, is: Rule): boolean {
  const hasTwin = (condition: Condition, among: readonly Condition[]) =>
    among.some(other => hasSameMeaning(condition, other))
  return was.anyOf.every(old => hasTwin(old, is.anyOf)) && is.anyOf.every(now => hasTwin(now, was.anyOf))
}

/** Stronger is sooner and further back; each kind has a range of its own, a shorter time is higher within it. */
function strength(consequence: Consequence): number {
  const sooner = 'ms' in consequence ? 1 / (1 + consequence.ms) : 0
  switch (consequence.kind) {
    case 'now':
      return 6
    case 'within':
      return 4 + sooner
    case 'decide':
      return (consequence.otherwise === 'rollback' ? 3 : 2) + sooner
    case 'halt':
      return 1
    case 'hold':
      return 0
  }
}

function printRule(rule: Rule): string {
  return `"${rule.anyOf.map(({ text }) => text).join(' | ')}" (${printConsequence(rule.consequence)})`
}

function printConsequence(consequence: Consequence): string {
  switch (consequence.kind) {
    case 'now':
      return 'rollback now'
    case 'within':
      return `rollback within ${printDuration(consequence.ms)}`
    case 'decide':
      return `decide within ${printDuration(consequence.ms)}, otherwise ${consequence.otherwise}`
    default:
      return consequence.kind
  }
}
