/** Whether one condition can be true only when another is, too: the base of "shadowed", "tightens" and "loosens". */
import { canonicalJson } from '../canonical-json.ts'
import type { Condition, Limit, MetricTerm, Span } from '../compiled-plan.ts'

/**
 * Whenever `one` is true, `other` is true and was true no later. Sound, not complete: false may mean "cannot tell".
 * The order of the four cases matters: a group on the left is taken apart before one on the right.
 */
export function implies(one: Condition, other: Condition): boolean {
  if (one.kind === 'any') return one.of.every(part => implies(part, other))
  if (other.kind === 'all') return other.of.every(part => implies(one, part))
  if (one.kind === 'all') return one.of.some(part => implies(part, other))
  if (other.kind === 'any') return other.of.some(part => implies(one, part))
  if (one.kind === 'metric' && other.kind === 'metric') {
    const isSameView = one.metric === other.metric && one.overMs === other.overMs
    return isSameView && isNoLater(other.span, one.span) && isWithin(one, other)
  }
  if (one.kind === 'reported' && other.kind === 'reported') {
    return one.signal === other.signal && one.not === other.not && isNoLater(other.span, one.span)
  }
  if (one.kind === 'noData' && other.kind === 'noData') return one.metric === other.metric && other.forMs <= one.forMs
  return hasSameMeaning(one, other)
}

/** Equal but for ids and spelling. */
export function hasSameMeaning(one: Condition, other: Condition): boolean {
  return canonicalJson(withoutWords(one)) === canonicalJson(withoutWords(other))
}

function withoutWords(condition: Condition): unknown {
  if (condition.kind === 'all' || condition.kind === 'any')
    return { kind: condition.kind, of: condition.of.map(withoutWords) }
  return { ...condition, id: undefined, text: undefined }
}

function isNoLater(span: Span | null, than: Span | null): boolean {
  // Without a span a condition is true at its first true sample; in a window it counts other things.
  if (span === null) return than?.kind !== 'in'
  if (than === null || span.kind !== than.kind) return false
  if (span.kind === 'for' && than.kind === 'for') return span.ms <= than.ms
  if (span.kind === 'times' && than.kind === 'times') return span.times <= than.times && span.ms === than.ms
  return canonicalJson(span) === canonicalJson(than)
}

/** Every value beyond the limit of `one` is beyond the limit of `other`. */
function isWithin(one: MetricTerm, other: MetricTerm): boolean {
  const distance = compareLimits(one.limit, other.limit)
  if (distance === null) return false
  if (one.op === '=' || other.op === '=') return one.op === other.op && distance === 0
  if (one.op.charAt(0) !== other.op.charAt(0)) return false
  if (distance === 0) return one.op === other.op || other.op.endsWith('=')
  return one.op.startsWith('>') ? distance > 0 : distance < 0
}

function compareLimits(one: Limit, other: Limit): number | null {
  if (one.kind === 'amount' && other.kind === 'amount') return one.value - other.value
  if (one.kind !== 'reference' || other.kind !== 'reference' || one.reference !== other.reference) return null
  const difference = [one.multiple - other.multiple, one.plus - other.plus, one.plusRelative - other.plusRelative]
  if (difference.every(part => part >= 0)) return Math.max(...difference)
  return difference.every(part => part <= 0) ? Math.min(...difference) : null
}
