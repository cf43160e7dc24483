import type { PlanDocument } from '../plan-documents.ts'
import type { ProblemLog } from '../problem.ts'
import { refuse } from '../problem.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { entriesOf, getText, getValue, textsOf } from '../yaml-node.ts'
import { reportUnknown } from './scope.ts'

export function listStrategies(root: MapNode): readonly string[] {
  return entriesOf(getValue(root, 'strategies')).map(({ key }) => key)
}

/** By name, else by release type, else the default one; null when the plan has none. */
export function chooseStrategy(
  plan: PlanDocument,
  choice: { readonly strategy?: string; readonly releaseType?: string },
  log: ProblemLog,
): string | null {
  const entries = entriesOf(getValue(plan.root, 'strategies'))
  const names = entries.map(({ key }) => key)
  const at = getValue(plan.root, 'strategies') ?? plan.root
  if (choice.strategy !== undefined) {
    if (names.includes(choice.strategy)) return choice.strategy
    const here = { place: at.place, path: 'strategies' }
    reportUnknown(log, 'unknown-strategy', { en: 'strategy', ja: '戦略' }, choice.strategy, names, here)
    return null
  }
  if (entries.length === 0) return null
  const byType = entries.find(({ value }) => hasType(value, choice.releaseType))
  const chosen =
    byType ??
    entries.find(({ value }) => getText(value, 'default') === 'true') ??
    (entries.length === 1 ? entries[0] : undefined)
  if (chosen) return chosen.key
  const en = {
    cannot: `choose a strategy of plan "${plan.name}"`,
    found: 'no default',
    expected: 'one',
    next: `Add default: true to one of ${names.join(', ')}, or name one`,
  }
  const ja = {
    cannot: `計画 "${plan.name}" の戦略を選べません`,
    found: '既定の戦略がありません',
    expected: 'それ',
    next: `${names.join('、')} のどれかに default: true を加えるか、名前で指定してください`,
  }
  log.add('no-strategy', at, refuse(en, ja))
  return null
}

function hasType(strategy: YamlNode, type: string | undefined): boolean {
  return type !== undefined && textsOf(getValue(strategy, 'types')).includes(type)
}

/** Two strategies that both want to be chosen would make the choice depend on their order. */
export function checkStrategies(root: MapNode, log: ProblemLog): void {
  const entries = entriesOf(getValue(root, 'strategies'))
  const defaults = entries.filter(({ value }) => getText(value, 'default') === 'true')
  for (const { key, value } of defaults.slice(1)) refuseSecond(`default: true`, key, defaults[0]?.key ?? '', value, log)
  const byType = new Map<string, string>()
  for (const { key, value } of entries) {
    for (const type of textsOf(getValue(value, 'types'))) {
      const first = byType.get(type)
      if (first !== undefined) refuseSecond(`type "${type}"`, key, first, value, log)
      byType.set(type, first ?? key)
    }
  }
}

function refuseSecond(what: string, second: string, first: string, at: YamlNode, log: ProblemLog): void {
  const en = {
    cannot: `choose strategy "${second}" by ${what}`,
    found: `strategy "${first}" chosen by it too`,
    expected: 'one',
    next: 'Take it out of one of them',
  }
  const ja = {
    cannot: `${what} で戦略 "${second}" を選べません`,
    found: `戦略 "${first}" も同じもので選ばれるようになっています`,
    expected: '1 つだけ',
    next: 'どちらかから外してください',
  }
  log.add('ambiguous-strategy', at, refuse(en, ja))
}
