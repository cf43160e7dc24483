import { type Fields, isText, type Report } from './check-value.ts'
import { valueProblem } from './compile-condition.ts'
import { textLengthMax } from './condition.ts'
import { type Operator, operators } from './flag-definition.ts'
import type { PatternSteps } from './pattern-steps.ts'

const textOperators: readonly unknown[] = ['is', 'startsWith', 'endsWith', 'contains', 'matches']

/** What conditions may name, and what they add up to. */
export interface ConditionSurroundings {
  readonly segments: Fields
  readonly patterns: PatternSteps
}

/** Patterns, versions and the like are tried one after the other; the values of `is` are looked up. */
const triedValuesMax = 100

export function checkCondition(
  path: string,
  condition: Fields,
  surroundings: ConditionSurroundings,
  valuesMax: number,
  report: Report,
): void {
  const { attribute, operator, values, negated, ignoreCase } = condition
  if (!isOperator(operator)) {
    report(`${path}.operator`, operator, `one of ${operators.join(' ')}`)
    return
  }
  if (!isText(attribute) && operator !== 'inSegment') report(`${path}.attribute`, attribute, 'the name of an attribute')
  if (operator === 'inSegment' && typeof attribute !== 'string') report(`${path}.attribute`, attribute, 'a text')
  if (typeof negated !== 'boolean') report(`${path}.negated`, negated, 'true or false')
  checkIgnoreCase(path, operator, ignoreCase, report)
  const most = operator === 'is' ? valuesMax : triedValuesMax
  if (!Array.isArray(values) || values.length > most || values.length > 0 !== (operator !== 'exists')) {
    report(`${path}.values`, values, operator === 'exists' ? 'an empty list' : `a list of 1 to ${most}`)
    return
  }
  for (const [index, value] of values.entries()) {
    const expected = expectedValue(operator, value, ignoreCase === true, surroundings)
    if (expected !== null) report(`${path}.values[${index}]`, value, expected)
  }
}

const isOperator = (found: unknown): found is Operator => (operators as readonly unknown[]).includes(found)

function checkIgnoreCase(path: string, operator: Operator, ignoreCase: unknown, report: Report): void {
  if (ignoreCase === undefined) return
  if (typeof ignoreCase !== 'boolean') report(`${path}.ignoreCase`, ignoreCase, 'true or false')
  else if (!textOperators.includes(operator))
    report(`${path}.ignoreCase`, ignoreCase, `one of ${textOperators.join(' ')} beside it`)
}

function expectedValue(
  operator: Operator,
  value: unknown,
  ignoreCase: boolean,
  { segments, patterns }: ConditionSurroundings,
): string | null {
  if (operator === 'inSegment')
    return typeof value === 'string' && Object.hasOwn(segments, value) ? null : 'the name of a segment in segments'
  const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
  if (!isPlain || String(value).length > textLengthMax) return 'a text, a number, true or false'
  if (operator === 'matches') return patterns.problemOf(value, ignoreCase)
  return valueProblem(operator, value as string | number | boolean)
}
