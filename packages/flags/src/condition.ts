/**
 * Does a context hold a condition, belong to a segment?
 *
 * 1. Only own properties count, at every step of a path: nothing is found on a prototype.
 * 2. Of a list any element suffices; of texts and lists only so much is read that one request cannot slow a service.
 * 3. What has another type than the operator asks for, or is absent, does not match, and so matches when negated.
 */
import type { EvaluationContext } from './evaluation.ts'

export interface CompiledCondition {
  readonly attribute: string
  /** Steps of a name with dots, used when the context has no attribute of the whole name. */
  readonly path: readonly string[] | null
  readonly negated: boolean
  readonly accepts: (found: unknown) => boolean
  /** Null unless the condition asks for segments. */
  readonly segments: readonly CompiledSegment[] | null
}

export interface CompiledSegment {
  readonly keys: ReadonlySet<string>
  readonly excludedKeys: ReadonlySet<string>
  /** Any of these lists of conditions. */
  readonly alternatives: readonly (readonly CompiledCondition[])[]
}

/** Beyond this a list attribute is not read. */
export const listElementsMax = 1_000

export function holdsAll(conditions: readonly CompiledCondition[], context: EvaluationContext): boolean {
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index]!
    if (isMet(condition, context) === condition.negated) return false
  }
  return true
}

export function belongsTo(segment: CompiledSegment, context: EvaluationContext): boolean {
  const key = context.targetingKey
  if (typeof key === 'string') {
    if (segment.keys.has(key)) return true
    if (segment.excludedKeys.has(key)) return false
  }
  for (let index = 0; index < segment.alternatives.length; index++) {
    if (holdsAll(segment.alternatives[index]!, context)) return true
  }
  return false
}

function isMet(condition: CompiledCondition, context: EvaluationContext): boolean {
  const { attribute, path, accepts, segments } = condition
  if (segments !== null) return belongsToAny(segments, context)
  const found = context[attribute]
  if (found === undefined) return path !== null && isAccepted(accepts, readPath(context, path))
  // Most conditions fail by the value, so whose property it is gets asked last.
  return isAccepted(accepts, found) && Object.hasOwn(context, attribute)
}

function belongsToAny(segments: readonly CompiledSegment[], context: EvaluationContext): boolean {
  for (let index = 0; index < segments.length; index++) if (belongsTo(segments[index]!, context)) return true
  return false
}

function isAccepted(accepts: (found: unknown) => boolean, found: unknown): boolean {
  if (typeof found !== 'object') return accepts(found)
  if (!Array.isArray(found)) return accepts(found)
  const length = Math.min(found.length, listElementsMax)
  for (let index = 0; index < length; index++) if (accepts(found[index])) return true
  return false
}

/** The own attribute of a name, or what its path leads to; undefined when there is none. */
export function readAttribute(context: EvaluationContext, attribute: string, path: readonly string[] | null): unknown {
  const found = context[attribute]
  if (found !== undefined && Object.hasOwn(context, attribute)) return found
  return path === null ? undefined : readPath(context, path)
}

export const pathOf = (attribute: string): readonly string[] | null =>
  attribute.includes('.') ? attribute.split('.') : null

function readPath(context: EvaluationContext, path: readonly string[]): unknown {
  let found: unknown = context
  for (let index = 0; index < path.length; index++) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, path[index]!)) return undefined
    found = (found as Readonly<Record<string, unknown>>)[path[index]!]
  }
  return found
}

export const belongsToNobody = ({ keys, alternatives }: CompiledSegment): boolean =>
  keys.size === 0 && alternatives.length === 0
