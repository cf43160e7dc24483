/**
 * Turns conditions and segments into what evaluation reads. What a value must look like is decided here alone: the
 * check of a flag asks `valueProblem`, and compiling relies on it.
 */
import { isInRange, parseAddressRange } from './address-range.ts'
import { type CompiledCondition, type CompiledSegment, pathOf } from './condition.ts'
import { readDecimal } from './decimal.ts'
import type { Condition, FlagSegment, Operator } from './flag-definition.ts'
import { readMoment } from './moment.ts'
import { compareSemanticVersion, parseSemanticVersion } from './semantic-version.ts'
import { compileTextPattern, PatternProblem } from './text-pattern.ts'

type Accepts = (found: unknown) => boolean
type Value = string | number | boolean

/** Longer texts are not compared: hashing or searching megabytes for one answer would let a caller slow a service. */
export const textLengthMax = 10_000

export type CompiledSegments = Readonly<Record<string, CompiledSegment>>

export function compileConditions(
  conditions: readonly Condition[],
  segments: CompiledSegments,
): readonly CompiledCondition[] {
  return conditions.map(condition => compileCondition(condition, segments))
}

function compileCondition(condition: Condition, segments: CompiledSegments): CompiledCondition {
  const { attribute, operator, values, negated } = condition
  const isAboutSegments = operator === 'inSegment'
  return {
    attribute,
    path: pathOf(attribute),
    negated,
    accepts: isAboutSegments ? nothing : acceptsOf(condition),
    segments: isAboutSegments ? values.flatMap(name => segments[String(name)] ?? []) : null,
  }
}

const nothing: Accepts = () => false

/** Attribute -> accepted values, as conditions. */
export function compileMatches(accepted: Readonly<Record<string, readonly string[]>>): readonly CompiledCondition[] {
  const conditions = Object.entries(accepted).map(
    ([attribute, values]): Condition => ({ attribute, operator: 'is', values, negated: false }),
  )
  return compileConditions(conditions, {})
}

/** Segments that ask for others come after those; checking has made sure that none asks for itself. */
export function compileSegments(segments: Readonly<Record<string, FlagSegment>>): CompiledSegments {
  const compiled: Record<string, CompiledSegment> = Object.create(null)
  const compile = (name: string): void => {
    const segment = segments[name]
    if (segment === undefined || compiled[name] !== undefined) return
    for (const other of segmentsAskedFor(segment)) compile(other)
    compiled[name] = compileSegment(segment, compiled)
  }
  for (const name of Object.keys(segments)) compile(name)
  return compiled
}

export function segmentsAskedFor(segment: FlagSegment): readonly string[] {
  return (segment.rules ?? [])
    .flat()
    .flatMap(({ operator, values }) => (operator === 'inSegment' ? values : [])) as string[]
}

/** Nobody belongs by an empty list, so that a forgotten condition exposes nobody. */
function compileSegment(
  { include, keys, excludedKeys, rules }: FlagSegment,
  others: CompiledSegments,
): CompiledSegment {
  const alternatives = [compileMatches(include), ...(rules ?? []).map(rule => compileConditions(rule, others))]
  return {
    keys: new Set(keys ?? []),
    excludedKeys: new Set(excludedKeys ?? []),
    alternatives: alternatives.filter(conditions => conditions.length > 0),
  }
}

function acceptsOf({ operator, values, ignoreCase = false }: Condition): Accepts {
  switch (operator) {
    case 'is':
      return acceptsText(values.map(String), ignoreCase)
    case 'startsWith':
      return acceptsPart(values, ignoreCase, (text, part) => text.startsWith(part))
    case 'endsWith':
      return acceptsPart(values, ignoreCase, (text, part) => text.endsWith(part))
    case 'contains':
      return acceptsPart(values, ignoreCase, (text, part) => text.includes(part))
    case 'matches':
      return acceptsPattern(values, ignoreCase)
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return acceptsNumber(readDecimal, values.map(readDecimal), comparisons[operator])
    case 'before':
      return acceptsNumber(readMoment, values.map(readMoment), comparisons['<'])
    case 'after':
      return acceptsNumber(readMoment, values.map(readMoment), comparisons['>'])
    case 'semver=':
    case 'semver<':
    case 'semver<=':
    case 'semver>':
    case 'semver>=':
      return acceptsVersion(values, comparisons[operator.slice(6) as Comparison])
    case 'cidr':
      return acceptsAddress(values)
    case 'exists':
      return found => found !== null && found !== undefined
    case 'inSegment':
      return nothing
  }
}

