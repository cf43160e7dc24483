/**
 * Steps: one verb, its options, everything it names resolved and embedded.
 *
 * 1. A step's id is the id of the list it stands in and its number there.
 * 2. Checklists are flattened into plain steps that carry the heading they stood under.
 * 3. A checklist that contains itself is refused; the whole plan never has more than `stepsAtMost` steps.
 */
import type { Action, Condition, Step, Verb } from '../compiled-plan.ts'
import { verbs } from '../language/step.ts'
import type { Localized } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { readDurationMs, readShare } from '../quantity.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, itemsOf, textOf, textsOf } from '../yaml-node.ts'
import { compileFlagValues } from './compile-flag-set.ts'
import { compileIrreversible } from './compile-irreversible.ts'
import { readDays, readExpectation, readLabelTests, readOnFail } from './policy-text.ts'
import { compileCondition } from './resolve-condition.ts'
import type { PlanScope } from './scope.ts'
import { checkName, checkRecipients, findDocument, noteRole, stepsAtMost } from './scope.ts'
import { nameAction } from './step-name.ts'

/** How a list of steps is used: it decides what a failure does and what the steps may say. */
export interface StepUse {
  readonly onFail: 'stop' | 'goOn'
  /** `every` and `days` make sense only while a phase lasts. */
  readonly isDuring?: boolean
  /** The phase whose gate it is. */
  readonly phaseName?: string
  /** Checklists that are being expanded around this step. */
  readonly inside?: readonly string[]
  readonly group?: string
}

export function compileSteps(nodes: readonly YamlNode[], id: string, use: StepUse, scope: PlanScope): readonly Step[] {
  return nodes.flatMap((node, index) => compileStep(node, `${id}.${index}`, use, scope) ?? [])
}

export function compileStep(node: YamlNode, id: string, use: StepUse, scope: PlanScope): Step | null {
  if (node.kind !== 'map' || isOverBudget(node, scope)) return null
  const verb = verbs.find(known => node.entries.has(known))
  const value = verb === undefined ? null : getValue(node, verb)
  if (verb === undefined || value === null) return null
  const action = compileAction(verb, value, { node, id, use, scope })
  if (action === null) return null
  const time = (key: string) => readDurationMs(getText(node, key) ?? '')
  const role = getText(node, 'by')
  const expected = getText(node, 'expect')
  const group = use.group === undefined ? {} : { group: use.group }
  return {
    id,
    name: getText(node, 'name') ?? nameAction(action),
    action,
    by: role === null ? null : noteRole(scope, role, getValue(node, 'by') ?? node),
    at: getText(node, 'at'),
    when: compileWhen(node, scope),
    withinMs: time('within'),
    takesMs: time('takes'),
    expect: expected === null ? null : readExpectation(expected, verb),
    keep: getText(node, 'keep') === 'true',
    optional: getText(node, 'optional') === 'true',
    evidence: getText(node, 'evidence'),
    irreversible: compileIrreversible(node, use.phaseName, scope),
    onFail: compileOnFail(node, use, scope),
    everyMs: use.isDuring ? time('every') : null,
    days: use.isDuring ? readDays(getText(node, 'days')) : null,
    place: node.place,
    ...group,
  }
}

function isOverBudget(node: YamlNode, scope: PlanScope): boolean {
  scope.budget.steps++
  if (scope.budget.steps !== stepsAtMost + 1) return scope.budget.steps > stepsAtMost
  const en = {
    cannot: `compile step in ${node.path}`,
    found: `more than ${stepsAtMost} steps`,
    expected: 'fewer',
    next: 'Use fewer or smaller checklists',
  }
  const ja = {
    cannot: `${node.path} の手順を組み立てられません`,
    found: `${stepsAtMost} を超える手順があります`,
    expected: 'それ以下',
    next: 'チェックリストを減らすか小さくしてください',
  }
  scope.log.add('too-many', node, refuse(en, ja))
  return true
}

interface ActionPlace {
  readonly node: MapNode
  readonly id: string
  readonly use: StepUse
  readonly scope: PlanScope
}

function compileAction(verb: Verb, value: YamlNode, at: ActionPlace): Action | null {
  if (verb === 'do') return compileDo(value, at)
  if (verb === 'check') return compileCheck(value, at)
  if (verb === 'flags') return compileFlags(value, at)
  const text = textOf(value)
  return text === null ? null : compileTextAction(verb, text, value, at)
}

function compileTextAction(
  verb: Exclude<Verb, 'do' | 'check' | 'flags'>,
  text: string,
  value: YamlNode,
  at: ActionPlace,
): Action | null {
  const { scope } = at
  switch (verb) {
    case 'run':
      return { verb, command: text }
    case 'sql':
      return { verb, text }
    case 'confirm':
      return { verb, sentence: text }
    case 'http':
      return compileHttp(text)
    case 'expose':
      return { verb, share: readShare(text) ?? 0 }
    case 'wait':
      return { verb, ms: readDurationMs(text) ?? 0 }
    case 'approve':
      return { verb, role: noteRole(scope, text, value), count: Number(getText(at.node, 'count') ?? '1') }
    case 'needs':
    case 'halt':
      return findDocument(scope, 'ReleasePlan', text, value) && { verb, plan: text }
    case 'notify':
      return compileNotify(text, value, at)
    case 'checklist':
      return compileChecklist(text, value, at)
  }
}

