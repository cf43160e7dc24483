import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from './canonical-json.ts'
import type { ParsedAmount, ParsedCondition, ParsedSpan, ParsedTerm } from './condition-grammar.ts'
import { conditionWords, parseCondition } from './condition-grammar.ts'
import { printCondition } from './print-condition.ts'

function parse(text: string): ParsedCondition {
  const reading = parseCondition(text)
  if (!reading.ok) throw new Error(`${text}: found ${reading.error.found.en}, expected ${reading.error.expected.en}`)
  return reading.condition
}

const amount = (number: string, unit: string | null = null): ParsedAmount => ({ number, unit })
const limit = (number: string, unit: string | null = null) =>
  ({ kind: 'amount', amount: amount(number, unit) }) as const
const minute = 60_000

describe('the condition grammar', () => {
  it('reads every form of the language (T-011 T-013 T-014 M-027 M-028 M-042 M-081 P-082 T-031 T-052 B-040)', () => {
    const compare = { kind: 'compare', overMs: null, span: null } as const
    const baseline = { kind: 'reference', reference: 'baseline', multiple: null, plus: null } as const
    const table: readonly (readonly [string, Record<string, unknown>])[] = [
      [
        'error_rate > 5% for 2m',
        { ...compare, name: 'error_rate', op: '>', limit: limit('5', '%'), span: { kind: 'for', ms: 2 * minute } },
      ],
      [
        'pod_restarts > 5 in 5m',
        { ...compare, name: 'pod_restarts', op: '>', limit: limit('5'), span: { kind: 'in', ms: 5 * minute } },
      ],
      [
        'success_rate < 99% 4 times',
        {
          ...compare,
          name: 'success_rate',
          op: '<',
          limit: limit('99', '%'),
          span: { kind: 'times', times: 4, ms: null },
        },
      ],
      [
        'x = 0 3 times in 1d',
        { ...compare, name: 'x', op: '=', limit: limit('0'), span: { kind: 'times', times: 3, ms: 1440 * minute } },
      ],
      [
        'error_rate over 5m <= baseline + 0.5pt',
        {
          ...compare,
          name: 'error_rate',
          overMs: 5 * minute,
          op: '<=',
          limit: { ...baseline, plus: { sign: '+', amount: amount('0.5', 'pt') } },
        },
      ],
      [
        'p95 < baseline + 20%',
        { ...compare, name: 'p95', op: '<', limit: { ...baseline, plus: { sign: '+', amount: amount('20', '%') } } },
      ],
      ['sync_time >= 3x baseline', { ...compare, name: 'sync_time', op: '>=', limit: { ...baseline, multiple: '3' } }],
      [
        'sync_time <= 1.5x previous - 2m',
        {
          ...compare,
          name: 'sync_time',
          op: '<=',
          limit: { ...baseline, reference: 'previous', multiple: '1.5', plus: { sign: '-', amount: amount('2', 'm') } },
        },
      ],
      [
        'rating < baseline - 0.5',
        { ...compare, name: 'rating', op: '<', limit: { ...baseline, plus: { sign: '-', amount: amount('0.5') } } },
      ],
      ['cost<10USD', { ...compare, name: 'cost', op: '<', limit: limit('10', 'USD') }],
      ['p99 > 1.2s', { ...compare, name: 'p99', op: '>', limit: limit('1.2', 's') }],
      [
        'synced differs from previous by >= 20%',
        {
          kind: 'differs',
          name: 'synced',
          overMs: null,
          from: 'previous',
          op: '>=',
          by: amount('20', '%'),
          span: null,
        },
      ],
      ['data_loss reported', { kind: 'reported', name: 'data_loss', not: false, span: null }],
      ['data_loss not reported', { kind: 'reported', name: 'data_loss', not: true, span: null }],
      [
        'complaint reported 3 times in 1h',
        { kind: 'reported', name: 'complaint', not: false, span: { kind: 'times', times: 3, ms: 60 * minute } },
      ],
      ['error_rate has no data', { kind: 'noData', name: 'error_rate', forMs: 0 }],
      ['error_rate has no data for 5m', { kind: 'noData', name: 'error_rate', forMs: 5 * minute }],
      ['smoke failed', { kind: 'check', name: 'smoke', outcome: 'failed' }],
      ['smoke passed', { kind: 'check', name: 'smoke', outcome: 'passed' }],
    ]
    for (const [text, expected] of table) assert.deepEqual(parse(text), { ...expected, text }, text)
  })

  it('binds "and" tighter than "or"', () => {
    const condition = parse('a reported or b > 1 and c passed or d failed')
    assert.equal(condition.kind, 'any')
    assert.deepEqual(condition.kind === 'any' && condition.of.map(part => [part.kind, part.text]), [
      ['reported', 'a reported'],
      ['all', 'b > 1 and c passed'],
      ['check', 'd failed'],
    ])
  })

  it('says what it found, what it expected there and what to write', () => {
    const table: readonly (readonly [string, string, string, string])[] = [
      ['error_rate', 'the end', 'one of < <= > >= =', 'Write it like'],
      ['error_rate >', 'the end', 'a limit', 'Write it like'],
      ['error_rate > five', '"five"', 'a limit', 'Write it like'],
      ['error_rate が 5% 超', '"が"', 'one of <', 'Write 超 as >'],
      ['error_rate == 5%', '"="', 'a limit', 'Write 超 as >'],
      ['error_rate ≥ 5%', '"≥"', 'one of <', 'Write 超 as >'],
      ['error_rate > 5 %', '"%"', '"and"', 'directly after the number'],
      ['(a > 1) and b > 2', '"(a"', 'the name', 'no parentheses'],
      ['a > 1 && b > 2', '"&&"', '"and"', 'Write "and" or "or"'],
      ['error-rate > 5%', '"-"', 'one of <', 'letters, digits and _'],
      ['and > 5', '"and"', 'the name', 'Write it like'],
      ['a > 5 for', 'the end', 'a duration', 'Write it like'],
      ['a > 5 for 0s', '"0s"', 'a duration', 'Write it like'],
      ['a > 5 4', 'the end', '"times"', 'Write it like'],
      ['a > 2x 5', '"5"', '"baseline" or "previous"', 'Write it like'],
      ['a > baseline +', 'the end', 'a number', 'Write it like'],
      ['a differs from stable by > 1', '"stable"', '"baseline" or "previous"', 'Write it like'],
      ['a differs from previous by < 1', '"<"', '">" or ">="', 'Write it like'],
      ['a > 5 or', 'the end', 'the name', 'Write it like'],
      ['', 'the end', 'the name', 'Write it like'],
      ['a > 1 or '.repeat(50) + 'a > 1', '', 'at most 20', ''],
      ['a > 1 or '.repeat(80) + 'a > 1', '725 characters', 'at most 500', 'list items'],
    ]
    for (const [text, found, expected, next] of table) {
      const reading = parseCondition(text)
      assert.ok(!reading.ok, text)
      assert.ok(reading.error.found.en.includes(found), `${text}: found ${reading.error.found.en}`)
      assert.ok(reading.error.expected.en.startsWith(expected), `${text}: expected ${reading.error.expected.en}`)
      assert.ok(reading.error.next.en.includes(next), `${text}: next ${reading.error.next.en}`)
      assert.notEqual(reading.error.found.ja, '')
    }
  })

  it('prints a condition that reads back to itself', () => {
    fc.assert(
      fc.property(conditions, condition => {
        const text = printCondition(condition)
        assert.equal(JSON.stringify(withoutTexts(parse(text))), JSON.stringify(withoutTexts(condition)), text)
        assert.equal(printCondition(parse(text)), text)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses or reads any text, and never throws', () => {
    const pieces = fc.constantFrom(
      'error_rate',
      '>',
      '<=',
      '5%',
      'for',
      '2m',
      'and',
      'or',
      'baseline',
      '+',
      '0.5pt',
      'reported',
      'x',
      '3x',
      '(',
      '超',
      ' ',
      '\n',
      '__proto__',
    )
    fc.assert(fc.property(fc.array(pieces, { maxLength: 30 }), words => void parseCondition(words.join(' '))))
    fc.assert(fc.property(fc.string({ maxLength: 200 }), text => void parseCondition(text)))
  })
})

/** In one order of keys, so that two writings of one condition are one text. */
function withoutTexts(condition: ParsedCondition): unknown {
  if (condition.kind === 'all' || condition.kind === 'any')
    return { kind: condition.kind, of: condition.of.map(withoutTexts) }
  return JSON.parse(canonicalJson({ ...condition, text: '' }))
}

const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/).filter(name => !conditionWords.has(name))
const durations = fc.integer({ min: 1, max: 100_000_000 })
const amounts: fc.Arbitrary<ParsedAmount> = fc.record({
  number: fc
    .tuple(fc.nat(99_999), fc.option(fc.nat(999), { nil: undefined }))
    .map(([whole, part]) => (part === undefined ? `${whole}` : `${whole}.${part}`)),
  unit: fc.constantFrom(null, '%', 'pt', 'ms', 's', 'm', 'h', 'd', 'USD'),
})
const spans: fc.Arbitrary<ParsedSpan | null> = fc.oneof(
  fc.constant(null),
  fc.record({ kind: fc.constant('for' as const), ms: durations }),
  fc.record({ kind: fc.constant('in' as const), ms: durations }),
  fc.record({
    kind: fc.constant('times' as const),
    times: fc.integer({ min: 1, max: 9999 }),
    ms: fc.option(durations),
  }),
)
const references = fc.constantFrom('baseline' as const, 'previous' as const)
const limits = fc.oneof(
  fc.record({ kind: fc.constant('amount' as const), amount: amounts }),
  fc.record({
    kind: fc.constant('reference' as const),
    multiple: fc.option(fc.constantFrom('2', '1.5', '10')),
    reference: references,
    plus: fc.option(fc.record({ sign: fc.constantFrom('+' as const, '-' as const), amount: amounts })),
  }),
)
const overs = fc.option(durations)
const text = fc.constant('')
const terms: fc.Arbitrary<ParsedTerm> = fc.oneof(
  fc.record({
    kind: fc.constant('compare' as const),
    name: names,
    text,
    overMs: overs,
    op: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const, '=' as const),
    limit: limits,
    span: spans,
  }),
  fc.record({
    kind: fc.constant('differs' as const),
    name: names,
    text,
    overMs: overs,
    from: references,
    op: fc.constantFrom('>' as const, '>=' as const),
    by: amounts,
    span: spans,
  }),
  fc.record({ kind: fc.constant('noData' as const), name: names, text, forMs: fc.oneof(fc.constant(0), durations) }),
  fc.record({ kind: fc.constant('reported' as const), name: names, text, not: fc.boolean(), span: spans }),
  fc.record({
    kind: fc.constant('check' as const),
    name: names,
    text,
    outcome: fc.constantFrom('passed' as const, 'failed' as const),
  }),
)
const groups = fc
  .array(terms, { minLength: 2, maxLength: 2 })
  .map((of): ParsedCondition => ({ kind: 'all', of, text: '' }))
const alternatives = fc
  .array(fc.oneof(terms, groups), { minLength: 2, maxLength: 2 })
  .map((of): ParsedCondition => ({ kind: 'any', of, text: '' }))
const conditions: fc.Arbitrary<ParsedCondition> = fc.oneof(terms, groups, alternatives)
