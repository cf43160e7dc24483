/**
 * From the text of a condition to terms with values: names are looked up, units are made to fit the metric, and a
 * comparison that points the wrong way is refused.
 *
 * 1. Percentages and points become fractions and times milliseconds, read from the decimal text without rounding.
 * 2. A trigger points at the bad side of its metric and a criterion at the good side.
 * 3. A term's id is the id of its condition and its number in the text.
 */
import type { Condition, DiffersTerm, Limit, Term } from '../compiled-plan.ts'
import type { ParsedCondition, ParsedTerm } from '../condition-grammar.ts'
import { parseCondition } from '../condition-grammar.ts'
import { refuse } from '../problem.ts'
import { readAmount, readMultiple, readReferenceAmount } from './amount.ts'
import type { ConditionPlace } from './condition-place.ts'
import {
  describeAmount,
  describeDirection,
  describeGrammarError,
  describeKindOfName,
  describeRelative,
  describeSpan,
  describeUnknownName,
} from './condition-refusal.ts'
import type { MetricHead, PlanScope } from './scope.ts'
import { conditionsAtMost } from './scope.ts'

export function compileCondition(text: string, at: ConditionPlace, scope: PlanScope): Condition | null {
  if (++scope.budget.conditions > conditionsAtMost) return refuseMore(at, scope)
  const reading = parseCondition(text)
  if (reading.ok) return resolve(reading.condition, { at, scope, terms: 0 })
  scope.log.add('condition', at, describeGrammarError(text, at.path, reading.error))
  return null
}

function refuseMore(at: ConditionPlace, scope: PlanScope): null {
  if (scope.budget.conditions > conditionsAtMost + 1) return null
  const en = {
    cannot: `compile condition in ${at.path}`,
    found: `more than ${conditionsAtMost} conditions`,
    expected: 'fewer',
    next: 'Use fewer rules',
  }
  const ja = {
    cannot: `${at.path} の条件を組み立てられません`,
    found: `${conditionsAtMost} を超える条件があります`,
    expected: 'それ以下',
    next: '規則を減らしてください',
  }
  scope.log.add('too-many', at, refuse(en, ja))
  return null
}

interface Resolving {
  readonly at: ConditionPlace
  readonly scope: PlanScope
  terms: number
}

function resolve(condition: ParsedCondition, into: Resolving): Condition | null {
  if (condition.kind !== 'all' && condition.kind !== 'any') return resolveTerm(condition, into)
  const of = condition.of.map(part => resolve(part, into))
  const known = of.filter(part => part !== null)
  return known.length === of.length ? { kind: condition.kind, of: known, text: condition.text } : null
}

function resolveTerm(term: ParsedTerm, into: Resolving): Term | null {
  const base = { id: `${into.at.id}.${into.terms++}`, text: term.text }
  const { scope, at } = into
  if (term.kind === 'reported') {
    if (!knows(term, 'signal', into)) return null
    return { ...base, kind: 'reported', signal: term.name, not: term.not, span: term.span }
  }
  if (term.kind === 'check') {
    if (!knows(term, 'check', into)) return null
    return { ...base, kind: 'check', check: term.name, outcome: term.outcome }
  }
  if (!knows(term, 'metric', into)) return null
  const metric = scope.metrics.get(term.name)
  if (!metric) return null
  if (term.kind === 'noData') return { ...base, kind: 'noData', metric: term.name, forMs: term.forMs }
  const misfit = describeSpan(term, metric, at)
  if (misfit) return report(into, 'condition-span', misfit)
  return term.kind === 'differs' ? resolveDiffers(term, base, metric, into) : resolveCompare(term, base, metric, into)
}

function report(into: Resolving, code: string, message: Parameters<PlanScope['log']['add']>[2]): null {
  into.scope.log.add(code, into.at, message)
  return null
}

function knows(term: ParsedTerm, kind: 'metric' | 'signal' | 'check', into: Resolving): boolean {
  const { metrics, signals, checks } = into.scope
  const known = { metric: metrics, signal: signals, check: checks }
  if (known[kind].has(term.name)) return true
  const actual = (['metric', 'signal', 'check'] as const).find(other => known[other].has(term.name))
  if (actual) report(into, 'condition', describeKindOfName(term, actual, into.at))
  else
    report(
      into,
      `unknown-${kind}`,
      describeUnknownName(term, kind, known[kind].keys(), [...metrics.keys(), ...signals, ...checks], into.at),
    )
  return false
}

type CompareTerm = Extract<ParsedTerm, { kind: 'compare' }>
type TermBase = { readonly id: string; readonly text: string }

function resolveCompare(term: CompareTerm, base: TermBase, metric: MetricHead, into: Resolving): Term | null {
  const limit = resolveLimit(term, metric, into)
  if (limit === null) return null
  const wrongWay = describeDirection(term, metric, into.at)
  if (wrongWay) return report(into, 'condition-direction', wrongWay)
  const { overMs, op, span } = term
  return { ...base, kind: 'metric', metric: term.name, overMs, op, limit, span }
}

function resolveLimit(term: CompareTerm, metric: MetricHead, into: Resolving): Limit | null {
  const { limit } = term
  if (limit.kind === 'amount') {
    const value = readAmount(limit.amount, metric.unit)
    if (value !== null) return { kind: 'amount', value }
    return report(into, 'condition-unit', describeAmount(term, limit.amount, metric, into.at))
  }
  const multiple = limit.multiple === null ? 1 : readMultiple(limit.multiple)
  if (limit.plus === null) return { kind: 'reference', reference: limit.reference, multiple, plus: 0, plusRelative: 0 }
  const plus = readReferenceAmount(limit.plus.amount, metric.unit)
  if (plus === null) return report(into, 'condition-unit', describeRelative(term, limit.plus.amount, metric, into.at))
  const signed = limit.plus.sign === '-' && plus.value !== 0 ? -plus.value : plus.value
  const [absolute, relative] = plus.isRelative ? [0, signed] : [signed, 0]
  return { kind: 'reference', reference: limit.reference, multiple, plus: absolute, plusRelative: relative }
}

type DiffersText = Extract<ParsedTerm, { kind: 'differs' }>

function resolveDiffers(term: DiffersText, base: TermBase, metric: MetricHead, into: Resolving): DiffersTerm | null {
  const by = readReferenceAmount(term.by, metric.unit)
  if (by === null) return report(into, 'condition-unit', describeRelative(term, term.by, metric, into.at))
  return {
    ...base,
    kind: 'differs',
    metric: term.name,
    from: term.from,
    op: term.op,
    by: by.value,
    relative: by.isRelative,
  }
}
