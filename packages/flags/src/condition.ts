/**
 * Does a context hold a condition, belong to a segment?
 *
 * 1. Only own properties count, at every step of a path: nothing is found on a prototype.
 * 2. Of a list any element suffices; of texts and lists only so much is read that one request cannot slow a service.
 * 3. What has another type than the operator asks for, or is absent, does not match, and so matches when negated.
 *
 * Conditions are data of one shape and one `switch` reads them: functions made for each condition read nicer, but an
 * engine cannot look through calls that go somewhere else each time, and an evaluation takes twice as long. What most
 * conditions need is short enough to become one piece of machine code with `firstHeld`; what is rare is in functions
 * of its own, so that it stays so. V8 takes in 920 bytes of its bytecode, and `--trace-turbo-inlining` shows what.
 */
import { type AddressRange, isInRange } from './address-range.ts'
import { readPlace } from './attribute-reader.ts'
import { wayOf } from './comparison.ts'
import { readDecimal } from './decimal.ts'
import type { EvaluationContext } from './evaluation.ts'
import { readMoment } from './moment.ts'
import { type SemanticVersion, wayToVersion } from './semantic-version.ts'
import type { TextPattern } from './text-pattern.ts'

/** What is looked at. Texts and not constants with names: a `switch` looks those up each time. */
export type Test =
  | 'oneText'
  | 'someText'
  | 'oneEnd'
  | 'start'
  | 'end'
  | 'part'
  | 'pattern'
  | 'number'
  | 'moment'
  | 'oneVersion'
  | 'version'
  | 'address'
  | 'presence'
  | 'segment'

export interface CompiledCondition {
  readonly attribute: string
  /** Where the attribute is read: see `readPlace`. */
  readonly place: number
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
  /** The first of the texts: most conditions have no other, and need no loop. */
  readonly text: string
  readonly texts: readonly string[]
  readonly textSet: ReadonlySet<string>
  readonly patterns: readonly TextPattern[]
  readonly numbers: readonly number[]
  /** The first of the versions. */
  readonly version: SemanticVersion
  readonly versions: readonly SemanticVersion[]
  readonly ranges: readonly AddressRange[]
  readonly segments: readonly CompiledSegment[]
  /** Which of the lists of conditions it belongs to. */
  readonly list: number
  /** What to look at when it holds; null: the whole list holds. */
  readonly next: CompiledCondition | null
  /** What to look at when it does not, which is the first condition of the next list; null: no list is left. */
  readonly otherwise: CompiledCondition | null
}

export interface CompiledSegment {
  readonly keys: ReadonlySet<string>
  readonly excludedKeys: ReadonlySet<string>
  /** The first condition of any number of lists. */
  readonly conditions: CompiledCondition | null
}

/** Beyond this a list attribute is not read. */
export const listElementsMax = 1_000

/** Longer texts are not compared: hashing or searching megabytes for one answer would let a caller slow a service. */
export const textLengthMax = 10_000

/**
 * Longer texts match no regular expression, and of a list only texts that come to no more together: each step of a
 * flag's patterns may run for each unit.
 */
export const matchedLengthMax = 1_000

/** As engines are quicker with: what a module exports is looked up each time. */
const lengthMax = textLengthMax

/** None of the lists. */
export const noList = -1

/**
 * The first list of conditions that the context holds all of, from `start` on. Conditions lead to one another, because
 * finding each by two indices, of list and condition, took a nanosecond.
 */
export function firstHeld(start: CompiledCondition | null, context: EvaluationContext): number {
  let condition = start
  while (condition !== null) {
    // Most conditions fail by the value: whose property it is gets asked last.
    let isMet = accepts(condition, readPlace(context, condition.attribute, condition.place))
    if (isMet) isMet = Object.hasOwn(context, condition.attribute)
    if (!isMet && condition.looksElsewhere) isMet = isMetElsewhere(condition, context)
    // Not `isMet === condition.negated`: engines compare booleans by a call, and ask for one without.
    if (isMet ? condition.negated : !condition.negated) condition = condition.otherwise
    else if (condition.next === null) return condition.list
    else condition = condition.next
  }
  return noList
}