/** Numbers and booleans are compared by their text. */
function acceptsText(values: readonly string[], ignoreCase: boolean): Accepts {
  const texts = new Set(ignoreCase ? values.map(value => value.toLowerCase()) : values)
  const [only] = texts
  if (texts.size === 1 && !ignoreCase)
    return found => found === only || (typeof found !== 'string' && textOf(found) === only)
  return found => {
    const text = textOf(found)
    return text !== null && texts.has(ignoreCase ? text.toLowerCase() : text)
  }
}

function textOf(found: unknown): string | null {
  if (typeof found === 'string') return found.length <= textLengthMax ? found : null
  if (typeof found === 'boolean') return found ? 'true' : 'false'
  return typeof found === 'number' && Number.isFinite(found) ? String(found) : null
}

function acceptsPart(
  values: readonly Value[],
  ignoreCase: boolean,
  has: (text: string, part: string) => boolean,
): Accepts {
  const parts = values.map(value => (ignoreCase ? String(value).toLowerCase() : String(value)))
  return acceptsSome(parts, (text, part) => has(ignoreCase ? text.toLowerCase() : text, part))
}

function acceptsPattern(values: readonly Value[], ignoreCase: boolean): Accepts {
  const patterns = values.map(value => compileTextPattern(String(value), ignoreCase))
  return acceptsSome(patterns, (text, pattern) => pattern(text))
}

function acceptsVersion(values: readonly Value[], holds: (difference: number) => boolean): Accepts {
  const versions = values.flatMap(value => parseSemanticVersion(String(value)) ?? [])
  return acceptsSome(versions, (text, version) => holds(compareSemanticVersion(text, version)))
}

function acceptsAddress(values: readonly Value[]): Accepts {
  const ranges = values.flatMap(value => parseAddressRange(String(value)) ?? [])
  return acceptsSome(ranges, isInRange)
}

function acceptsSome<Expected>(
  expected: readonly Expected[],
  holds: (text: string, one: Expected) => boolean,
): Accepts {
  return found => {
    if (typeof found !== 'string' || found.length > textLengthMax) return false
    for (let index = 0; index < expected.length; index++) if (holds(found, expected[index]!)) return true
    return false
  }
}

type Comparison = '=' | '<' | '<=' | '>' | '>='

/** None holds for NaN, which stands for what is no number, moment or version. */
const comparisons: Readonly<Record<Comparison, (difference: number) => boolean>> = {
  '=': difference => difference === 0,
  '<': difference => difference < 0,
  '<=': difference => difference <= 0,
  '>': difference => difference > 0,
  '>=': difference => difference >= 0,
}

function acceptsNumber(
  read: (found: unknown) => number,
  expected: readonly number[],
  holds: (difference: number) => boolean,
): Accepts {
  return found => {
    const number = read(found)
    for (let index = 0; index < expected.length; index++) if (holds(number - expected[index]!)) return true
    return false
  }
}

/** What a value of this operator should have been; null when it is sound. */
export function valueProblem(operator: Operator, value: Value, ignoreCase: boolean): string | null {
  switch (operator) {
    case 'matches':
      return patternProblem(value, ignoreCase)
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return Number.isNaN(readDecimal(value)) ? 'a number' : null
    case 'before':
    case 'after':
      return Number.isNaN(readMoment(value)) ? 'a moment such as 2026-03-01T09:00:00Z, or epoch milliseconds' : null
    case 'semver=':
    case 'semver<':
    case 'semver<=':
    case 'semver>':
    case 'semver>=':
      return parseSemanticVersion(String(value)) === null ? 'a semantic version such as 2.14.0' : null
    case 'cidr':
      return parseAddressRange(String(value)) === null ? 'an address range such as 10.0.0.0/8' : null
    default:
      return null
  }
}

function patternProblem(value: Value, ignoreCase: boolean): string | null {
  if (typeof value !== 'string') return 'a regular expression'
  try {
    compileTextPattern(value, ignoreCase)
    return null
  } catch (problem) {
    if (problem instanceof PatternProblem) return `a regular expression with ${problem.message}`
    throw problem
  }
}
