/**
 * Files in, documents out: every YAML document of every file as nodes with places, and what made a file unreadable.
 *
 * Invariants:
 *   1. Aliases are never followed, so a small file cannot expand into a large tree.
 *   2. A document that is no YAML is left out; all others are read, so that one slip does not hide the next.
 *   3. Names that an object already has (`__proto__`, `constructor`) are never keys.
 */
import type { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import type { Place } from './compiled-plan.ts'
import { checkPlanText, describeDepth } from './plan-text.ts'
import type { Localized, Located, Problem, ProblemLog } from './problem.ts'
import { createProblemLog, problemsAtMost } from './problem.ts'
import { describeYamlError } from './yaml-error.ts'
import type { Entry, ListNode, MapNode, TextNode, YamlNode } from './yaml-node.ts'
import { getText } from './yaml-node.ts'
import {
  describeAmbiguousWord,
  describeAnchor,
  describeBlockMarker,
  describeDuplicateKey,
  describeKey,
  describeRoot,
  describeTag,
  describeTooMany,
} from './yaml-refusal.ts'

export interface PlanFile {
  readonly path: string
  /** Bytes are decoded as UTF-8 here; pass them rather than text when you have them. */
  readonly text: string | Uint8Array
}

export interface PlanDocument {
  readonly file: string
  /** `ReleasePlan`, `Checklist`, …; empty when the document names none. */
  readonly kind: string
  readonly name: string
  readonly root: MapNode
}

export interface PlanDocuments {
  readonly documents: readonly PlanDocument[]
  readonly problems: readonly Problem[]
}

export const filesAtMost = 500
const documentsPerFileAtMost = 100
const depthAtMost = 32
const entriesAtMost = 1_000
const textAtMost = 20_000

export function parsePlanDocuments(files: readonly PlanFile[]): PlanDocuments {
  const log = createProblemLog()
  const documents: PlanDocument[] = []
  for (const file of files.slice(0, filesAtMost)) {
    if (log.isFull()) break
    documents.push(...parseFile(file, log))
  }
  const beyond = files[filesAtMost]
  if (beyond) log.add('too-many', startOf(beyond.path), describeTooMany('files', `${files.length}`, filesAtMost))
  return { documents, problems: log.list() }
}

function startOf(file: string): { place: Place; path: string } {
  return { place: { file, line: 1, column: 1 }, path: '' }
}

interface ReadFile {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
  readonly log: ProblemLog
}

function parseFile(source: PlanFile, log: ProblemLog): PlanDocument[] {
  const file = source.path
  const checked = checkPlanText(file, source.text)
  if (!checked.ok) {
    const place = placeIn(file, checked.text, checked.refusal.offset)
    log.add(checked.refusal.code, { place, path: '' }, checked.refusal.message)
    return []
  }
  const lines = new LineCounter()
  const composed = composeDocuments(checked.text, lines)
  if (composed === null) {
    log.add('nested-too-deep', startOf(file), describeDepth(file))
    return []
  }
  if (composed.length > documentsPerFileAtMost) {
    const message = describeTooMany('documents', `${composed.length}`, documentsPerFileAtMost)
    log.add('too-many', startOf(file), message)
    return []
  }
  return composed.flatMap(document => readDocument(document, { file, text: checked.text, lines, log }) ?? [])
}

/** The nesting was bounded before, so running out of stack here would be a gap in that bound, not a crash. */
function composeDocuments(text: string, lineCounter: LineCounter): Document.Parsed[] | null {
  try {
    const options = { schema: 'failsafe', version: '1.2', lineCounter, uniqueKeys: false, prettyErrors: false } as const
    const composed = parseAllDocuments(text, options)
    return Array.isArray(composed) ? [...composed] : []
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function placeIn(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { file, line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

interface Reading {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
  readonly log: ProblemLog
  /** Lines with an error of the YAML reader: what stands there may not be what was meant. */
  readonly errorLines: ReadonlySet<number>
  /** Lines whose mistake was recognised, so that the YAML reader's own words for it are left out. */
  readonly explainedLines: Set<number>
}

function readDocument(document: Document.Parsed, file: ReadFile): PlanDocument | null {
  const lineOf = (offset: number) => file.lines.linePos(offset).line
  const errorLines = new Set(document.errors.map(error => lineOf(error.pos[0])))
  const reading: Reading = { ...file, errorLines, explainedLines: new Set() }
  const root = document.contents === null ? null : readNode(document.contents, '', 0, reading)
  reportYamlErrors(document, reading)
  if (root === null || document.errors.length > 0 || (root.kind === 'text' && root.text === '')) return null
  if (root.kind !== 'map') return report(reading, 'not-a-document', root, describeRoot())
  return { file: file.file, kind: getText(root, 'kind') ?? '', name: getText(root, 'name') ?? '', root }
}

function report(reading: Reading, code: string, at: Located, message: Localized): null {
  reading.log.add(code, at, message)
  return null
}

function placeAt(reading: Reading, offset: number): Place {
  const { line, col } = reading.lines.linePos(offset)
  return { file: reading.file, line: Math.max(line, 1), column: Math.max(col, 1) }
}

function reportYamlErrors(document: Document.Parsed, reading: Reading): void {
  for (const error of document.errors.slice(0, problemsAtMost)) {
    const place = placeAt(reading, error.pos[0])
    // One slip often gives several errors on its line; the first says where to look.
    if (reading.explainedLines.has(place.line)) continue
    reading.explainedLines.add(place.line)
    report(reading, 'yaml', { place, path: '' }, describeYamlError(error.code, error.message))
  }
}

function readNode(node: unknown, path: string, depth: number, reading: Reading): YamlNode | null {
  const place = placeAt(reading, offsetOf(node))
  if (depth > depthAtMost) return report(reading, 'nested-too-deep', { place, path }, describeDepth(reading.file))
  if (isAlias(node)) return report(reading, 'anchor', { place, path }, describeAnchor(path, `*${node.source}`))
  if (!isNode(node)) return { kind: 'text', text: '', plain: true, place, path }
  if (node.anchor) return report(reading, 'anchor', { place, path }, describeAnchor(path, `&${node.anchor}`))
  if (node.tag && !standardTags.has(node.tag))
    return report(reading, 'tag', { place, path }, describeTag(path, node.tag))
  if (isScalar(node)) return readScalar(node, { place, path }, reading)
  if (isSeq(node)) return readList(node, { place, path }, depth, reading)
  return isMap(node) ? readMap(node, { place, path }, depth, reading) : null
}

const standardTags = new Set(['tag:yaml.org,2002:str', 'tag:yaml.org,2002:seq', 'tag:yaml.org,2002:map'])

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}

function readScalar(node: Scalar, at: Located, reading: Reading): TextNode | null {
  const text = typeof node.value === 'string' ? node.value : ''
  const plain = node.type === 'PLAIN' || node.type === undefined
  const written = findBlockMarker(node, at.place, reading)
  if (written !== null) {
    reading.explainedLines.add(at.place.line)
    const key = at.path.replace(/^.*\./u, '')
    return report(reading, 'block-marker', at, describeBlockMarker(at.path, key, written))
  }
  if (text.length > textAtMost)
    return report(reading, 'too-many', at, describeTooMany('characters', `${text.length}`, textAtMost))
  if (plain && ambiguousWord.test(text))
    return report(reading, 'ambiguous-word', at, describeAmbiguousWord(at.path, text))
  return { kind: 'text', text, plain, ...at }
}

/** Words that other tools read as booleans or as numbers that are none. */
const ambiguousWord = /^(on|off|yes|no|[-+]?\.inf|\.nan)$/iu

/** The comparison an author meant when YAML saw a block scalar or refused a value that starts like one. */
function findBlockMarker(node: Scalar, place: Place, reading: Reading): string | null {
  if (!reading.errorLines.has(place.line)) return null
  const offset = node.range?.[0] ?? 0
  if (node.type === 'PLAIN' && /^[>|]/u.test(node.source ?? '')) return node.source ?? null
  if (node.type !== 'BLOCK_FOLDED' && node.type !== 'BLOCK_LITERAL') return null
  const [line = ''] = reading.text.slice(offset, offset + 200).split('\n')
  return line.replace(/\s+#.*$/u, '').trim()
}

function readList(node: YAMLSeq, at: Located, depth: number, reading: Reading): ListNode | null {
  if (node.items.length > entriesAtMost) {
    return report(reading, 'too-many', at, describeTooMany('items', `${node.items.length}`, entriesAtMost))
  }
  const items = node.items.map((item, index) => readNode(item, `${at.path}[${index}]`, depth + 1, reading))
  return { kind: 'list', items: items.filter(item => item !== null), ...at }
}

function readMap(node: YAMLMap, at: Located, depth: number, reading: Reading): MapNode | null {
  if (node.items.length > entriesAtMost) {
    return report(reading, 'too-many', at, describeTooMany('keys', `${node.items.length}`, entriesAtMost))
  }
  const entries = new Map<string, Entry>()
  for (const pair of node.items) {
    const entry = readEntry(pair, at, depth, reading)
    if (entry === null) continue
    const first = entries.get(entry.key)
    if (first === undefined) entries.set(entry.key, entry)
    else {
      const here = { place: entry.keyPlace, path: entry.value.path }
      report(reading, 'duplicate-key', here, describeDuplicateKey(entry.value.path, entry.key, first.keyPlace.line))
    }
  }
  return { kind: 'map', entries, ...at }
}

function readEntry(pair: Pair, at: Located, depth: number, reading: Reading): Entry | null {
  const keyPlace = isNode(pair.key) ? placeAt(reading, offsetOf(pair.key)) : at.place
  const here = { place: keyPlace, path: at.path }
  const key = isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : null
  if (key === null || key === '' || key === '<<' || key in Object.prototype) {
    return report(reading, 'bad-key', here, describeKey(at.path, key))
  }
  const isPlain = isScalar(pair.key) && pair.key.type === 'PLAIN'
  const path = at.path === '' ? key : `${at.path}.${key}`
  if (isPlain && ambiguousWord.test(key))
    return report(reading, 'ambiguous-word', here, describeAmbiguousWord(path, key))
  const value = readNode(pair.value, path, depth + 1, reading)
  if (value === null) return null
  // A key without a value stands where its key does.
  return { key, keyPlace, value: isNode(pair.value) ? value : { ...value, place: keyPlace } }
}
