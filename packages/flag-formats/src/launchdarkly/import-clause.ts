/** Clauses as conditions that match the same users; what has no equivalent is thrown as `CannotCarry` with its name. */
import type { Condition, JsonValue, Operator } from '@dankai/flags'
import { attributeOf } from './attribute-reference.ts'
import type { LaunchDarklyClause } from './launchdarkly-flag.ts'

export class CannotCarry extends Error {}

/** How a segment that clauses name is taken along; the name it has in the flag. */
export type TakeSegment = (key: string) => string

const operatorOf: Readonly<Record<string, Operator>> = {
  in: 'is',
  startsWith: 'startsWith',
  endsWith: 'endsWith',
  contains: 'contains',
  matches: 'matches',
  lessThan: '<',
  lessThanOrEqual: '<=',
  greaterThan: '>',
  greaterThanOrEqual: '>=',
  before: 'before',
  after: 'after',
  semVerEqual: 'semver=',
  semVerLessThan: 'semver<',
  semVerGreaterThan: 'semver>',
}

/** Two conditions for a clause turned round: there, whoever lacks the attribute does not match. */
export function conditionsOf(clause: LaunchDarklyClause, takeSegment: TakeSegment): readonly Condition[] {
  const { op, negate = false, contextKind = 'user' } = clause
  const values = clause.values ?? []
  if (op === 'segmentMatch') {
    const names = values.map(value => takeSegment(String(value)))
    return [{ attribute: '', operator: 'inSegment', values: names, negated: negate }]
  }
  if (contextKind !== 'user') throw new CannotCarry(`it asks for contexts of kind "${contextKind}", not for users`)
  const attribute = attributeOf(clause.attribute, clause.contextKind)
  if (attribute === null) throw new CannotCarry(`its attribute "${clause.attribute}" cannot be named here`)
  const exists: Condition = { attribute, operator: 'exists', values: [], negated: false }
  if (op === 'in' && negate && values.length === 0) return [exists]
  const operator = Object.hasOwn(operatorOf, op) ? operatorOf[op] : undefined
  if (operator === undefined) throw new CannotCarry(`its operator "${op}" is not known here`)
  if (values.length === 0) throw new CannotCarry('it has no values, so nothing ever matches it')
  const condition: Condition = {
    attribute,
    operator,
    values: values.map(value => carriedValue(operator, value)),
    negated: negate,
  }
  return negate ? [exists, condition] : [condition]
}

function carriedValue(operator: Operator, value: JsonValue): string | number | boolean {
  if (typeof value === 'object') throw new CannotCarry('one of its values is no text, number, true or false')
  const expectsNumber = ['<', '<=', '>', '>='].includes(operator)
  if (expectsNumber && typeof value !== 'number') throw new CannotCarry('it compares numbers with something else')
  const isMoment = operator === 'before' || operator === 'after'
  if (isMoment && typeof value === 'string' && !value.includes('T'))
    throw new CannotCarry(`it compares moments with "${value}", which is none there, so nothing ever matches it`)
  return operator.startsWith('semver') ? fullVersion(String(value)) : value
}

/** Missing parts are zeros. */
function fullVersion(text: string): string {
  const [numbers = ''] = /^\d+(?:\.\d+){0,2}/.exec(text) ?? []
  const missing = numbers === '' ? 0 : 3 - numbers.split('.').length
  return numbers + '.0'.repeat(missing) + text.slice(numbers.length)
}

/** Equal here by text, there by type as well. */
export const comparesTypes = ({ op, values }: LaunchDarklyClause): boolean =>
  op === 'in' && (values ?? []).some(value => typeof value !== 'string' || readsAsOther(value))

const readsAsOther = (text: string): boolean =>
  text === 'true' || text === 'false' || (text !== '' && String(Number(text)) === text)
