/**
 * The one grammar for everything that is compared (part 4 of the language): text in, terms out, no names resolved.
 *
 *   condition = term { ("and" | "or") term }        "and" binds tighter; there are no parentheses, a list says "any"
 *   term      = name [ "over" duration ] compare [ span ] | name [ "not" ] "reported" [ span ]
 *             | name "has no data" [ "for" duration ] | name ( "passed" | "failed" )
 *   compare   = op limit | "differs from" ( "previous" | "baseline" ) "by" ( ">" | ">=" ) amount
 *   limit     = amount | [ multiple ] ( "baseline" | "previous" ) [ ( "+" | "-" ) amount ]
 *   span      = "for" duration | "in" duration | integer "times" [ "in" duration ]
 *
 * Invariants:
 *   1. Printing a parsed condition and reading it again gives the same condition.
 *   2. A text is either read whole or refused with what was found and what was expected there.
 */
import type { ConditionToken } from './condition-token.ts'
import { readConditionTokens } from './condition-token.ts'
import type { Localized } from './problem.ts'
import { readDurationMs } from './quantity.ts'

export type ComparisonOperator = '<' | '<=' | '>' | '>=' | '='

export interface ParsedAmount {
  /** The decimal text: its exact value is read once the metric's unit is known. */
  readonly number: string
  readonly unit: string | null
}

export type ParsedLimit =
  | { readonly kind: 'amount'; readonly amount: ParsedAmount }
  | {
      readonly kind: 'reference'
      readonly multiple: string | null
      readonly reference: 'baseline' | 'previous'
      readonly plus: { readonly sign: '+' | '-'; readonly amount: ParsedAmount } | null
    }

export type ParsedSpan =
  | { readonly kind: 'for'; readonly ms: number }
  | { readonly kind: 'in'; readonly ms: number }
  | { readonly kind: 'times'; readonly times: number; readonly ms: number | null }

interface ParsedTermBase {
  readonly name: string
  /** As written. */
  readonly text: string
}

export type ParsedTerm =
  | (ParsedTermBase & {
      readonly kind: 'compare'
      readonly overMs: number | null
      readonly op: ComparisonOperator
      readonly limit: ParsedLimit
      readonly span: ParsedSpan | null
    })
  | (ParsedTermBase & {
      readonly kind: 'differs'
      readonly overMs: number | null
      readonly from: 'previous' | 'baseline'
      readonly op: '>' | '>='
      readonly by: ParsedAmount
      readonly span: ParsedSpan | null
    })
  | (ParsedTermBase & { readonly kind: 'noData'; readonly forMs: number })
  | (ParsedTermBase & { readonly kind: 'reported'; readonly not: boolean; readonly span: ParsedSpan | null })
  | (ParsedTermBase & { readonly kind: 'check'; readonly outcome: 'passed' | 'failed' })

export type ParsedCondition =
  | { readonly kind: 'all'; readonly of: readonly ParsedCondition[]; readonly text: string }
  | { readonly kind: 'any'; readonly of: readonly ParsedCondition[]; readonly text: string }
  | ParsedTerm

/** What stood where the grammar wanted something else. */
export interface GrammarError {
  readonly found: Localized
  readonly expected: Localized
  readonly next: Localized
}

export type ConditionReading =
  | { readonly ok: true; readonly condition: ParsedCondition }
  | { readonly ok: false; readonly error: GrammarError }

export const conditionTextAtMost = 500
const termsAtMost = 20

/** Words of the grammar: a metric, signal or check cannot have one of them as its name. */
export const conditionWords: ReadonlySet<string> = new Set(
  'and or not for in over by has no data from differs times reported passed failed baseline previous'.split(' '),
)

export function parseCondition(text: string): ConditionReading {
  if (text.length > conditionTextAtMost) return { ok: false, error: describeLength(text) }
  const cursor = new Cursor(text, readConditionTokens(text))
  try {
    return { ok: true, condition: parseAny(cursor) }
  } catch (error) {
    if (error instanceof GrammarMismatch) return { ok: false, error: error.mismatch }
    throw error
  }
}

/** Leaves the descent from any depth; never leaves this module. */
class GrammarMismatch extends Error {
  readonly mismatch: GrammarError
  constructor(mismatch: GrammarError) {
    super(mismatch.found.en)
    this.mismatch = mismatch
  }
}

class Cursor {
  readonly text: string
  readonly #tokens: readonly ConditionToken[]
  #at = 0
  terms = 0

  constructor(text: string, tokens: readonly ConditionToken[]) {
    this.text = text
    this.#tokens = tokens
  }

