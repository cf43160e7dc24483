import { findNearest } from '../did-you-mean.ts'
import type { Localized } from '../problem.ts'
import { quote, refuse, spaceAfterLatin } from '../problem.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { describeNode } from '../yaml-node.ts'
import type { Declaration, Shape, TextFormat } from './shape.ts'

function keyOf(path: string): string {
  return /([^.[\]]+)(\[\d+\])?$/u.exec(path)?.[1] ?? path
}

export function describeValue(node: YamlNode, format: TextFormat): Localized {
  const found = describeNode(node)
  const nearest = node.kind === 'text' && format.choices ? findNearest(node.text, format.choices) : null
  const key = keyOf(node.path)
  const isItem = node.path.endsWith(']')
  const written = isItem ? format.example : `${key}: ${format.example}`
  const next =
    nearest === null
      ? { en: `Write for example ${written}`, ja: `たとえば ${written} と書いてください` }
      : { en: `Did you mean "${nearest}"?`, ja: `"${nearest}" のことですか?` }
  return refuse(
    { cannot: `read ${quote(node.path)}`, found: found.en, expected: format.expected.en, next: next.en },
    { cannot: `${quote(node.path)} を読めません`, found: found.ja, expected: format.expected.ja, next: next.ja },
  )
}

export function describeCount(node: YamlNode, count: number, atMost: number): Localized {
  return refuse(
    { cannot: `read ${quote(node.path)}`, found: `${count} entries`, expected: `at most ${atMost}`, next: 'Split it' },
    {
      cannot: `${quote(node.path)} を読めません`,
      found: `${count} 件あります`,
      expected: `${atMost} 件以下`,
      next: '分けてください',
    },
  )
}

function nameOf(node: YamlNode): { readonly en: string; readonly ja: string } {
  return node.path === '' ? { en: 'this document', ja: 'この文書' } : { en: quote(node.path), ja: quote(node.path) }
}

export function describeUnknown(
  map: MapNode,
  name: string,
  unused: readonly string[],
  declaration: Declaration,
): Localized {
  const where = nameOf(map)
  const next = adviseKey(name, unused, declaration)
  return refuse(
    {
      cannot: `use key ${quote(name)} in ${where.en}`,
      found: 'no such key',
      expected: `a key of ${declaration.description.en}`,
      next: next.en,
    },
    {
      cannot: `${spaceAfterLatin(where.ja)}でキー ${quote(name)} を使えません`,
      found: 'そのようなキーはありません',
      expected: `${spaceAfterLatin(declaration.description.ja)}のキー`,
      next: next.ja,
    },
  )
}

function adviseKey(name: string, unused: readonly string[], { elsewhere }: Declaration): Localized {
  const hint = elsewhere && Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined
  if (hint) return hint
  const nearest = findNearest(name, unused)
  if (nearest !== null) return { en: `Did you mean "${nearest}"?`, ja: `"${nearest}" のことですか?` }
  const known = unused.slice(0, 30).join(', ')
  return { en: `Known keys: ${known}`, ja: `使えるキー: ${known}` }
}

export function describeMissing(node: MapNode, name: string, shape: Shape): Localized {
  const where = nameOf(node)
  const example = shape.type === 'text' ? `${name}: ${shape.format.example}` : `${name}:`
  return refuse(
    { cannot: `read ${where.en}`, found: `no "${name}"`, expected: 'one', next: `Add ${example}` },
    {
      cannot: `${spaceAfterLatin(where.ja)}を読めません`,
      found: `"${name}" がありません`,
      expected: 'その記述',
      next: `${example} を加えてください`,
    },
  )
}
