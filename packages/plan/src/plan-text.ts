/**
 * What is checked before the text of a file reaches the YAML reader, which composes recursively and would exhaust the
 * stack (and with it the process) on a few hundred kilobytes of brackets.
 *
 * 1. At most `fileBytesAtMost` bytes, valid UTF-8, no control characters, no characters that reorder what is shown.
 * 2. No nesting that could go deeper than a bound far above what the language needs.
 */
import { Lexer } from 'yaml'
import type { Localized } from './problem.ts'
import { refuse } from './problem.ts'

/** The largest of the documents' plans has 16 kB; a megabyte is a mistake or an attack. */
export const fileBytesAtMost = 1_000_000

/** Indicators that may nest inside one another on one line or in one flow collection. */
const nestingAtMost = 60
/** Leading spaces bound the depth of block collections: each level takes at least one. */
const indentationAtMost = 400

export interface TextRefusal {
  readonly code: string
  readonly offset: number
  readonly message: Localized
}

export type CheckedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: TextRefusal; readonly text: string }

/** Bytes are decoded strictly; text that was decoded elsewhere is checked for the marks a lenient decoder leaves. */
export function checkPlanText(path: string, content: string | Uint8Array): CheckedText {
  const size = typeof content === 'string' ? countBytes(content) : content.byteLength
  if (size > fileBytesAtMost) return refused('file-too-large', 0, '', describeSize(path, size))
  const text = typeof content === 'string' ? content : decodeUtf8(content)
  if (text === null) return refused('not-utf-8', 0, '', describeEncoding(path))
  const foreign = /[\uFFFD\uD800-\uDFFF]/u.exec(text)
  if (foreign) return refused('not-utf-8', foreign.index, text, describeEncoding(path))
  const control = findControlCharacter(text)
  if (control !== null) return refused('control-character', control, text, describeControl(path, text, control))
  const deep = findDeepNesting(text)
  if (deep !== null) return refused('nested-too-deep', deep, text, describeDepth(path))
  return { ok: true, text }
}

function refused(code: string, offset: number, text: string, message: Localized): CheckedText {
  return { ok: false, text, refusal: { code, offset, message } }
}

function countBytes(text: string): number {
  return text.length > fileBytesAtMost ? text.length : new TextEncoder().encode(text).byteLength
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Control characters, and the bidirectional marks that make a reviewer see another order than the machine reads. */
function findControlCharacter(text: string): number | null {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    const isControl = (unit < 0x20 && unit !== 0x09 && unit !== 0x0a && unit !== 0x0d) || (unit >= 0x7f && unit < 0xa0)
    const reorders = (unit >= 0x202a && unit <= 0x202e) || (unit >= 0x2066 && unit <= 0x2069)
    if (isControl || reorders) return index
  }
  return null
}

/** The lexer is a flat loop, so it can look at any text; the offset of the first place that nests too deep. */
function findDeepNesting(text: string): number | null {
  let offset = 0
  let flow = 0
  let onLine = 0
  let startsLine = true
  for (const token of new Lexer().lex(text)) {
    // Document start, scalar start and flow end are marks without text of their own.
    if (token === '\u0002' || token === '\u0018' || token === '\u001f') continue
    if (token === '[' || token === '{') flow++
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1)
    else if (token === ':' || token === '-' || token === '?') onLine++
    else if (token === ',' || token === '\n' || token === '\r\n') onLine = 0
    const tooFarIn = startsLine && token.length > indentationAtMost && token.trim() === ''
    if (flow > nestingAtMost || onLine > nestingAtMost || tooFarIn) return offset
    startsLine = token.endsWith('\n')
    offset += token.length
  }
  return null
}

function describeSize(path: string, size: number): Localized {
  return refuse(
    {
      cannot: `read file "${path}"`,
      found: `${size} bytes`,
      expected: `at most ${fileBytesAtMost}`,
      next: 'Split it into several files',
    },
    {
      cannot: `ファイル "${path}" を読めません`,
      found: `${size} バイトあります`,
      expected: `${fileBytesAtMost} バイト以下`,
      next: '複数のファイルに分けてください',
    },
  )
}

function describeEncoding(path: string): Localized {
  return refuse(
    { cannot: `read file "${path}"`, found: 'bytes that are not UTF-8', expected: 'UTF-8', next: 'Save it as UTF-8' },
    {
      cannot: `ファイル "${path}" を読めません`,
      found: 'UTF-8 でないバイトがあります',
      expected: 'UTF-8',
      next: 'UTF-8 で保存してください',
    },
  )
}

function describeControl(path: string, text: string, offset: number): Localized {
  const name = `U+${text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0')}`
  return refuse(
    {
      cannot: `read file "${path}"`,
      found: `the invisible character ${name}`,
      expected: 'text that reads as it is shown',
      next: 'Delete it',
    },
    {
      cannot: `ファイル "${path}" を読めません`,
      found: `見えない文字 ${name} があります`,
      expected: '見たとおりに読める文字',
      next: '削除してください',
    },
  )
}

export function describeDepth(path: string): Localized {
  return refuse(
    {
      cannot: `read file "${path}"`,
      found: 'lists and maps nested too deep',
      expected: 'no more levels than a plan needs',
      next: 'Move the inner part into a named runbook or checklist',
    },
    {
      cannot: `ファイル "${path}" を読めません`,
      found: '深すぎる入れ子があります',
      expected: '計画に要る深さまでの入れ子',
      next: '内側を名前付きのランブックかチェックリストに移してください',
    },
  )
}