  peek(): string | null {
    return this.#tokens[this.#at]?.text ?? null
  }

  /** Where the next token begins; used to cut out the text of a term. */
  start(): number {
    return this.#tokens[this.#at]?.start ?? this.text.length
  }

  textSince(start: number): string {
    return this.text.slice(start, this.#tokens[this.#at - 1]?.end ?? start)
  }

  accept(...words: readonly string[]): boolean {
    const matches = words.every((word, index) => this.#tokens[this.#at + index]?.text === word)
    if (matches) this.#at += words.length
    return matches
  }

  take(fits: (text: string) => boolean, expected: Localized): string {
    const text = this.peek()
    if (text === null || !fits(text)) return this.fail(expected)
    this.#at++
    return text
  }

  fail(expected: Localized): never {
    throw new GrammarMismatch({ ...describeFound(this.peek(), this.text), expected })
  }
}

function parseAny(cursor: Cursor): ParsedCondition {
  const start = cursor.start()
  const of = [parseAll(cursor)]
  while (cursor.accept('or')) of.push(parseAll(cursor))
  if (cursor.peek() !== null) cursor.fail(words.end)
  return of.length === 1 ? of[0]! : { kind: 'any', of, text: cursor.textSince(start) }
}

function parseAll(cursor: Cursor): ParsedCondition {
  const start = cursor.start()
  const of = [parseTerm(cursor)]
  while (cursor.accept('and')) of.push(parseTerm(cursor))
  return of.length === 1 ? of[0]! : { kind: 'all', of, text: cursor.textSince(start) }
}

function parseTerm(cursor: Cursor): ParsedTerm {
  if (++cursor.terms > termsAtMost) cursor.fail(words.fewerTerms)
  const start = cursor.start()
  const name = cursor.take(isName, words.name)
  const term = parseTermBody(cursor, name)
  return { ...term, text: cursor.textSince(start) }
}

function parseTermBody(cursor: Cursor, name: string): ParsedTerm {
  const base = { name, text: '' }
  if (cursor.accept('not', 'reported')) return { ...base, kind: 'reported', not: true, span: parseSpan(cursor) }
  if (cursor.accept('reported')) return { ...base, kind: 'reported', not: false, span: parseSpan(cursor) }
  if (cursor.accept('passed')) return { ...base, kind: 'check', outcome: 'passed' }
  if (cursor.accept('failed')) return { ...base, kind: 'check', outcome: 'failed' }
  if (cursor.accept('has', 'no', 'data')) {
    return { ...base, kind: 'noData', forMs: cursor.accept('for') ? takeDuration(cursor) : 0 }
  }
  const overMs = cursor.accept('over') ? takeDuration(cursor) : null
  if (cursor.accept('differs', 'from')) return parseDiffers(cursor, base, overMs)
  const op = cursor.take(isOperator, words.comparison) as ComparisonOperator
  return { ...base, kind: 'compare', overMs, op, limit: parseLimit(cursor), span: parseSpan(cursor) }
}

function parseDiffers(cursor: Cursor, base: { name: string; text: string }, overMs: number | null): ParsedTerm {
  const from = cursor.take(isReference, words.reference) as 'previous' | 'baseline'
  if (!cursor.accept('by')) cursor.fail(words.by)
  const op = cursor.take(text => text === '>' || text === '>=', words.greater) as '>' | '>='
  return { ...base, kind: 'differs', overMs, from, op, by: takeAmount(cursor), span: parseSpan(cursor) }
}

function parseLimit(cursor: Cursor): ParsedLimit {
  const next = cursor.peek()
  if (next !== null && amountForm.test(next)) return { kind: 'amount', amount: takeAmount(cursor) }
  const multiple = next !== null && multipleForm.test(next) ? cursor.take(() => true, words.limit).slice(0, -1) : null
  const reference = cursor.take(isReference, multiple === null ? words.limit : words.reference)
  const sign = cursor.accept('+') ? '+' : cursor.accept('-') ? '-' : null
  const plus = sign === null ? null : ({ sign, amount: takeAmount(cursor) } as const)
  return { kind: 'reference', multiple, reference: reference as 'baseline' | 'previous', plus }
}

function parseSpan(cursor: Cursor): ParsedSpan | null {
  if (cursor.accept('for')) return { kind: 'for', ms: takeDuration(cursor) }
  if (cursor.accept('in')) return { kind: 'in', ms: takeDuration(cursor) }
  const next = cursor.peek()
  if (next === null || !/^[1-9]\d{0,3}$/u.test(next)) return null
  cursor.take(() => true, words.end)
  if (!cursor.accept('times')) cursor.fail(words.times)
  return { kind: 'times', times: Number(next), ms: cursor.accept('in') ? takeDuration(cursor) : null }
}

function takeDuration(cursor: Cursor): number {
  const text = cursor.take(word => (readDurationMs(word) ?? 0) > 0, words.duration)
  return readDurationMs(text) ?? 0
}

const amountForm = /^(\d{1,15}(?:\.\d{1,12})?)(%|pt|ms|s|m|h|d|USD)?$/u
const multipleForm = /^\d{1,6}(\.\d{1,6})?x$/u

function takeAmount(cursor: Cursor): ParsedAmount {
  const text = cursor.take(word => amountForm.test(word), words.amount)
  const [, number = '', unit = null] = amountForm.exec(text) ?? []
  return { number, unit }
}

function isName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/u.test(text) && !conditionWords.has(text)
}

function isOperator(text: string): boolean {
  return text === '<' || text === '<=' || text === '>' || text === '>=' || text === '='
}

function isReference(text: string): boolean {
  return text === 'baseline' || text === 'previous'
}

const words = {
  name: { en: 'the name of a metric, signal or check', ja: '指標・信号・検査の名前' },
  comparison: {
    en: 'one of < <= > >= = and a limit, or "reported", "passed", "failed"',
    ja: '< <= > >= = のどれかと限度、または "reported" "passed" "failed"',
  },
  limit: {
    en: 'a limit such as 5%, 500ms, baseline + 0.5pt or 2x baseline',
    ja: '5%、500ms、baseline + 0.5pt、2x baseline のような限度',
  },
  reference: { en: '"baseline" or "previous"', ja: '"baseline" か "previous"' },
  by: { en: '"by" and an amount', ja: '"by" と量' },
  greater: { en: '">" or ">="', ja: '">" か ">="' },
  amount: {
    en: 'a number with its unit, such as 5%, 0.5pt, 500ms or 10',
    ja: '5%、0.5pt、500ms、10 のような単位付きの数',
  },
  duration: { en: 'a duration such as 90s, 5m or 2h', ja: '90s、5m、2h のような時間' },
  times: { en: '"times"', ja: '"times"' },
  end: { en: '"and", "or", "for", "in" or the end', ja: '"and"、"or"、"for"、"in" か文末' },
  fewerTerms: { en: `at most ${termsAtMost} comparisons`, ja: `${termsAtMost} 個以下の比較` },
} as const satisfies Record<string, Localized>

function describeLength(text: string): GrammarError {
  return {
    found: { en: `${text.length} characters`, ja: `${text.length} 文字あります` },
    expected: { en: `at most ${conditionTextAtMost}`, ja: `${conditionTextAtMost} 文字以下` },
    next: { en: 'Split it into list items', ja: 'リストの項目に分けてください' },
  }
}

const example: Localized = {
  en: 'Write it like error_rate > 5% for 2m',
  ja: 'error_rate > 5% for 2m のように書いてください',
}

function describeFound(token: string | null, text: string): Pick<GrammarError, 'found' | 'next'> {
  const found =
    token === null ? { en: 'the end', ja: '文末があります' } : { en: `"${token}"`, ja: `"${token}" があります` }
  const remedy = remedies.find(({ sign }) => sign.test(token ?? '') || sign.test(text))
  return { found, next: remedy?.next ?? example }
}

/** Slips that come from the documents' language or from other languages, each with what to write. */
const remedies: readonly { readonly sign: RegExp; readonly next: Localized }[] = [
  {
    sign: /[超以未]|≥|≤|==|!=/u,
    next: {
      en: 'Write 超 as >, 以上 as >=, 以下 as <=, 未満 as <, and equality as =',
      ja: '超は >、以上は >=、以下は <=、未満は <、等しいは = と書いてください',
    },
  },
  {
    sign: /[()]/u,
    next: { en: 'There are no parentheses; use a list', ja: '括弧はありません。リストを使ってください' },
  },
  { sign: /&&|\|\|/u, next: { en: 'Write "and" or "or"', ja: '"and" か "or" と書いてください' } },
  {
    sign: /^[A-Za-z][A-Za-z0-9_]*-[A-Za-z]/u,
    next: { en: 'Names here have letters, digits and _ only', ja: 'ここでの名前は英字・数字・_ だけです' },
  },
  {
    sign: /\d\s+(%|pt|ms|s|m|h|d)(\s|$)/u,
    next: { en: 'Write the unit directly after the number', ja: '単位は数のすぐ後に書いてください' },
  },
]
