import type { ParsedAmount, ParsedCondition, ParsedLimit, ParsedSpan, ParsedTerm } from './condition-grammar.ts'
import { printDuration } from './quantity.ts'

/** The canonical text of a condition; reading it again gives the same condition. */
export function printCondition(condition: ParsedCondition): string {
  if (condition.kind === 'any') return condition.of.map(printCondition).join(' or ')
  if (condition.kind === 'all') return condition.of.map(printCondition).join(' and ')
  return printTerm(condition)
}

function printTerm(term: ParsedTerm): string {
  if (term.kind === 'reported') return `${term.name}${term.not ? ' not' : ''} reported${printSpan(term.span)}`
  if (term.kind === 'check') return `${term.name} ${term.outcome}`
  if (term.kind === 'noData')
    return `${term.name} has no data${term.forMs > 0 ? ` for ${printDuration(term.forMs)}` : ''}`
  const subject = term.overMs === null ? term.name : `${term.name} over ${printDuration(term.overMs)}`
  const compare =
    term.kind === 'differs'
      ? `differs from ${term.from} by ${term.op} ${printAmount(term.by)}`
      : `${term.op} ${printLimit(term.limit)}`
  return `${subject} ${compare}${printSpan(term.span)}`
}

function printLimit(limit: ParsedLimit): string {
  if (limit.kind === 'amount') return printAmount(limit.amount)
  const multiple = limit.multiple === null ? '' : `${limit.multiple}x `
  const plus = limit.plus === null ? '' : ` ${limit.plus.sign} ${printAmount(limit.plus.amount)}`
  return `${multiple}${limit.reference}${plus}`
}

function printAmount(amount: ParsedAmount): string {
  return `${amount.number}${amount.unit ?? ''}`
}

function printSpan(span: ParsedSpan | null): string {
  if (span === null) return ''
  if (span.kind !== 'times') return ` ${span.kind} ${printDuration(span.ms)}`
  return ` ${span.times} times${span.ms === null ? '' : ` in ${printDuration(span.ms)}`}`
}
