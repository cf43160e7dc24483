import type { GrammarError, ParsedAmount, ParsedTerm } from '../condition-grammar.ts'
import { suggestName } from '../did-you-mean.ts'
import type { Localized, Refusal } from '../problem.ts'
import { quote, refuse } from '../problem.ts'
import { printNumber, shiftDecimal } from '../quantity.ts'
import type { ConditionPlace } from './condition-place.ts'
import type { MetricHead } from './scope.ts'

const nameWords = {
  metric: { en: 'metric', ja: '指標' },
  signal: { en: 'signal', ja: '信号' },
  check: { en: 'check', ja: '検査' },
} as const

/** Text the grammar does not read. */
export function describeGrammarError(text: string, path: string, { found, expected, next }: GrammarError): Localized {
  return refuse(
    { cannot: `read condition ${quote(text)} in ${path}`, found: found.en, expected: expected.en, next: next.en },
    { cannot: `${path} の条件 ${quote(text)} を読めません`, found: found.ja, expected: expected.ja, next: next.ja },
  )
}

type Parts = Omit<Refusal, 'cannot'>

function refuseCondition(term: ParsedTerm, at: ConditionPlace, en: Parts, ja: Parts): Localized {
  return refuse(
    { cannot: `read condition ${quote(term.text)} in ${at.path}`, ...en },
    { cannot: `${at.path} の条件 ${quote(term.text)} を読めません`, ...ja },
  )
}

export function describeUnknownName(
  term: ParsedTerm,
  kind: 'metric' | 'signal' | 'check',
  ofKind: Iterable<string>,
  all: readonly string[],
  at: ConditionPlace,
): Localized {
  const what = nameWords[kind]
  const next = suggestName(term.name, new Set([...ofKind, ...all]), what)
  return refuse(
    {
      cannot: `use ${what.en} ${quote(term.name)} in ${at.path}`,
      found: 'no such name',
      expected: 'one of metrics, signals or checks',
      next: next.en,
    },
    {
      cannot: `${at.path} で${what.ja} ${quote(term.name)} を使えません`,
      found: 'その名前はありません',
      expected: 'metrics・signals・checks のどれかの名前',
      next: next.ja,
    },
  )
}

/** `data_loss > 5`: the name exists, but it is of another kind. */
export function describeKindOfName(
  term: ParsedTerm,
  actual: 'metric' | 'signal' | 'check',
  at: ConditionPlace,
): Localized {
  const form = {
    metric: `${term.name} > LIMIT`,
    signal: `${term.name} reported`,
    check: `${term.name} passed`,
  }[actual]
  const what = nameWords[actual]
  return refuseCondition(
    term,
    at,
    { found: `the ${what.en} ${quote(term.name)}`, expected: `the form of a ${what.en}`, next: `Write ${form}` },
    {
      found: `${what.ja} ${quote(term.name)} があります`,
      expected: `${what.ja}の書き方`,
      next: `${form} と書いてください`,
    },
  )
}

interface UnitWords {
  readonly expected: Localized
  readonly because: Localized
  readonly suffix: string
}

function describeUnit(name: string, metric: MetricHead): UnitWords {
  const quoted = quote(name)
  switch (metric.unit) {
    case 'percent': {
      const isRatio = metric.measure === 'ratio'
      return {
        expected: { en: 'a percentage', ja: '百分率' },
        because: isRatio
          ? { en: `${quoted} is a ratio`, ja: `${quoted} は比率なので` }
          : { en: `${quoted} is in percent`, ja: `${quoted} は百分率なので` },
        suffix: '%',
      }
    }
    case 'time':
      return {
        expected: { en: 'a time', ja: '時間' },
        because: { en: `${quoted} is a time`, ja: `${quoted} は時間なので` },
        suffix: 'ms',
      }
    case 'money':
      return {
        expected: { en: 'an amount in USD', ja: '米ドルの金額' },
        because: { en: `${quoted} is money`, ja: `${quoted} は金額なので` },
        suffix: 'USD',
      }
    case 'number':
      return {
        expected: { en: 'a number without a unit', ja: '単位のない数' },
        because: { en: `${quoted} is a plain number`, ja: `${quoted} はただの数なので` },
        suffix: '',
      }
  }
}

/** Message 1: an amount whose unit does not fit its metric. */
export function describeAmount(
  term: ParsedTerm,
  amount: ParsedAmount,
  metric: MetricHead,
  at: ConditionPlace,
): Localized {
  const { expected, because, suffix } = describeUnit(term.name, metric)
  const written = `${amount.number}${amount.unit ?? ''}`
  const rewritten = replaceLast(term.text, written, `${amount.number}${suffix}`)
  const found =
    amount.unit === null
      ? { en: `${written} without a unit`, ja: `単位のない ${written} があります` }
      : { en: `"${amount.unit}" after ${amount.number}`, ja: `${amount.number} の後に "${amount.unit}" があります` }
  return refuseCondition(
    term,
    at,
    { found: found.en, expected: `${expected.en} because ${because.en}`, next: `Write ${rewritten}` },
    { found: found.ja, expected: `${because.ja}${expected.ja}`, next: `${rewritten} と書いてください` },
  )
}

