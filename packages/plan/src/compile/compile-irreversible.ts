import { verbs } from '../language/step.ts'
import type { Localized } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import type { MapNode } from '../yaml-node.ts'
import { getText, getValue, textOf } from '../yaml-node.ts'
import type { PlanScope } from './scope.ts'
import { checkName } from './scope.ts'

export function compileIrreversible(node: MapNode, phaseName: string | undefined, scope: PlanScope): string | null {
  const value = getValue(node, 'irreversible')
  const runbook = textOf(value)
  if (value === null || runbook === null) return null
  if (scope.runbooks.has(runbook)) return runbook
  if (runbook === 'true' || scope.runbooks.size === 0) {
    scope.log.add('irreversible', node, describeIrreversible(node, phaseName))
    return null
  }
  checkName(scope, 'unknown-runbook', { en: 'runbook', ja: 'ランブック' }, runbook, scope.runbooks, value)
  return null
}

/** Message 9: what cannot be undone needs another way back, by name. */
function describeIrreversible(node: MapNode, phaseName: string | undefined): Localized {
  const name = getText(node, 'name') ?? verbs.map(verb => getText(node, verb)).find(text => text !== null) ?? ''
  const words = (phaseName ?? 'migration').split(/[-_]/u).filter(word => word !== '')
  const runbook = `after${words.map(word => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')}`
  return refuse(
    {
      cannot: `accept step ${quote(name)} in ${node.path}`,
      found: 'irreversible without a way back',
      expected: 'the name of a runbook',
      next: `Add runbooks.${runbook} and write irreversible: ${runbook}`,
    },
    {
      cannot: `${node.path} の手順 ${quote(name)} は受け付けられません`,
      found: '戻り道のない irreversible があります',
      expected: 'ランブックの名前',
      next: `runbooks.${runbook} を加え、irreversible: ${runbook} と書いてください`,
    },
  )
}
