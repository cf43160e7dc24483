/**
 * `same as PHASE` stands for the own items of that key in an earlier phase. Because only earlier phases count, it cannot
 * go in a circle; because repeated items are left out, it cannot multiply.
 */

import { findNearest } from '../did-you-mean.ts'
import type { Localized } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import type { YamlNode } from '../yaml-node.ts'
import { getText, getValue, itemsOf, textOf } from '../yaml-node.ts'
import type { PlanScope } from './scope.ts'

/** The items of `key` in the phase at `index`, with every "same as" replaced. */
export function expandItems(
  phases: readonly YamlNode[],
  index: number,
  key: string,
  scope: PlanScope,
): readonly YamlNode[] {
  return expandAll(phases, key, scope)[index] ?? []
}

function expandAll(phases: readonly YamlNode[], key: string, scope: PlanScope): readonly (readonly YamlNode[])[] {
  const expanded: (readonly YamlNode[])[] = []
  for (const phase of phases) {
    const items = itemsOf(getValue(phase, key)).flatMap(item => {
      const source = readSource(item)
      return source === null ? [item] : copyItems(item, source, phases, expanded, key, scope)
    })
    expanded.push(dropRepeated(items))
  }
  return expanded
}

function readSource(item: YamlNode): string | null {
  return /^same as (\S+)$/u.exec(textOf(item) ?? '')?.[1] ?? null
}

function copyItems(
  item: YamlNode,
  source: string,
  phases: readonly YamlNode[],
  expanded: readonly (readonly YamlNode[])[],
  key: string,
  scope: PlanScope,
): readonly YamlNode[] {
  const at = phases.findIndex(phase => getText(phase, 'name') === source)
  const items = expanded[at]
  if (items !== undefined && getValue(phases[at], key) !== null) return items
  const earlier = phases.slice(0, expanded.length).flatMap(phase => getText(phase, 'name') ?? [])
  scope.log.add('same-as', item, describeSource(source, item.path, at, items !== undefined, key, earlier))
  return []
}

function describeSource(
  source: string,
  path: string,
  at: number,
  isEarlier: boolean,
  key: string,
  earlier: readonly string[],
): Localized {
  const found = isEarlier
    ? { en: `no ${key} in phase "${source}"`, ja: `段階 "${source}" に ${key} がありません` }
    : at >= 0
      ? { en: `phase "${source}", which comes later`, ja: `後の段階 "${source}" があります` }
      : { en: `no phase "${source}"`, ja: `段階 "${source}" がありません` }
  const nearest = findNearest(source, earlier)
  const next =
    nearest !== null && nearest !== source
      ? { en: `Did you mean "${nearest}"?`, ja: `"${nearest}" のことですか?` }
      : {
          en: earlier.length === 0 ? 'Write the items out' : `Earlier phases: ${earlier.join(', ')}`,
          ja: earlier.length === 0 ? '項目を書いてください' : `前の段階: ${earlier.join(', ')}`,
        }
  return refuse(
    {
      cannot: `copy ${quote(`same as ${source}`)} in ${path}`,
      found: found.en,
      expected: `an earlier phase that has ${key}`,
      next: next.en,
    },
    {
      cannot: `${path} の ${quote(`same as ${source}`)} を写せません`,
      found: found.ja,
      expected: `${key} を持つ前の段階`,
      next: next.ja,
    },
  )
}

function dropRepeated(items: readonly YamlNode[]): readonly YamlNode[] {
  const seen = new Set<YamlNode | string>()
  return items.filter(item => {
    const identity = textOf(item) ?? item
    if (seen.has(identity)) return false
    seen.add(identity)
    return true
  })
}
