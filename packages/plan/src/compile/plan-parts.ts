/**
 * A plan and one of its strategies read as one, without copying anything: for every key, the places it stands in.
 *
 * 1. The plan comes first, then the strategy; nothing of the plan is ever left out.
 * 2. A key that cannot add stands in one place only, and so does a name.
 */

import { singlePlaceKeys } from '../language/release-plan.ts'
import type { Localized, ProblemLog } from '../problem.ts'
import { refuse } from '../problem.ts'
import type { Entry, MapNode, YamlNode } from '../yaml-node.ts'
import { entriesOf, getValue, itemsOf } from '../yaml-node.ts'

export interface PlanPart {
  readonly origin: 'plan' | 'strategy'
  readonly node: YamlNode
  /** Prefix of the ids of what stands there: `before`, `strategies.hotfix.before`. */
  readonly id: string
}

export interface PlanParts {
  readonly root: MapNode
  readonly strategy: string | null
  readonly of: (key: string) => readonly PlanPart[]
}

export function readPlanParts(root: MapNode, strategy: string | null): PlanParts {
  const chosen = strategy === null ? null : getValue(getValue(root, 'strategies'), strategy)
  const of = (key: string): readonly PlanPart[] => {
    const own = getValue(root, key)
    const added = getValue(chosen, key)
    return [
      ...(own ? [{ origin: 'plan', node: own, id: key } as const] : []),
      ...(added ? [{ origin: 'strategy', node: added, id: `strategies.${strategy}.${key}` } as const] : []),
    ]
  }
  return { root, strategy, of }
}

/** The one place of a key that cannot add. */
export function getSingle(parts: PlanParts, key: string): YamlNode | null {
  return parts.of(key).at(-1)?.node ?? null
}

export interface NamedPart extends Entry {
  readonly id: string
}

/** All entries of a key that maps names, of plan and strategy. */
export function namedParts(parts: PlanParts, key: string): readonly NamedPart[] {
  const seen = new Set<string>()
  return parts.of(key).flatMap(part =>
    entriesOf(part.node).flatMap(entry => {
      if (seen.has(entry.key)) return []
      seen.add(entry.key)
      return [{ ...entry, id: `${part.id}.${entry.key}` }]
    }),
  )
}

export interface ListedPart {
  readonly node: YamlNode
  readonly id: string
  readonly origin: 'plan' | 'strategy'
}

/** All items of a key that lists, of plan and strategy, each with its id. */
export function listedParts(parts: PlanParts, key: string): readonly ListedPart[] {
  return parts
    .of(key)
    .flatMap(({ node, id, origin }) =>
      itemsOf(node).map((item, index) => ({ node: item, id: `${id}.${index}`, origin })),
    )
}

const namedKeys = ['metrics', 'signals', 'runbooks', 'checks', 'flags', 'channels']

/** Message 10, and names that the strategy would have to overwrite. */
export function checkPlaces(parts: PlanParts, log: ProblemLog): void {
  for (const key of singlePlaceKeys) {
    const [, second] = parts.of(key)
    if (second) log.add('two-places', second.node, describeTwoPlaces(key, parts.strategy ?? ''))
  }
  for (const key of namedKeys) {
    const [own, added] = parts.of(key)
    if (!own || !added) continue
    for (const entry of entriesOf(added.node)) {
      const first = getValue(own.node, entry.key)
      if (!first) continue
      const at = { place: entry.keyPlace, path: entry.value.path }
      log.add('duplicate-name', at, describeSecondName(key, entry.key, parts.strategy ?? ''))
    }
  }
}

function describeTwoPlaces(key: string, strategy: string): Localized {
  return refuse(
    {
      cannot: `add ${key} in strategy "${strategy}"`,
      found: "it also at the plan's top level",
      expected: 'one place',
      next: `Move the plan's ${key} into each strategy`,
    },
    {
      cannot: `戦略 "${strategy}" に ${key} を加えられません`,
      found: '計画の最上位にもあります',
      expected: '1 か所だけの記述',
      next: `計画の ${key} を各戦略に移してください`,
    },
  )
}

function describeSecondName(key: string, name: string, strategy: string): Localized {
  return refuse(
    {
      cannot: `add ${key}.${name} in strategy "${strategy}"`,
      found: 'the same name in the plan',
      expected: 'a new name, because strategies only add',
      next: 'Rename one of them',
    },
    {
      cannot: `戦略 "${strategy}" に ${key}.${name} を加えられません`,
      found: '計画に同じ名前があります',
      expected: '戦略は足すだけなので新しい名前',
      next: 'どちらかの名前を変えてください',
    },
  )
}
