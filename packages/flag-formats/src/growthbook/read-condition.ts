/** Conditions of GrowthBook, which are queries as MongoDB has them, as ours. */
import type { Condition, Operator } from '@dankai/flags'
import { all, any, type Expression, leaf, never, not } from '../expression.ts'
import { type Fields, fieldsOf, isFields, listOf } from '../given-json.ts'
import { holdsForZero } from '../holds-for-zero.ts'
import { conditionProblem } from '../sound-part.ts'

export class NotCarriedOver extends Error {}

type Conditions = Expression<Condition>

/** GrowthBook's users are known by the attribute `id`. */
export const attributeNamed = (name: string): string => (name === 'id' ? 'targetingKey' : name)

export function conditionsOf(given: unknown, savedGroups: Fields): Conditions {
  if (!isFields(given)) throw new NotCarriedOver('found no condition')
  const parts = Object.entries(given).map(([name, expected]) => {
    const inner = (): readonly Conditions[] => listOf(expected).map(one => conditionsOf(one, savedGroups))
    switch (name) {
      case '$and':
        return all(inner())
      case '$or':
        return anyOf(inner())
      case '$nor':
        return not(anyOf(inner()))
      case '$not':
        return not(conditionsOf(expected, savedGroups))
      default:
        return fieldConditions(attributeNamed(name), expected, savedGroups)
    }
  })
  return all(parts)
}

/** Of no conditions any one holds, there. */
const anyOf = (conditions: readonly Conditions[]): Conditions =>
  conditions.length === 0 ? all<Condition>([]) : any(conditions)

function fieldConditions(attribute: string, expected: unknown, savedGroups: Fields): Conditions {
  if (!isFields(expected)) return equals(attribute, expected)
  const entries = Object.entries(expected)
  if (entries.length === 0 || entries.some(([name]) => !name.startsWith('$')))
    throw new NotCarriedOver(`"${attribute}" compared with an object has no equivalent`)
  return all(entries.map(([name, value]) => operation(attribute, name, value, savedGroups)))
}

const compared: Readonly<Record<string, Operator>> = {
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
  $veq: 'semver=',
  $vgt: 'semver>',
  $vgte: 'semver>=',
  $vlt: 'semver<',
  $vlte: 'semver<=',
  $regex: 'matches',
}

function operation(attribute: string, name: string, value: unknown, savedGroups: Fields): Conditions {
  const operator = Object.hasOwn(compared, name) ? compared[name] : undefined
  if (operator !== undefined) return comparison(attribute, operator, plain(value))
  switch (name) {
    case '$eq':
      return equals(attribute, value)
    case '$ne':
      return not(equals(attribute, value))
    case '$in':
      return condition(attribute, 'is', listOf(value).map(plain))
    case '$nin':
      return not(condition(attribute, 'is', listOf(value).map(plain)))
    case '$ini':
      return condition(attribute, 'is', listOf(value).map(plain), true)
    case '$nini':
      return not(condition(attribute, 'is', listOf(value).map(plain), true))
    case '$regexi':
      return condition(attribute, 'matches', [plain(value)], true)
    case '$notRegex':
      return not(condition(attribute, 'matches', [plain(value)]))
    case '$vne':
      return not(condition(attribute, 'semver=', [plain(value)]))
    case '$exists':
      return value === false ? not(condition(attribute, 'exists', [])) : condition(attribute, 'exists', [])
    case '$not':
      return not(fieldConditions(attribute, value, savedGroups))
    case '$inGroup':
      return group(attribute, value, savedGroups)
    case '$notInGroup':
      return not(group(attribute, value, savedGroups))
    case '$elemMatch': {
      // One test of any element is what ours do with a list; several would have to hold for the same element.
      if (Object.keys(fieldsOf(value)).length === 1) return fieldConditions(attribute, value, savedGroups)
      throw new NotCarriedOver(`"${attribute}": $elemMatch of several tests has no equivalent`)
    }
    default:
      throw new NotCarriedOver(`"${attribute}": ${name} has no equivalent`)
  }
}

/** GrowthBook counts an absent number as 0: where that would match, "or it is absent" is added. */
function comparison(attribute: string, operator: Operator, expected: string | number | boolean): Conditions {
  const found = condition(attribute, operator, [expected])
  const isOfNumbers = operator === '<' || operator === '<=' || operator === '>' || operator === '>='
  return isOfNumbers && holdsForZero(operator, Number(expected))
    ? any([found, not(condition(attribute, 'exists', []))])
    : found
}

function group(attribute: string, name: unknown, savedGroups: Fields): Conditions {
  const values = savedGroups[String(name)]
  if (!Array.isArray(values)) throw new NotCarriedOver(`the saved group "${String(name)}" is not in the export`)
  return condition(attribute, 'is', values.map(plain))
}

function equals(attribute: string, value: unknown): Conditions {
  return value === null ? not(condition(attribute, 'exists', [])) : condition(attribute, 'is', [plain(value)])
}

function plain(value: unknown): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  throw new NotCarriedOver(`found ${JSON.stringify(value)?.slice(0, 60)}, expected a text, a number, true or false`)
}

function condition(attribute: string, operator: Operator, values: Condition['values'], ignoreCase = false): Conditions {
  if (values.length === 0 && operator !== 'exists') return never
  const found: Condition = { attribute, operator, values, negated: false, ...(ignoreCase ? { ignoreCase } : {}) }
  const problem = conditionProblem(found)
  if (problem !== null) throw new NotCarriedOver(problem)
  return leaf(found)
}
