import type { Condition, FlagSegment } from '@dankai/flags'
import { alternativesOf, type Expression, isNever, type Literal } from './expression.ts'
import { freeName } from './sound-part.ts'

/** As many lists as a segment may have. */
const alternativesMax = 100

/**
 * An expression as the conditions of one rule, all of which must hold. What holds in several ways becomes a segment,
 * which is any of its lists of conditions. Null when nobody can meet it, 'too many' when it has too many ways.
 */
export function conditionsOfRule(
  when: Expression<Condition>,
  segments: Record<string, FlagSegment>,
  name: string,
): readonly Condition[] | null | 'too many' {
  if (isNever(when)) return null
  const conditions: Condition[] = []
  for (const part of when.kind === 'all' ? when.of : [when]) {
    if (part.kind === 'leaf') {
      conditions.push(turned(part))
      continue
    }
    const lists = alternativesOf(part, alternativesMax)
    if (lists === null) return 'too many'
    const segment = freeName(segments, name)
    segments[segment] = { include: {}, rules: lists.map(list => list.map(turned)) }
    conditions.push({ attribute: '', operator: 'inSegment', values: [segment], negated: false })
  }
  return conditions
}

const turned = ({ leaf, negated }: Literal<Condition>): Condition => ({ ...leaf, negated: leaf.negated !== negated })
