import type { FlagSet } from '../compiled-plan.ts'
import type { ProblemLog } from '../problem.ts'
import { refuse } from '../problem.ts'
import type { YamlNode } from '../yaml-node.ts'
import { entriesOf, scalarOf } from '../yaml-node.ts'

export function compileFlagValues(node: YamlNode, log: ProblemLog): FlagSet {
  const values: [string, boolean | string | number][] = []
  for (const { key, value } of entriesOf(node)) {
    const scalar = value.kind === 'text' ? scalarOf(value) : null
    if (scalar !== null) {
      values.push([key, scalar])
      continue
    }
    const en = {
      cannot: `set flag "${key}" in ${value.path}`,
      found: 'no single value',
      expected: 'true, false, a number or text',
      next: `Write ${key}: true`,
    }
    const ja = {
      cannot: `${value.path} のフラグ "${key}" を設定できません`,
      found: '単一の値ではないものがあります',
      expected: 'true、false、数、文字列のどれか',
      next: `${key}: true のように書いてください`,
    }
    log.add('flag-value', value, refuse(en, ja))
  }
  return Object.fromEntries(values)
}
