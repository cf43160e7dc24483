/** What a plan asks of its hands that they cannot do. */

import type { PlanCompilation } from '../compile/compile-plan.ts'
import { getSingle } from '../compile/plan-parts.ts'
import type { Rule, Step } from '../compiled-plan.ts'
import { handKinds } from '../language/hand.ts'
import type { Localized } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { getText, getValue, itemsOf } from '../yaml-node.ts'

export function checkHands(compilation: PlanCompilation): void {
  checkLowering(compilation)
  checkSelecting(compilation)
}

/** A segment is a question about a person; a proxy knows only how many pass. */
function checkSelecting({ plan, parts, scope }: PlanCompilation): void {
  const splitter = plan.hands.find(({ role }) => role === 'splitter')
  if (!splitter || handKinds[splitter.kind]?.canSelect !== false) return
  for (const [index, node] of itemsOf(getSingle(parts, 'phases')).entries()) {
    const own = plan.phases[index]?.exposure.cohorts.at(-1)
    const text = getText(node, 'expose') ?? ''
    const at = getValue(node, 'expose')
    if (own && at && text.endsWith(own.segment))
      scope.log.add('cannot-select', at, describeSelecting(text, at.path, splitter.id))
  }
}

function describeSelecting(text: string, path: string, hand: string): Localized {
  return refuse(
    {
      cannot: `expose ${quote(text)} in ${path}`,
      found: `the hand "${hand}", which splits by share alone`,
      expected: 'a hand that knows who a user is',
      next: 'Put a flag first, or expose a percentage',
    },
    {
      cannot: `${path} の ${quote(text)} を公開できません`,
      found: `割合だけで分ける手 "${hand}" があります`,
      expected: '利用者を見分ける手',
      next: 'flag を最初に置くか、百分率で公開してください',
    },
  )
}

/** Hands that only rise cannot take the change back from anybody. */
function checkLowering({ plan, parts, scope }: PlanCompilation): void {
  const rising = plan.hands.find(hand => !hand.canLower && hand.role === 'splitter')
  if (!rising) return
  for (const rule of plan.rules) {
    const words = loweringWords(rule)
    if (words !== null)
      scope.log.add('cannot-lower', { place: rule.place, path: pathOf(rule) }, describeLowering(rule, words, rising.id))
  }
  for (const [index, node] of itemsOf(getSingle(parts, 'phases')).entries()) {
    const value = getValue(node, 'ifNotMet')
    const phase = plan.phases[index]
    const lowers =
      phase?.ifNotMet.kind === 'rollback' ||
      (phase?.ifNotMet.kind === 'decide' && phase.ifNotMet.otherwise === 'rollback')
    if (value && lowers)
      scope.log.add('cannot-lower', value, describeIfNotMet(getText(node, 'ifNotMet') ?? '', value.path, rising.id))
  }
  for (const step of plan.rollback.flatMap(flattenSteps)) {
    if (step.action.verb === 'expose')
      scope.log.add('cannot-lower', { place: step.place, path: step.id }, describeExpose(step.name, step.id, rising.id))
  }
}

function flattenSteps(step: Step): readonly Step[] {
  return step.action.verb === 'do' ? [step, ...step.action.steps.flatMap(flattenSteps)] : [step]
}

function loweringWords({ consequence }: Rule): string | null {
  if (consequence.kind === 'now') return 'rollback now'
  if (consequence.kind === 'within') return 'rollback within'
  return consequence.kind === 'decide' && consequence.otherwise === 'rollback' ? 'otherwise: rollback' : null
}

/** `rollbackWhen.4` is written `rollbackWhen[4]` where people read it. */
function pathOf(rule: Rule): string {
  return rule.id.replace(/\.(\d+)$/u, '[$1]')
}

function describeLowering(rule: Rule, words: string, hand: string): Localized {
  const instead = rule.consequence.kind === 'decide' ? 'otherwise: continue' : 'then: halt'
  return refuse(
    {
      cannot: `accept rule ${quote(rule.name)} in ${pathOf(rule)}`,
      found: `"${words}" on the hand "${hand}", which can only rise`,
      expected: 'a consequence it can carry out',
      next: `Write ${instead}`,
    },
    {
      cannot: `${pathOf(rule)} の規則 ${quote(rule.name)} は受け付けられません`,
      found: `上げることしかできない手 "${hand}" に "${words}" があります`,
      expected: 'その手にできること',
      next: `${instead} と書いてください`,
    },
  )
}

function describeIfNotMet(text: string, path: string, hand: string): Localized {
  return refuse(
    {
      cannot: `accept ifNotMet in ${path}`,
      found: `"${text}" on the hand "${hand}", which can only rise`,
      expected: 'wait, or decide otherwise continue',
      next: 'Write ifNotMet: wait',
    },
    {
      cannot: `${path} は受け付けられません`,
      found: `上げることしかできない手 "${hand}" に "${text}" があります`,
      expected: 'wait か、decide … otherwise continue',
      next: 'ifNotMet: wait と書いてください',
    },
  )
}

function describeExpose(name: string, path: string, hand: string): Localized {
  return refuse(
    {
      cannot: `accept step ${quote(name)} in ${path}`,
      found: `expose on the hand "${hand}", which can only rise`,
      expected: 'steps it can carry out',
      next: 'Delete the step',
    },
    {
      cannot: `${path} の手順 ${quote(name)} は受け付けられません`,
      found: `上げることしかできない手 "${hand}" に expose があります`,
      expected: 'その手にできる手順',
      next: '手順を削除してください',
    },
  )
}