/** Message 2: "%" beside a reference of a metric that is itself in percent could mean two things. */
export function describeRelative(
  term: ParsedTerm,
  amount: ParsedAmount,
  metric: MetricHead,
  at: ConditionPlace,
): Localized {
  if (metric.unit !== 'percent') return describeAmount(term, amount, metric, at)
  if (amount.unit !== '%' || term.kind !== 'compare' || term.limit.kind !== 'reference' || !term.limit.plus) {
    const points = replaceLast(term.text, `${amount.number}${amount.unit ?? ''}`, `${amount.number}pt`)
    return refuseCondition(
      term,
      at,
      {
        found: `"${amount.number}${amount.unit ?? ''}"`,
        expected: 'points, because the metric is in percent',
        next: `Write ${points}`,
      },
      {
        found: `"${amount.number}${amount.unit ?? ''}" があります`,
        expected: '百分率の指標なのでポイント',
        next: `${points} と書いてください`,
      },
    )
  }
  const { sign } = term.limit.plus
  const { reference } = term.limit
  const share = shiftDecimal(amount.number, -2) ?? 0
  const multiple = `${printNumber(Math.round((sign === '+' ? 1 + share : 1 - share) * 1e9) / 1e9)}x ${reference}`
  const points = `${reference} ${sign} ${amount.number}pt`
  const verb = sign === '+' ? { en: 'added to', ja: '足す' } : { en: 'taken from', ja: '引く' }
  return refuseCondition(
    term,
    at,
    {
      found: `"%" ${verb.en} a metric in percent`,
      expected: 'points or a multiple',
      next: `Write ${points}, or ${multiple}`,
    },
    {
      found: `百分率の指標に${verb.ja} "%" があります`,
      expected: 'ポイントか倍数',
      next: `${points} か ${multiple} と書いてください`,
    },
  )
}

function replaceLast(text: string, from: string, to: string): string {
  const at = text.lastIndexOf(from)
  return at < 0 ? text : `${text.slice(0, at)}${to}${text.slice(at + from.length)}`
}

/** Message 5: a trigger on the good side would fire while all is well; a criterion on the bad side waits for harm. */
export function describeDirection(
  term: Extract<ParsedTerm, { kind: 'compare' }>,
  metric: MetricHead,
  at: ConditionPlace,
): Localized | null {
  if (term.op === '=' || at.use === 'other' || at.use === 'level') return null
  const isTrigger = at.use === 'trigger'
  const expectsBelow = isTrigger === (metric.better === 'higher')
  const isBelow = term.op === '<' || term.op === '<='
  if (isBelow === expectsBelow) return null
  const expected = expectsBelow ? ['"<"', '"<="'] : ['">"', '">="']
  const other = metric.better === 'higher' ? 'lower' : 'higher'
  const what = isTrigger ? { en: 'trigger', ja: '引き金' } : { en: 'criterion', ja: '条件' }
  return refuse(
    {
      cannot: `accept ${what.en} ${quote(term.text)} in ${at.path}`,
      found: `"${term.op}" on a metric whose better is "${metric.better}"`,
      expected: expected.join(' or '),
      next: `Turn the comparison round, or set better: ${other}`,
    },
    {
      cannot: `${at.path} の${what.ja} ${quote(term.text)} は受け付けられません`,
      found: `better が "${metric.better}" の指標に "${term.op}" があります`,
      expected: expected.join(' か '),
      next: `比較の向きを逆にするか、better: ${other} としてください`,
    },
  )
}

/** A window that does not fit the measure. */
export function describeSpan(
  term: Extract<ParsedTerm, { kind: 'compare' | 'differs' }>,
  metric: MetricHead,
  at: ConditionPlace,
): Localized | null {
  if (term.kind === 'differs' && (term.span !== null || term.overMs !== null)) {
    return refuseCondition(
      term,
      at,
      {
        found: 'a time span',
        expected: 'none: "differs from" looks at single samples',
        next: 'Leave out over, for, in and times',
      },
      {
        found: '時間の指定があります',
        expected: '"differs from" は標本を 1 つずつ見るので指定のない形',
        next: 'over・for・in・times を除いてください',
      },
    )
  }
  if (term.span?.kind === 'in' && metric.measure !== 'count') {
    return refuseCondition(
      term,
      at,
      {
        found: `"in" on a metric that is no count`,
        expected: '"over" or "for"',
        next: `Write ${term.name} over DURATION …, or … for DURATION`,
      },
      {
        found: '数え上げでない指標に "in" があります',
        expected: '"over" か "for"',
        next: `${term.name} over 時間 …、または … for 時間 と書いてください`,
      },
    )
  }
  if (term.overMs !== null && metric.measure === 'count') {
    return refuseCondition(
      term,
      at,
      { found: '"over" on a count', expected: '"in" and a window', next: `Write ${term.name} … in DURATION` },
      {
        found: '数え上げに "over" があります',
        expected: '"in" と時間',
        next: `${term.name} … in 時間 と書いてください`,
      },
    )
  }
  return null
}
