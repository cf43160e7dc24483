/**
 * What is left of YAML once a file is read: text, lists and maps, each with its place and its path.
 *
 * Every scalar stays the text its author wrote. Types are given by the declaration of the key it stands under, so that
 * `1.10`, `off` and `5%` mean the same whatever YAML version the reader's other tools speak.
 */
import type { Place } from './compiled-plan.ts'

interface NodeBase {
  readonly place: Place
  readonly path: string
}

export interface TextNode extends NodeBase {
  readonly kind: 'text'
  readonly text: string
  /** Written without quotes: only then can `true` and `20` be anything but text. */
  readonly plain: boolean
}

export interface ListNode extends NodeBase {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
}

export interface MapNode extends NodeBase {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  readonly key: string
  readonly keyPlace: Place
  readonly value: YamlNode
}

export type YamlNode = TextNode | ListNode | MapNode

export function getValue(node: YamlNode | null | undefined, key: string): YamlNode | null {
  return node?.kind === 'map' ? (node.entries.get(key)?.value ?? null) : null
}

export function getText(node: YamlNode | null | undefined, key: string): string | null {
  return textOf(getValue(node, key))
}

/** Empty text is nothing: `name:` with no value names nothing. */
export function textOf(node: YamlNode | null | undefined): string | null {
  return node?.kind === 'text' && node.text !== '' ? node.text : null
}

/** A list, or one value standing for a list of one. */
export function itemsOf(node: YamlNode | null | undefined): readonly YamlNode[] {
  if (!node || (node.kind === 'text' && node.text === '')) return []
  return node.kind === 'list' ? node.items : [node]
}

export function textsOf(node: YamlNode | null | undefined): readonly string[] {
  return itemsOf(node).flatMap(item => textOf(item) ?? [])
}

export function entriesOf(node: YamlNode | null | undefined): readonly Entry[] {
  return node?.kind === 'map' ? [...node.entries.values()] : []
}

const numberForm = /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/u

/** A scalar as JSON: plain `true`, `false`, `null` and decimal numbers are typed, all else is text. */
export function scalarOf(node: TextNode): string | number | boolean | null {
  if (!node.plain) return node.text
  if (node.text === 'true' || node.text === 'false') return node.text === 'true'
  if (node.text === 'null' || node.text === '~' || node.text === '') return null
  return numberForm.test(node.text) ? Number(node.text) : node.text
}

export type PlainData = string | number | boolean | null | readonly PlainData[] | { readonly [key: string]: PlainData }

export function dataOf(node: YamlNode): PlainData {
  if (node.kind === 'text') return scalarOf(node)
  if (node.kind === 'list') return node.items.map(dataOf)
  return Object.fromEntries([...node.entries.values()].map(entry => [entry.key, dataOf(entry.value)]))
}

/** How a node is named in "found …". */
export function describeNode(node: YamlNode): { readonly en: string; readonly ja: string } {
  if (node.kind === 'list') return { en: 'a list', ja: 'リストがあります' }
  if (node.kind === 'map') return { en: 'a map of keys', ja: 'キーの集まりがあります' }
  if (node.text === '') return { en: 'nothing', ja: '何もありません' }
  const shown = node.text.length > 80 ? `${node.text.slice(0, 77)}…` : node.text
  const line = shown.replace(/\s+/gu, ' ').trim()
  return { en: `"${line}"`, ja: `"${line}" があります` }
}