export function belongsTo(segment: CompiledSegment, context: EvaluationContext): boolean {
  const key = context.targetingKey
  if (typeof key === 'string') {
    if (segment.keys.has(key)) return true
    if (segment.excludedKeys.has(key)) return false
  }
  return firstHeld(segment.conditions, context) !== noList
}

export const belongsToNobody = ({ keys, conditions }: CompiledSegment): boolean =>
  keys.size === 0 && conditions === null

function isMetElsewhere(condition: CompiledCondition, context: EvaluationContext): boolean {
  const { attribute, path, test, segments } = condition
  if (test === 'segment') return belongsToAny(segments, context)
  if (path === null || Object.hasOwn(context, attribute)) return false
  return accepts(condition, readPath(context, path))
}

function belongsToAny(segments: readonly CompiledSegment[], context: EvaluationContext): boolean {
  for (let index = 0; index < segments.length; index++) if (belongsTo(segments[index]!, context)) return true
  return false
}

/** Constants, this and the next, because an engine asks of a `function` each time whether it is still the same one. */
const accepts = (condition: CompiledCondition, found: unknown): boolean => {
  if (typeof found === 'string') return acceptsText(condition, found)
  if (typeof found === 'boolean') return found ? condition.acceptsTrue : condition.acceptsFalse
  return found !== undefined && acceptsOther(condition, found)
}

const acceptsText = (condition: CompiledCondition, found: string): boolean => {
  if (found.length > lengthMax) return condition.test === 'presence'
  switch (condition.test) {
    case 'oneText':
      return found === condition.text
    case 'someText':
      return condition.textSet.has(condition.ignoresCase ? found.toLowerCase() : found)
    case 'oneEnd':
      return found.endsWith(condition.text)
    case 'oneVersion':
      return (wayToVersion(found, condition.version) & condition.ways) !== 0
    default:
      return acceptsLooked(condition, found)
  }
}

/** What the text has to be searched or read for. */
function acceptsLooked(condition: CompiledCondition, found: string): boolean {
  switch (condition.test) {
    case 'end':
    case 'start':
    case 'part':
      return hasPart(condition, condition.ignoresCase ? found.toLowerCase() : found)
    case 'version':
      return hasVersion(condition, found)
    case 'number':
      return comparesTo(condition, readDecimal(found))
    case 'moment':
      return comparesTo(condition, readMoment(found))
    case 'address':
      return condition.ranges.some(range => isInRange(found, range))
    case 'pattern':
      return found.length <= matchedLengthMax && condition.patterns.some(pattern => pattern(found))
    default:
      return condition.test === 'presence'
  }
}

function acceptsOther(condition: CompiledCondition, found: unknown): boolean {
  if (condition.test === 'presence') return found !== null
  if (typeof found === 'number') return acceptsNumber(condition, found)
  return Array.isArray(found) && acceptsAny(condition, found)
}

function acceptsNumber(condition: CompiledCondition, found: number): boolean {
  const { test } = condition
  if (!Number.isFinite(found)) return false
  if (test === 'number' || test === 'moment') return comparesTo(condition, found)
  return (test === 'oneText' || test === 'someText') && acceptsText(condition, String(found))
}

function acceptsAny(condition: CompiledCondition, found: readonly unknown[]): boolean {
  if (condition.test === 'pattern') return matchesAny(condition, found)
  const length = Math.min(found.length, listElementsMax)
  // A list within a list is none.
  for (let index = 0; index < length; index++)
    if (typeof found[index] !== 'object' && accepts(condition, found[index])) return true
  return false
}

/** A text that is too long for what is left is passed over. */
function matchesAny({ patterns }: CompiledCondition, found: readonly unknown[]): boolean {
  const length = Math.min(found.length, listElementsMax)
  let left = matchedLengthMax
  for (let index = 0; index < length; index++) {
    const text = found[index]
    if (typeof text !== 'string' || text.length > left) continue
    left -= text.length
    if (patterns.some(pattern => pattern(text))) return true
  }
  return false
}

function hasPart({ test, texts }: CompiledCondition, text: string): boolean {
  for (let index = 0; index < texts.length; index++) {
    const part = texts[index]!
    if (test === 'end' ? text.endsWith(part) : test === 'start' ? text.startsWith(part) : text.includes(part))
      return true
  }
  return false
}

function hasVersion({ versions, ways: accepted }: CompiledCondition, found: string): boolean {
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
