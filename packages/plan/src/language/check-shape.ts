/**
 * Checks a document against its declaration: unknown keys, missing ones, wrong types. What it reports, the readers
 * after it may pass over in silence: they take what has the right shape and leave out the rest.
 */
import { findNearest } from '../did-you-mean.ts'
import type { Localized, Located, ProblemLog } from '../problem.ts'
import { listWords, quote, refuse } from '../problem.ts'
import type { MapNode, TextNode, YamlNode } from '../yaml-node.ts'
import { describeNode } from '../yaml-node.ts'
import { fitsPattern } from './pattern.ts'
import type { Declaration, EitherShape, KeyDeclaration, ListShape, NamedShape, Shape, TextFormat } from './shape.ts'
import { describeCount, describeMissing, describeUnknown, describeValue } from './shape-refusal.ts'

export function checkShape(node: YamlNode, shape: Shape, log: ProblemLog): void {
  if (log.isFull()) return
  switch (shape.type) {
    case 'text':
      return checkText(node, shape.format, log)
    case 'list':
      return checkList(node, shape, log)
    case 'map':
      return checkMap(node, shape.declaration(), log)
    case 'named':
      return checkNamed(node, shape, log)
    case 'either':
      return checkEither(node, shape, log)
    case 'data':
      return
  }
}

function checkText(node: YamlNode, format: TextFormat, log: ProblemLog): void {
  if (node.kind !== 'text' || node.text === '') return reportValue(node, format, log)
  if (!fitsFormat(node, format)) reportValue(node, format, log)
}

export function fitsFormat(node: TextNode, format: TextFormat): boolean {
  if ((format.json === 'integer' || format.json === 'boolean') && !node.plain) return false
  if (format.choices && !format.choices.includes(node.text)) return false
  if (format.pattern !== undefined && !fitsPattern(format.pattern, node.text)) return false
  return format.accepts?.(node.text) ?? true
}

function reportValue(node: YamlNode, format: TextFormat, log: ProblemLog): void {
  log.add('value', node, describeValue(node, format))
}

function checkList(node: YamlNode, shape: ListShape, log: ProblemLog): void {
  if (node.kind === 'list') {
    if (node.items.length > shape.atMost)
      log.add('too-many', node, describeCount(node, node.items.length, shape.atMost))
    for (const item of node.items.slice(0, shape.atMost)) checkShape(item, shape.of, log)
    return
  }
  const isNothing = node.kind === 'text' && node.text === ''
  if (shape.orOne && !isNothing) return checkShape(node, shape.of, log)
  reportKind(
    node,
    { en: 'a list', ja: 'リスト' },
    { en: 'Begin each item with "- "', ja: '各項目を "- " で始めてください' },
    log,
  )
}

function reportKind(node: YamlNode, expected: Localized, next: Localized, log: ProblemLog): void {
  const found = describeNode(node)
  const message = refuse(
    { cannot: `read ${quote(node.path)}`, found: found.en, expected: expected.en, next: next.en },
    { cannot: `${quote(node.path)} を読めません`, found: found.ja, expected: expected.ja, next: next.ja },
  )
  log.add('value', node, message)
}

function checkNamed(node: YamlNode, shape: NamedShape, log: ProblemLog): void {
  if (node.kind !== 'map') {
    const next = { en: `Write it as ${shape.names.example}: …`, ja: `${shape.names.example}: … のように書いてください` }
    return reportKind(node, { en: 'names, each with its value', ja: '名前とその値の組' }, next, log)
  }
  if (node.entries.size > shape.atMost) log.add('too-many', node, describeCount(node, node.entries.size, shape.atMost))
  for (const entry of [...node.entries.values()].slice(0, shape.atMost)) {
    const name: TextNode = { kind: 'text', text: entry.key, plain: true, place: entry.keyPlace, path: entry.value.path }
    if (!fitsFormat(name, shape.names)) reportValue(name, shape.names, log)
    checkShape(entry.value, shape.of, log)
  }
}

function checkEither(node: YamlNode, shape: EitherShape, log: ProblemLog): void {
  const options = shape.of.filter(option => acceptsKind(option.shape, node))
  const option = options.find(({ ifHas }) => ifHas !== undefined && node.kind === 'map' && node.entries.has(ifHas))
  const chosen = option ?? options.findLast(({ ifHas }) => ifHas === undefined) ?? options[0]
  if (chosen) return checkShape(node, chosen.shape, log)
  const expected = shape.of.map(({ shape: known }) => describeShape(known))
  reportKind(
    node,
    {
      en: listWords([...new Set(expected.map(({ en }) => en))], 'en'),
      ja: [...new Set(expected.map(({ ja }) => ja))].join('か'),
    },
    { en: 'Correct the value', ja: '値を直してください' },
    log,
  )
}

