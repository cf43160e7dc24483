/**
 * Does a context hold a condition, belong to a segment?
 *
 * 1. Only own properties count, at every step of a path: nothing is found on a prototype.
 * 2. Of a list any element suffices; of texts and lists only so much is read that one request cannot slow a service.
 * 3. What has another type than the operator asks for, or is absent, does not match, and so matches when negated.
 *
 * Conditions are data of one shape and one `switch` reads them: functions made for each condition read nicer, but an
 * engine cannot look through calls that go somewhere else each time, and an evaluation takes twice as long.
 */
import { type AddressRange, isInRange } from './address-range.ts'
import type { AttributeReader } from './attribute-reader.ts'
import { wayOf } from './comparison.ts'
import { readDecimal } from './decimal.ts'
import type { EvaluationContext } from './evaluation.ts'
import { readMoment } from './moment.ts'
import { type SemanticVersion, wayToVersion } from './semantic-version.ts'
import type { TextPattern } from './text-pattern.ts'

/** What is looked at; numbers, so that the `switch` is one jump. */
export const tests = {
  oneText: 0,
  someText: 1,
  start: 2,
  end: 3,
  part: 4,
  pattern: 5,
  number: 6,
  moment: 7,
  version: 8,
  address: 9,
  presence: 10,
  segment: 11,
} as const
export type Test = (typeof tests)[keyof typeof tests]

export interface CompiledCondition {
  readonly attribute: string
  readonly read: AttributeReader
  /** Steps of a name with dots, used when the context has no attribute of the whole name. */
  readonly path: readonly string[] | null
  /** There is more to look at than the attribute of this name: a path, or segments. */
  readonly looksElsewhere: boolean
  readonly test: Test
  readonly negated: boolean
  readonly ignoresCase: boolean
  readonly ways: number
  readonly acceptsTrue: boolean
  readonly acceptsFalse: boolean
  /** The first of the texts. */
  readonly text: string
  readonly texts: readonly string[]
  readonly textSet: ReadonlySet<string>
  readonly patterns: readonly TextPattern[]
  readonly numbers: readonly number[]
  readonly versions: readonly SemanticVersion[]
  readonly ranges: readonly AddressRange[]
  readonly segments: readonly CompiledSegment[]
}

export interface CompiledSegment {
  readonly keys: ReadonlySet<string>
  readonly excludedKeys: ReadonlySet<string>
  /** Any of these lists of conditions. */
  readonly alternatives: readonly (readonly CompiledCondition[])[]
}

/** Beyond this a list attribute is not read. */
export const listElementsMax = 1_000

/** Longer texts are not compared: hashing or searching megabytes for one answer would let a caller slow a service. */
export const textLengthMax = 10_000

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

export const belongsToNobody = ({ keys, alternatives }: CompiledSegment): boolean =>
  keys.size === 0 && alternatives.length === 0

function isMet(condition: CompiledCondition, context: EvaluationContext): boolean {
  const found = condition.read(context)
  // Most attributes are texts, and most conditions fail by the value: whose property it is gets asked last.
  const isAccepted = typeof found === 'string' ? acceptsText(condition, found) : acceptsOther(condition, found)
  if (isAccepted && Object.hasOwn(context, condition.attribute)) return true
  return condition.looksElsewhere && isMetElsewhere(condition, context)
}

function isMetElsewhere(condition: CompiledCondition, context: EvaluationContext): boolean {
  const { attribute, path, test, segments } = condition
  if (test === tests.segment) return belongsToAny(segments, context)
  if (path === null || Object.hasOwn(context, attribute)) return false
  const found = readPath(context, path)
  return typeof found === 'string' ? acceptsText(condition, found) : acceptsOther(condition, found)
}

function belongsToAny(segments: readonly CompiledSegment[], context: EvaluationContext): boolean {
  for (let index = 0; index < segments.length; index++) if (belongsTo(segments[index]!, context)) return true
  return false
}

function acceptsText(condition: CompiledCondition, found: string): boolean {
  switch (condition.test) {
    case tests.oneText:
      return found === condition.text
    case tests.someText:
      return found.length <= textLengthMax && condition.textSet.has(condition.ignoresCase ? found.toLowerCase() : found)
    case tests.version:
      return acceptsVersion(condition, found)
    case tests.presence:
      return true
    case tests.segment:
      return false
    default:
      return found.length <= textLengthMax && acceptsLooked(condition, found)
  }
}

/** What the text has to be searched or read for. */
function acceptsLooked(condition: CompiledCondition, found: string): boolean {
  const { test, texts, ignoresCase } = condition
  switch (test) {
    case tests.number:
      return comparesTo(condition, readDecimal(found))
    case tests.moment:
      return comparesTo(condition, readMoment(found))
    case tests.address:
      return condition.ranges.some(range => isInRange(found, range))
    case tests.pattern:
      return condition.patterns.some(pattern => pattern(found))
    default:
      return hasPart(test, texts, ignoresCase ? found.toLowerCase() : found)
  }
}

function acceptsOther(condition: CompiledCondition, found: unknown): boolean {
  if (found === undefined) return false
  if (typeof found === 'boolean') return found ? condition.acceptsTrue : condition.acceptsFalse
  if (condition.test === tests.presence) return found !== null
  if (typeof found === 'number') return acceptsNumber(condition, found)
  return Array.isArray(found) && acceptsAny(condition, found)
}

function acceptsNumber(condition: CompiledCondition, found: number): boolean {
  const { test } = condition
  if (!Number.isFinite(found)) return false
  if (test === tests.number || test === tests.moment) return comparesTo(condition, found)
  return (test === tests.oneText || test === tests.someText) && acceptsText(condition, String(found))
}

function acceptsAny(condition: CompiledCondition, found: readonly unknown[]): boolean {
  const length = Math.min(found.length, listElementsMax)
  for (let index = 0; index < length; index++) {
    const element = found[index]
    if (typeof element === 'string' ? acceptsText(condition, element) : acceptsElement(condition, element)) return true
  }
  return false
}

/** A list within a list is none. */
const acceptsElement = (condition: CompiledCondition, found: unknown): boolean =>
  typeof found !== 'object' && acceptsOther(condition, found)

function hasPart(test: Test, parts: readonly string[], text: string): boolean {
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!
    if (test === tests.end ? text.endsWith(part) : test === tests.start ? text.startsWith(part) : text.includes(part))
      return true
  }
  return false
}

function acceptsVersion({ versions, ways: accepted }: CompiledCondition, found: string): boolean {
  for (let index = 0; index < versions.length; index++)
    if ((wayToVersion(found, versions[index]!) & accepted) !== 0) return true
  return false
}

function comparesTo({ numbers, ways: accepted }: CompiledCondition, found: number): boolean {
  for (let index = 0; index < numbers.length; index++)
    if ((wayOf(found - numbers[index]!) & accepted) !== 0) return true
  return false
}

/** The own attribute of a name, or what its path leads to; undefined when there is none. */
export function readAttribute(context: EvaluationContext, attribute: string, path: readonly string[] | null): unknown {
  if (Object.hasOwn(context, attribute)) return context[attribute]
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
