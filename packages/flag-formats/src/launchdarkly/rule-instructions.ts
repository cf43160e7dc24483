import type { Condition, FlagDefinition, FlagRule } from '@dankai/flags'
import { conditionsFrom, conditionsFromClause } from './change-parts.ts'
import { type Instruction, type Instructions, servedBy, text, texts } from './instruction.ts'
import { PatchProblem } from './patch-problem.ts'

/** Semantic patch of rules and their clauses. */
export const ruleInstructions: Instructions = {
  addRule: (flag, one) => {
    const rule = ruleOf(flag, one, freeId(flag))
    const before = one['beforeRuleId']
    const index = before === undefined || before === '' ? flag.rules.length : placeOf(flag, text(one, 'beforeRuleId'))
    return { ...flag, rules: flag.rules.toSpliced(index, 0, rule) }
  },
  removeRule: (flag, one) => ({ ...flag, rules: flag.rules.toSpliced(placeOf(flag, text(one, 'ruleId')), 1) }),
  replaceRules: (flag, { rules }) => {
    if (!Array.isArray(rules)) throw new PatchProblem(400, 'found no list of rules, expected one')
    return { ...flag, rules: rules.map((rule: Instruction, index) => ruleOf(flag, rule, `rule-${index + 1}`)) }
  },
  reorderRules: (flag, one) => {
    const ids = texts(one, 'ruleIds')
    const rules = ids.map(id => flag.rules[placeOf(flag, id)]!)
    if (new Set(ids).size !== flag.rules.length || ids.length !== flag.rules.length)
      throw new PatchProblem(400, `found ${ids.length} rule ids, expected each of the ${flag.rules.length} once`)
    return { ...flag, rules }
  },
  updateRuleVariationOrRollout: (flag, one) =>
    withRule(flag, one, rule => ({ ...rule, share: 1, serve: servedBy(flag, one) })),
  addClauses: (flag, one) =>
    withRule(flag, one, rule => ({ ...rule, when: [...rule.when, ...conditionsFrom(flag, one['clauses'])] })),
  removeClauses: (flag, one) =>
    withRule(flag, one, rule => {
      const places = texts(one, 'clauseIds').map(id => placeOfClause(rule, id))
      return { ...rule, when: rule.when.filter((_, index) => !places.includes(index)) }
    }),
  updateClause: (flag, one) =>
    withRule(flag, one, rule => {
      const place = placeOfClause(rule, text(one, 'clauseId'))
      return { ...rule, when: rule.when.toSpliced(place, 1, ...conditionsFromClause(flag, one['clause'])) }
    }),
  addValuesToClause: (flag, one) =>
    withValues(flag, one, (values, named) => [...values, ...named.filter(value => !values.includes(value))]),
  removeValuesFromClause: (flag, one) =>
    withValues(flag, one, (values, named) => values.filter(value => !named.includes(value))),
}

const ruleOf = (flag: FlagDefinition, one: Instruction, id: string): FlagRule => ({
  id,
  when: conditionsFrom(flag, one['clauses']),
  share: 1,
  by: null,
  seed: null,
  serve: servedBy(flag, one),
})

function freeId(flag: FlagDefinition): string {
  let number = flag.rules.length + 1
  while (flag.rules.some(({ id }) => id === `rule-${number}`)) number++
  return `rule-${number}`
}

function placeOf(flag: FlagDefinition, id: string): number {
  if (id.startsWith('cohort:'))
    throw new PatchProblem(422, 'the cohorts of an exposure are moved by releases, not by patches')
  const index = flag.rules.findIndex(rule => rule.id === id)
  if (index < 0) throw new PatchProblem(404, `there is no rule "${id}" in flag "${flag.key}"`)
  return index
}

function withRule(flag: FlagDefinition, one: Instruction, change: (rule: FlagRule) => FlagRule): FlagDefinition {
  const index = placeOf(flag, text(one, 'ruleId'))
  return { ...flag, rules: flag.rules.with(index, change(flag.rules[index]!)) }
}

function placeOfClause(rule: FlagRule, id: string): number {
  const index = rule.when.findIndex((_, place) => `${rule.id}:${place}` === id)
  if (index < 0) throw new PatchProblem(404, `there is no clause "${id}" in rule "${rule.id}"`)
  return index
}

function withValues(
  flag: FlagDefinition,
  one: Instruction,
  change: (values: Condition['values'], named: Condition['values']) => Condition['values'],
): FlagDefinition {
  const { values } = one
  if (!Array.isArray(values)) throw new PatchProblem(400, 'found no list of values, expected one')
  return withRule(flag, one, rule => {
    const place = placeOfClause(rule, text(one, 'clauseId'))
    const condition = rule.when[place]!
    return { ...rule, when: rule.when.with(place, { ...condition, values: change(condition.values, values) }) }
  })
}
