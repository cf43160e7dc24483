/**
 * Conditions as Unleash's constraints.
 *
 * The properties of an Unleash context are flat texts, and are compared as such. What its clients would compute
 * otherwise for such a context is refused, by throwing `NotFollowed` with the reason.
 */
import type { Condition } from '@dankai/flags'
import { all, any, type Expression, leaf, not } from '../expression.ts'
import type { StepLeaf } from '../flag-steps.ts'
import type { UnleashConstraint } from './unleash-format.ts'

export class NotFollowed extends Error {}

export type ConstraintLeaf =
  | { readonly kind: 'constraint'; readonly constraint: UnleashConstraint }
  | { readonly kind: 'segment'; readonly name: string; readonly constraints: readonly UnleashConstraint[] }

export function constraintsOf(when: Expression<StepLeaf>): Expression<ConstraintLeaf> {
  switch (when.kind) {
    case 'all':
      return all(when.of.map(constraintsOf))
    case 'any':
      return any(when.of.map(constraintsOf))
    case 'leaf': {
      const found = constraintsOfLeaf(when.leaf, when.negated)
      return when.negated ? not(found) : found
    }
  }
}

function constraintsOfLeaf(found: StepLeaf, isNegated: boolean): Expression<ConstraintLeaf> {
  switch (found.kind) {
    case 'condition':
      return constraintsOfCondition(found.condition)
    case 'present':
      // A value that is not empty: any character of it.
      return constraint(found.attribute, { operator: 'REGEX', value: '\\d|\\D' })
    case 'segment': {
      const belongs = constraintsOf(found.belongs)
      const constraints = isNegated ? null : conjunctionOf(belongs)
      return constraints === null ? belongs : leaf({ kind: 'segment', name: found.name, constraints })
    }
  }
}

/** Unleash's segments are lists of which all must hold; null for any other. */
function conjunctionOf(belongs: Expression<ConstraintLeaf>): readonly UnleashConstraint[] | null {
  const parts = belongs.kind === 'all' ? belongs.of : [belongs]
  const constraints = parts.flatMap(part =>
    part.kind === 'leaf' && part.leaf.kind === 'constraint' ? [inverted(part.leaf.constraint, part.negated)] : [],
  )
  return constraints.length === parts.length ? constraints : null
}

export function inverted(found: UnleashConstraint, isNegated: boolean): UnleashConstraint {
  if (!isNegated) return found
  return found.operator === 'IN' ? { ...found, operator: 'NOT_IN' } : { ...found, inverted: true }
}

function constraintsOfCondition({ attribute, operator, values, ignoreCase = false }: Condition) {
  const each = (name: string): Expression<ConstraintLeaf> =>
    any(values.map(value => constraint(attribute, { operator: name, value: String(value) })))
  switch (operator) {
    case 'is':
      if (ignoreCase) throw new NotFollowed('Unleash compares whole values with regard to case only')
      return constraint(attribute, { operator: 'IN', values: textsOf(values) })
    case 'startsWith':
      return constraint(attribute, { operator: 'STR_STARTS_WITH', values: textsOf(values), ...caseOf(ignoreCase) })
    case 'endsWith':
      return constraint(attribute, { operator: 'STR_ENDS_WITH', values: textsOf(values), ...caseOf(ignoreCase) })
    case 'contains':
      return constraint(attribute, { operator: 'STR_CONTAINS', values: textsOf(values), ...caseOf(ignoreCase) })
    case 'matches':
      for (const value of values) checkPattern(String(value))
      return any(
        values.map(value => constraint(attribute, { operator: 'REGEX', value: String(value), ...caseOf(ignoreCase) })),
      )
    case 'before':
      return dateConstraint(attribute, 'DATE_BEFORE', values)
    case 'after':
      return dateConstraint(attribute, 'DATE_AFTER', values)
    case 'cidr':
      return constraint(attribute, { operator: 'IN_CIDR', values: textsOf(values) })
    case 'exists':
      // Its clients match an expression against texts only, and any text has a beginning.
      return constraint(attribute, { operator: 'REGEX', value: '^' })
    case 'inSegment':
      throw new NotFollowed('a segment that is not known')
    default:
      return each(numberOperators[operator])
  }
}

const numberOperators = {
  '=': 'NUM_EQ',
  '<': 'NUM_LT',
  '<=': 'NUM_LTE',
  '>': 'NUM_GT',
  '>=': 'NUM_GTE',
  'semver=': 'SEMVER_EQ',
  'semver<': 'SEMVER_LT',
  'semver<=': 'SEMVER_LTE',
  'semver>': 'SEMVER_GT',
  'semver>=': 'SEMVER_GTE',
} as const

function constraint(attribute: string, rest: Omit<UnleashConstraint, 'contextName'>): Expression<ConstraintLeaf> {
  return leaf({ kind: 'constraint', constraint: { contextName: contextNameOf(attribute), ...rest } })
}

/** The user of an Unleash context is the targeting key. */
export function contextNameOf(attribute: string): string {
  if (attribute === 'targetingKey') return 'userId'
  if (attribute in Object.prototype || attribute === 'properties')
    throw new NotFollowed(`an attribute named "${attribute}"`)
  return attribute
}

function dateConstraint(attribute: string, operator: string, values: Condition['values']) {
  if (attribute !== 'currentTime')
    throw new NotFollowed(`Unleash compares moments with the present time only, not with "${attribute}"`)
  if (!values.every(value => typeof value === 'string'))
    throw new NotFollowed('a moment in milliseconds, which Unleash does not read; write it as 2026-03-01T09:00:00Z')
  return any(values.map(value => constraint(attribute, { operator, value })))
}

const caseOf = (ignoreCase: boolean): { caseInsensitive?: true } => (ignoreCase ? { caseInsensitive: true } : {})

/** Its clients leave out empty values and cut spaces off. */
function textsOf(values: Condition['values']): readonly string[] {
  const texts = values.map(String)
  const odd = texts.find(text => text === '' || text !== text.trim())
  if (odd !== undefined) throw new NotFollowed(`the value ${JSON.stringify(odd)}, whose spaces Unleash would cut off`)
  return texts
}

/** Its clients read RE2, where these signs mean something else than in ECMAScript. */
function checkPattern(pattern: string): void {
  if (/\\[sSuv]|\[\[?\^?[\]:]|\[[^\]]*\[:|[^\x20-\x7e]/.test(pattern))
    throw new NotFollowed(`the regular expression ${JSON.stringify(pattern)}, which Unleash would read otherwise`)
}
