/** Constraints of Unleash as our conditions. */
import type { Condition, Operator } from '@dankai/flags'
import { type Fields, textOf, textsIn } from '../given-json.ts'
import { conditionProblem } from '../sound-part.ts'

/** A condition; what holds or fails for everybody; or why it cannot be carried over. */
export type ImportedConstraint =
  | { readonly kind: 'condition'; readonly condition: Condition }
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'problem'; readonly why: string }

const operatorOf: Readonly<Record<string, Operator>> = {
  IN: 'is',
  NOT_IN: 'is',
  STR_STARTS_WITH: 'startsWith',
  STR_ENDS_WITH: 'endsWith',
  STR_CONTAINS: 'contains',
  NUM_EQ: '=',
  NUM_LT: '<',
  NUM_LTE: '<=',
  NUM_GT: '>',
  NUM_GTE: '>=',
  SEMVER_EQ: 'semver=',
  SEMVER_LT: 'semver<',
  SEMVER_LTE: 'semver<=',
  SEMVER_GT: 'semver>',
  SEMVER_GTE: 'semver>=',
  DATE_AFTER: 'after',
  DATE_BEFORE: 'before',
  REGEX: 'matches',
  IN_CIDR: 'cidr',
}

export function importConstraint(given: Fields): ImportedConstraint {
  const name = textOf(given['operator']) ?? ''
  const operator = Object.hasOwn(operatorOf, name) ? operatorOf[name]! : null
  if (operator === null) return { kind: 'problem', why: `the operator "${name}" has no equivalent` }
  const negated = (given['inverted'] === true) !== (name === 'NOT_IN')
  if (name === 'REGEX' && given['value'] === '^') return condition(given, 'exists', [], negated)
  const values = valuesOf(given, operator)
  // Its clients take a constraint without a value that can be read for one that does not hold.
  if (values.length === 0) return { kind: negated ? 'always' : 'never' }
  return condition(given, operator, values, negated)
}

function condition(
  given: Fields,
  operator: Operator,
  values: Condition['values'],
  negated: boolean,
): ImportedConstraint {
  const contextName = textOf(given['contextName']) ?? ''
  const attribute = operator === 'before' || operator === 'after' ? 'currentTime' : attributeOf(contextName)
  const isOfText = ['startsWith', 'endsWith', 'contains', 'matches'].includes(operator)
  const ignoreCase = isOfText && given['caseInsensitive'] === true ? { ignoreCase: true } : {}
  const found: Condition = { attribute, operator, values, negated, ...ignoreCase }
  const problem = conditionProblem(found)
  return problem === null ? { kind: 'condition', condition: found } : { kind: 'problem', why: problem }
}

/** The user of an Unleash context is the targeting key. */
export const attributeOf = (contextName: string): string => (contextName === 'userId' ? 'targetingKey' : contextName)

function valuesOf(given: Fields, operator: Operator): Condition['values'] {
  const value = textOf(given['value']) ?? ''
  switch (operator) {
    case 'is':
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return textsIn(given['values']).flatMap(text => (text === '' ? [] : [text.trim()]))
    case 'cidr':
      return textsIn(given['values']).filter(text => isSound('cidr', text))
    case 'matches':
    case 'before':
    case 'after':
      return value === '' ? [] : [value]
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return value.trim() !== '' && Number.isFinite(Number(value)) ? [Number(value)] : []
    default:
      return isSound(operator, value) ? [value] : []
  }
}

const isSound = (operator: Operator, value: string): boolean =>
  conditionProblem({ attribute: 'probe', operator, values: [value], negated: false }) === null
