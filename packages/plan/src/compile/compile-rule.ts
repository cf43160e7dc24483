import type { AlertRule, Condition, Rule } from '../compiled-plan.ts'
import { quote, refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, itemsOf, textOf, textsOf } from '../yaml-node.ts'
import type { ConditionUse } from './condition-place.ts'
import { readConsequence } from './policy-text.ts'
import { compileCondition } from './resolve-condition.ts'
import type { PlanScope } from './scope.ts'
import { checkName, checkRecipients } from './scope.ts'

/** A rule, or a bare condition standing for "roll back now". `phase` is null for the whole release. */
export function compileRule(node: YamlNode, id: string, phase: number | null, scope: PlanScope): Rule | null {
  const text = textOf(node)
  if (text !== null) {
    const anyOf = compileConditions([node], id, 'trigger', scope)
    return anyOf.length === 0
      ? null
      : { id, name: text, severity: null, phase, anyOf, consequence: { kind: 'now' }, place: node.place }
  }
  if (node.kind !== 'map') return null
  const consequence = compileConsequence(node, scope)
  const anyOf = compileConditions(itemsOf(getValue(node, 'if')), `${id}.if`, useOf(node), scope)
  if (consequence === null || anyOf.length === 0) return null
  return { id, name: nameRule(node), severity: getText(node, 'severity'), phase, anyOf, consequence, place: node.place }
}

function useOf(node: MapNode): ConditionUse {
  // A hold may wait for anything, also for something good.
  return getText(node, 'then') === 'hold' ? 'other' : 'trigger'
}

function nameRule(node: MapNode): string {
  return getText(node, 'name') ?? textsOf(getValue(node, 'if')).join(' or ')
}

function compileConditions(
  items: readonly YamlNode[],
  id: string,
  use: ConditionUse,
  scope: PlanScope,
): readonly Condition[] {
  return items.flatMap((item, index) => {
    const text = textOf(item)
    const place = { place: item.place, path: item.path, id: `${id}.${index}`, use }
    return text === null ? [] : (compileCondition(text, place, scope) ?? [])
  })
}

function compileConsequence(node: MapNode, scope: PlanScope): Rule['consequence'] | null {
  const then = getText(node, 'then')
  const otherwise = getText(node, 'otherwise')
  if (then === null) return null
  if (otherwise !== null && !then.startsWith('decide')) {
    const en = {
      cannot: `accept rule ${quote(nameRule(node))} in ${node.path}`,
      found: `"otherwise" beside "${then}"`,
      expected: 'it with "decide within" only',
      next: 'Delete otherwise',
    }
    const ja = {
      cannot: `${node.path} の規則 ${quote(nameRule(node))} は受け付けられません`,
      found: `"${then}" に "otherwise" があります`,
      expected: '"decide within" と一緒に書くこと',
      next: 'otherwise を削除してください',
    }
    scope.log.add('otherwise', node, refuse(en, ja))
  }
  const consequence = readConsequence(then, otherwise)
  // The shape check has refused any `then` that is no sentence of the language.
  if (consequence === null && then.startsWith('decide within')) {
    const en = {
      cannot: `accept rule ${quote(nameRule(node))} in ${node.path}`,
      found: `${quote(then)} without "otherwise"`,
      expected: 'the answer to silence',
      next: 'Add otherwise: rollback, or otherwise: continue',
    }
    const ja = {
      cannot: `${node.path} の規則 ${quote(nameRule(node))} は受け付けられません`,
      found: `"otherwise" のない ${quote(then)} があります`,
      expected: '返事がないときの扱い',
      next: 'otherwise: rollback か otherwise: continue を加えてください',
    }
    scope.log.add('otherwise', node, refuse(en, ja))
  }
  return consequence
}

export function compileAlert(node: YamlNode, id: string, phase: number | null, scope: PlanScope): AlertRule | null {
  if (node.kind !== 'map') return null
  const anyOf = compileConditions(itemsOf(getValue(node, 'if')), `${id}.if`, 'other', scope)
  const to = getValue(node, 'to')
  if (to) checkRecipients(scope, textsOf(to), to)
  const runbook = getText(node, 'runbook')
  if (runbook !== null) {
    const at = getValue(node, 'runbook') ?? node
    checkName(scope, 'unknown-runbook', { en: 'runbook', ja: 'ランブック' }, runbook, scope.runbooks, at)
  }
  if (anyOf.length === 0) return null
  return {
    id,
    name: nameRule(node),
    severity: getText(node, 'severity') ?? 'warning',
    phase,
    anyOf,
    to: textsOf(to),
    respondWithinMs: readDurationMs(getText(node, 'respondWithin') ?? ''),
    runbook,
    place: node.place,
  }
}
