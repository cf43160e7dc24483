/**
 * Turns conditions and segments into what evaluation reads. What a value must look like is decided here alone: the
 * check of a flag asks `valueProblem`, and compiling relies on it. Regular expressions are for `PatternSteps` to decide.
 */
import { parseAddressRange } from './address-range.ts'
import { attributePlace } from './attribute-reader.ts'
import { ways } from './comparison.ts'
import { type CompiledCondition, type CompiledSegment, pathOf, type Test } from './condition.ts'
import { readDecimal } from './decimal.ts'
import type { Condition, FlagSegment, Operator } from './flag-definition.ts'
import { readMoment } from './moment.ts'
import { parseSemanticVersion, type SemanticVersion } from './semantic-version.ts'
import { compileTextPattern } from './text-pattern.ts'

type Value = string | number | boolean

export type CompiledSegments = Readonly<Record<string, CompiledSegment>>

/**
 * The first condition of each list, which leads to all others: see `firstHeld`. The last comes first, so that each can
 * lead to those after it.
 */
export function compileLists(
  lists: readonly (readonly Condition[])[],
  segments: CompiledSegments,
): readonly CompiledCondition[] {
  const starts: CompiledCondition[] = []
  for (const [list, conditions] of [...lists.entries()].toReversed()) {
    let next: CompiledCondition | null = null
    for (const condition of conditions.length === 0 ? [always] : conditions.toReversed())
      next = compileCondition(condition, segments, { list, next, otherwise: starts[0] ?? null })
    if (next !== null) starts.unshift(next)
  }
  return starts
}

/** Belongs to none of no segments: what a list without conditions asks for. */
const always: Condition = { attribute: '', operator: 'inSegment', values: [], negated: true }

const none: readonly never[] = []

/** All conditions have the same shape, whatever they test; what a test does not read is empty. */
function compileCondition(
  condition: Condition,
  segments: CompiledSegments,
  { list, next, otherwise }: Pick<CompiledCondition, 'list' | 'next' | 'otherwise'>,
): CompiledCondition {
  const { operator, values, negated, ignoreCase = false } = condition
  const attribute = propertyName(condition.attribute)
  const [test, accepted] = testOf(operator, values.length, ignoreCase)
  const isText = test === 'oneText' || test === 'someText'
  const texts = values.map(value => (ignoreCase ? String(value).toLowerCase() : String(value)))
  const versions = operator.startsWith('semver')
    ? values.flatMap(value => parseSemanticVersion(String(value)) ?? [])
    : none
  return {
    attribute,
    place: attributePlace(attribute),
    path: pathOf(attribute),
    looksElsewhere: test === 'segment' || attribute.includes('.'),
    test,
    negated,
    ignoresCase: ignoreCase,
    ways: accepted,
    acceptsTrue: test === 'presence' || (isText && texts.includes('true')),
    acceptsFalse: test === 'presence' || (isText && texts.includes('false')),
    text: texts[0] ?? '',
    texts,
    textSet: new Set(test === 'someText' ? texts : none),
    patterns: test === 'pattern' ? values.map(value => compileTextPattern(String(value), ignoreCase)) : none,
    numbers: test === 'number' ? values.map(readDecimal) : test === 'moment' ? values.map(readMoment) : none,
    version: versions[0] ?? noVersion,
    versions,
    ranges: test === 'address' ? values.flatMap(value => parseAddressRange(String(value)) ?? []) : none,
    segments: test === 'segment' ? values.flatMap(name => segments[String(name)] ?? []) : none,
    list,
    next,
    otherwise,
  }
}

const noVersion: SemanticVersion = { major: 0, minor: 0, patch: 0, preRelease: [] }

/** The same text as engines keep it for names of properties: with another copy each reading would look that one up. */
const propertyName = (name: string): string => Object.keys({ [name]: null })[0] ?? name

const { before, same, after } = ways

function testOf(operator: Operator, values: number, ignoreCase: boolean): readonly [test: Test, ways: number] {
  const isOne = values === 1 && !ignoreCase
  if (operator === 'is') return [isOne ? 'oneText' : 'someText', 0]
  const [test, accepted] = operatorTests[operator]
  if (isOne && test === 'end') return ['oneEnd', accepted]
  return isOne && test === 'version' ? ['oneVersion', accepted] : [test, accepted]
}

const operatorTests: Readonly<Record<Exclude<Operator, 'is'>, readonly [test: Test, ways: number]>> = {
  startsWith: ['start', 0],
  endsWith: ['end', 0],
  contains: ['part', 0],
  matches: ['pattern', 0],
  '=': ['number', same],
  '<': ['number', before],
  '<=': ['number', before + same],
  '>': ['number', after],
  '>=': ['number', after + same],
  before: ['moment', before],
  after: ['moment', after],
  'semver=': ['version', same],
  'semver<': ['version', before],
  'semver<=': ['version', before + same],
  'semver>': ['version', after],
  'semver>=': ['version', after + same],
  cidr: ['address', 0],
  exists: ['presence', 0],
  inSegment: ['segment', 0],
}

/** Attribute -> accepted values, as conditions. */
export function matchesOf(accepted: Readonly<Record<string, readonly string[]>>): readonly Condition[] {
  return Object.entries(accepted).map(([attribute, values]) => ({
    attribute,
    operator: 'is',
    values,
    negated: false,
  }))
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
  const alternatives = [matchesOf(include), ...(rules ?? [])].filter(conditions => conditions.length > 0)
  return {
    keys: new Set(keys ?? []),
    excludedKeys: new Set(excludedKeys ?? []),
    conditions: compileLists(alternatives, others)[0] ?? null,
  }
}

/** What a value of this operator should have been; null when it is sound. */
export function valueProblem(operator: Operator, value: Value): string | null {
  if (operator === 'is') return null
  const [test] = operatorTests[operator]
  switch (test) {
    case 'number':
      return Number.isNaN(readDecimal(value)) ? 'a number' : null
    case 'moment':
      return Number.isNaN(readMoment(value)) ? 'a moment such as 2026-03-01T09:00:00Z, or epoch milliseconds' : null
    case 'version':
      return parseSemanticVersion(String(value)) === null ? 'a semantic version such as 2.14.0' : null
    case 'address':
      return parseAddressRange(String(value)) === null ? 'an address range such as 10.0.0.0/8' : null
    default:
      return null
  }
}
