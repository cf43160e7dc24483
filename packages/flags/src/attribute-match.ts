/**
 * Does a context have one of the accepted values for each named attribute?
 *
 * Numbers and booleans are compared by their text (`42`, `true`); of a list any element may match. Anything else, and
 * whatever the context only inherits, matches nothing.
 */
import type { EvaluationContext } from './evaluation.ts'

export interface AttributeMatch {
  readonly attribute: string
  readonly accepted: ReadonlySet<string>
}

/** Beyond this a list attribute is not read, so that one request cannot make an evaluation slow. */
const listElementsMax = 1_000

export function compileMatches(accepted: Readonly<Record<string, readonly string[]>>): readonly AttributeMatch[] {
  return Object.entries(accepted).map(([attribute, values]) => ({ attribute, accepted: new Set(values.map(String)) }))
}

export function matchesAll(matches: readonly AttributeMatch[], context: EvaluationContext): boolean {
  for (let index = 0; index < matches.length; index++) {
    if (!matchesOne(matches[index]!, context)) return false
  }
  return true
}

function matchesOne({ attribute, accepted }: AttributeMatch, context: EvaluationContext): boolean {
  if (!Object.hasOwn(context, attribute)) return false
  const found = context[attribute]
  return Array.isArray(found) ? hasAny(accepted, found) : accepts(accepted, found)
}

function hasAny(accepted: ReadonlySet<string>, found: readonly unknown[]): boolean {
  const length = Math.min(found.length, listElementsMax)
  for (let index = 0; index < length; index++) if (accepts(accepted, found[index])) return true
  return false
}

function accepts(accepted: ReadonlySet<string>, found: unknown): boolean {
  if (typeof found === 'string') return accepted.has(found)
  if (typeof found === 'boolean') return accepted.has(String(found))
  return typeof found === 'number' && Number.isFinite(found) && accepted.has(String(found))
}
