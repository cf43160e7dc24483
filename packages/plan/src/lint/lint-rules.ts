import type { PlanCompilation } from '../compile/compile-plan.ts'
import type { AlertRule, Rule } from '../compiled-plan.ts'
import { quote, refuse } from '../problem.ts'

/** Rules and alerts as people meet them: a name must say which rule fired, an alert must reach somebody. */
export function checkRules({ plan, scope }: PlanCompilation): void {
  const seen = new Map<string, Rule>()
  for (const rule of plan.rules) {
    const key = `${rule.phase} ${rule.name}`
    const first = seen.get(key)
    // A copied rule has the line of the one it copies; only two lines are two rules.
    if (first && first.place.line !== rule.place.line)
      scope.log.add('duplicate-name', locate(rule), describeTwice(rule, first))
    seen.set(key, first ?? rule)
  }
  for (const alert of plan.alerts) {
    if (alert.to.length === 0 && plan.escalation === null)
      scope.log.add('no-recipient', locate(alert), describeUnheard(alert))
  }
}

function locate(rule: Rule | AlertRule) {
  return { place: rule.place, path: rule.id.replace(/\.(\d+)$/u, '[$1]') }
}

function describeTwice(rule: Rule, first: Rule) {
  const line = first.place.line
  return refuse(
    {
      cannot: `accept rule ${quote(rule.name)}`,
      found: `the same name in line ${line}`,
      expected: 'a name for each rule, because the record says which one fired',
      next: 'Give it a name of its own',
    },
    {
      cannot: `規則 ${quote(rule.name)} は受け付けられません`,
      found: `${line} 行目に同じ名前があります`,
      expected: 'どれが働いたかを記録で見分けられる、規則ごとの名前',
      next: '別の名前を付けてください',
    },
  )
}

function describeUnheard(alert: AlertRule) {
  return refuse(
    {
      cannot: `raise alert ${quote(alert.name)}`,
      found: 'neither "to" nor an escalation of the plan',
      expected: 'somebody who hears it',
      next: 'Add to: CHANNEL',
    },
    {
      cannot: `警報 ${quote(alert.name)} を出せません`,
      found: '"to" も計画の escalation もありません',
      expected: '受け取る人',
      next: 'to: CHANNEL を加えてください',
    },
  )
}