function acceptsKind(shape: Shape, node: YamlNode): boolean {
  if (shape.type === 'data') return true
  if (shape.type === 'text') return node.kind === 'text'
  if (shape.type === 'list') return node.kind === 'list' || (shape.orOne && acceptsKind(shape.of, node))
  if (shape.type === 'either') return shape.of.some(option => acceptsKind(option.shape, node))
  return node.kind === 'map'
}

function describeShape(shape: Shape): Localized {
  if (shape.type === 'text') return shape.format.expected
  if (shape.type === 'list') return { en: 'a list', ja: 'リスト' }
  return { en: 'a map of keys', ja: 'キーの集まり' }
}

function checkMap(node: YamlNode, declaration: Declaration, log: ProblemLog): void {
  if (node.kind !== 'map') {
    const first = declaration.exactlyOne?.keys[0] ?? Object.keys(declaration.keys)[0] ?? 'name'
    const next = { en: `Write it as { ${first}: … }`, ja: `{ ${first}: … } のように書いてください` }
    return reportKind(node, { en: declaration.description.en, ja: declaration.description.ja }, next, log)
  }
  for (const entry of node.entries.values()) {
    const known = findKey(declaration, entry.key)
    if (known) checkShape(entry.value, known.shape, log)
    else reportUnknown(node, entry.key, { place: entry.keyPlace, path: entry.value.path }, declaration, log)
  }
  checkRequired(node, declaration, log)
  checkExactlyOne(node, declaration, log)
}

export function findKey(declaration: Declaration, name: string): KeyDeclaration | null {
  if (Object.hasOwn(declaration.keys, name)) return declaration.keys[name] ?? null
  const { formKeys } = declaration
  return formKeys && fitsPattern(formKeys.form, name) ? formKeys.key : null
}

function reportUnknown(map: MapNode, name: string, at: Located, declaration: Declaration, log: ProblemLog): void {
  const names = Object.keys(declaration.keys)
  if (declaration.unknownKeys === 'pass') return
  if (declaration.unknownKeys === 'refuseNearMisses' && findNearest(name, names) === null) return
  const unused = names.filter(known => !map.entries.has(known))
  log.add('unknown-key', at, describeUnknown(map, name, unused, declaration))
}

function checkRequired(node: MapNode, declaration: Declaration, log: ProblemLog): void {
  for (const [name, { isRequired, shape }] of Object.entries(declaration.keys)) {
    if (isRequired && !node.entries.has(name)) log.add('missing-key', node, describeMissing(node, name, shape))
  }
}

/** The keys of a "one of these" that a map has; also used by readers to know which verb or measure it is. */
export function findChosenKeys(node: MapNode, declaration: Declaration): readonly string[] {
  const { exactlyOne, formKeys } = declaration
  if (!exactlyOne) return []
  const fitsForm = (name: string) => formKeys !== undefined && fitsPattern(formKeys.form, name)
  return [...node.entries.keys()].filter(name => exactlyOne.keys.includes(name) || fitsForm(name))
}

function checkExactlyOne(node: MapNode, declaration: Declaration, log: ProblemLog): void {
  const { exactlyOne, formKeys } = declaration
  if (!exactlyOne) return
  const chosen = findChosenKeys(node, declaration)
  // A misspelt verb was refused as an unknown key, with the verb that is meant.
  const hasUnknown = [...node.entries.keys()].some(name => findKey(declaration, name) === null)
  if (chosen.length === 1 || (chosen.length === 0 && hasUnknown)) return
  const choices = [...exactlyOne.keys, ...(formKeys ? [formKeys.shownAs] : [])]
  const { what } = exactlyOne
  const shown = chosen.map(name => `"${name}"`)
  const message =
    chosen.length === 0
      ? refuse(
          {
            cannot: `read ${quote(node.path)}`,
            found: `no ${what.en}`,
            expected: 'exactly one',
            next: `Add one of ${choices.join(', ')}`,
          },
          {
            cannot: `${quote(node.path)} を読めません`,
            found: `${what.ja}がありません`,
            expected: 'ちょうど 1 つ',
            next: `${choices.join('、')} のどれかを加えてください`,
          },
        )
      : refuse(
          {
            cannot: `read ${quote(node.path)}`,
            found: `${chosen.length} ${what.en}s, ${shown.join(' and ')}`,
            expected: 'exactly one',
            next: 'Keep one, or split it in two',
          },
          {
            cannot: `${quote(node.path)} を読めません`,
            found: `${what.ja} ${shown.join(' と ')} が ${chosen.length} つあります`,
            expected: 'ちょうど 1 つ',
            next: '1 つだけ残すか、2 つに分けてください',
          },
        )
  log.add('exactly-one', node, message)
}