function compileHttp(text: string): Action {
  const [method = '', url = ''] = text.split(' ')
  return { verb: 'http', method, url }
}

function compileDo(value: YamlNode, { id, use, scope }: ActionPlace): Action {
  return { verb: 'do', steps: compileSteps(itemsOf(value), `${id}.do`, use, scope) }
}

function compileCheck(value: YamlNode, { id, scope }: ActionPlace): Action | null {
  const conditions: Condition[] = []
  for (const [index, item] of itemsOf(value).entries()) {
    const text = textOf(item)
    const place = { place: item.place, path: item.path, id: `${id}.check.${index}`, use: 'other' } as const
    const condition = text === null ? null : compileCondition(text, place, scope)
    if (condition) conditions.push(condition)
  }
  return conditions.length === 0 ? null : { verb: 'check', conditions }
}

function compileFlags(value: YamlNode, { scope }: ActionPlace): Action | null {
  if (value.kind === 'map') return { verb: 'flags', set: null, values: compileFlagValues(value, scope.log) }
  const set = textOf(value)
  if (set === null || !checkName(scope, 'unknown-flag-set', flagSetWords, set, scope.flagSets, value)) return null
  return { verb: 'flags', set, values: scope.flagSets.get(set) ?? {} }
}

export const flagSetWords: Localized = { en: 'flag set', ja: 'フラグの組' }

function compileNotify(template: string, value: YamlNode, { node, scope }: ActionPlace): Action | null {
  const to = compileRecipients(template, value, getValue(node, 'to'), scope)
  return to === null ? null : { verb: 'notify', template, to }
}

/** Who gets a template: those named, else the channel the template itself names. */
export function compileRecipients(
  template: string,
  at: YamlNode,
  named: YamlNode | null,
  scope: PlanScope,
): readonly string[] | null {
  const document = findDocument(scope, 'Template', template, at)
  if (!document) return null
  if (named) return checkRecipients(scope, textsOf(named), named)
  const own = getText(document.root, 'channel')
  if (own !== null) return checkRecipients(scope, [own], at)
  const en = {
    cannot: `send template ${quote(template)} in ${at.path}`,
    found: 'no recipient',
    expected: 'one',
    next: 'Add to: CHANNEL here, or channel: CHANNEL in the template',
  }
  const ja = {
    cannot: `${at.path} のテンプレート ${quote(template)} を送れません`,
    found: '宛先がありません',
    expected: '宛先',
    next: 'ここに to: CHANNEL を、またはテンプレートに channel: CHANNEL を加えてください',
  }
  scope.log.add('no-recipient', at, refuse(en, ja))
  return null
}

function compileChecklist(name: string, value: YamlNode, { id, use, scope }: ActionPlace): Action | null {
  const inside = use.inside ?? []
  if (inside.includes(name)) {
    const loop = [...inside.slice(inside.indexOf(name)), name].join(' → ')
    const en = {
      cannot: `use checklist ${quote(name)} in ${value.path}`,
      found: `a checklist inside itself (${loop})`,
      expected: 'no circle',
      next: 'Take one of them out',
    }
    const ja = {
      cannot: `${value.path} でチェックリスト ${quote(name)} を使えません`,
      found: `自分自身を含むチェックリスト (${loop}) があります`,
      expected: '循環のない形',
      next: 'どれか 1 つを外してください',
    }
    scope.log.add('cycle', value, refuse(en, ja))
    return null
  }
  const document = findDocument(scope, 'Checklist', name, value)
  if (!document) return null
  const within: StepUse = { onFail: use.onFail, inside: [...inside, name] }
  return {
    verb: 'checklist',
    checklist: name,
    items: compileItems(getValue(document.root, 'items'), `${id}.items`, within, scope),
  }
}

/** Items and groups of items, flattened; a group inside a group is named "outer / inner". */
export function compileItems(list: YamlNode | null, id: string, use: StepUse, scope: PlanScope): readonly Step[] {
  return itemsOf(list).flatMap((item, index) => {
    const heading = getText(item, 'group')
    if (heading === null) return compileStep(item, `${id}.${index}`, use, scope) ?? []
    const group = use.group === undefined ? heading : `${use.group} / ${heading}`
    return compileItems(getValue(item, 'items'), `${id}.${index}.items`, { ...use, group }, scope)
  })
}

function compileWhen(node: MapNode, scope: PlanScope): Step['when'] {
  const value = getValue(node, 'when')
  const tests = readLabelTests(textOf(value))
  if (value === null) return []
  for (const { label } of tests) {
    checkName(scope, 'unknown-label', { en: 'label', ja: 'ラベル' }, label, scope.labels, value)
  }
  return tests
}

function compileOnFail(node: MapNode, use: StepUse, scope: PlanScope): Step['onFail'] {
  const onFail = readOnFail(getText(node, 'onFail'), use.onFail)
  if (onFail.kind === 'ask') noteRole(scope, onFail.role, getValue(node, 'onFail') ?? node)
  return onFail
}
