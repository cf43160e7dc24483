/**
 * Turns conditions and segments into what evaluation reads. What a value must look like is decided here alone: the
 * check of a flag asks `valueProblem`, and compiling relies on it.
 */
import { parseAddressRange } from './address-range.ts'
import { attributeReader } from './attribute-reader.ts'
import { ways } from './comparison.ts'
import { type CompiledCondition, type CompiledSegment, pathOf, type Test, tests } from './condition.ts'
import { readDecimal } from './decimal.ts'
import type { Condition, FlagSegment, Operator } from './flag-definition.ts'
import { readMoment } from './moment.ts'
import { parseSemanticVersion } from './semantic-version.ts'
import { compileTextPattern, PatternProblem } from './text-pattern.ts'

type Value = string | number | boolean

export type CompiledSegments = Readonly<Record<string, CompiledSegment>>

export function compileConditions(
  conditions: readonly Condition[],
  segments: CompiledSegments,
): readonly CompiledCondition[] {
  return conditions.map(condition => compileCondition(condition, segments))
}

const none: readonly never[] = []

/** All conditions have the same shape, whatever they test; what a test does not read is empty. */
function compileCondition(condition: Condition, segments: CompiledSegments): CompiledCondition {
  const { attribute, operator, values, negated, ignoreCase = false } = condition
  const [test, accepted] = testOf(operator, values.length, ignoreCase)
  const isText = test === tests.oneText || test === tests.someText
  const texts = values.map(value => (ignoreCase ? String(value).toLowerCase() : String(value)))
  return {
    attribute,
    read: attributeReader(propertyName(attribute)),
    path: pathOf(attribute),
    looksElsewhere: test === tests.segment || attribute.includes('.'),
    test,
    negated,
    ignoresCase: ignoreCase,
    ways: accepted,
    acceptsTrue: test === tests.presence || (isText && texts.includes('true')),
    acceptsFalse: test === tests.presence || (isText && texts.includes('false')),
    text: texts[0] ?? '',
    texts,
    textSet: new Set(test === tests.someText ? texts : none),
    patterns: test === tests.pattern ? values.map(value => compileTextPattern(String(value), ignoreCase)) : none,
    numbers: test === tests.number ? values.map(readDecimal) : test === tests.moment ? values.map(readMoment) : none,
    versions: test === tests.version ? values.flatMap(value => parseSemanticVersion(String(value)) ?? []) : none,
    ranges: test === tests.address ? values.flatMap(value => parseAddressRange(String(value)) ?? []) : none,
    segments: test === tests.segment ? values.flatMap(name => segments[String(name)] ?? []) : none,
  }
}

/** The same text as engines keep it for names of properties: with another copy each reading would look that one up. */
const propertyName = (name: string): string => Object.keys({ [name]: null })[0] ?? name

const { before, same, after } = ways

function testOf(operator: Operator, values: number, ignoreCase: boolean): readonly [test: Test, ways: number] {
  if (operator === 'is') return [values === 1 && !ignoreCase ? tests.oneText : tests.someText, 0]
  return operatorTests[operator]
}

const operatorTests: Readonly<Record<Exclude<Operator, 'is'>, readonly [test: Test, ways: number]>> = {
  startsWith: [tests.start, 0],
  endsWith: [tests.end, 0],
  contains: [tests.part, 0],
  matches: [tests.pattern, 0],
  '=': [tests.number, same],
  '<': [tests.number, before],
  '<=': [tests.number, before + same],
  '>': [tests.number, after],
  '>=': [tests.number, after + same],
  before: [tests.moment, before],
  after: [tests.moment, after],
  'semver=': [tests.version, same],
  'semver<': [tests.version, before],
  'semver<=': [tests.version, before + same],
  'semver>': [tests.version, after],
  'semver>=': [tests.version, after + same],
  cidr: [tests.address, 0],
  exists: [tests.presence, 0],
  inSegment: [tests.segment, 0],
}

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
    if (compiled[name] !== undefined || !Object.hasOwn(segments, name)) return
    for (const other of segmentsAskedFor(segments[name]!)) compile(other)
    compiled[name] = compileSegment(segments[name]!, compiled)
  }
  for (const name of Object.keys(segments)) compile(name)
  return compiled
}

export function segmentsAskedFor(segment: FlagSegment): readonly string[] {
  const conditions = (segment.rules ?? []).flat()
  return conditions.flatMap(({ operator, values }) => (operator === 'inSegment' ? values.map(String) : []))
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

/** What a value of this operator should have been; null when it is sound. */
export function valueProblem(operator: Operator, value: Value, ignoreCase: boolean): string | null {
  if (operator === 'is') return null
  const [test] = operatorTests[operator]
  switch (test) {
    case tests.pattern:
      return patternProblem(value, ignoreCase)
    case tests.number:
      return Number.isNaN(readDecimal(value)) ? 'a number' : null
    case tests.moment:
      return Number.isNaN(readMoment(value)) ? 'a moment such as 2026-03-01T09:00:00Z, or epoch milliseconds' : null
    case tests.version:
      return parseSemanticVersion(String(value)) === null ? 'a semantic version such as 2.14.0' : null
    case tests.address:
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
