/**
 * JsonLogic as our conditions; what has no equivalent is thrown as `NotCarriedOver`.
 *
 * JsonLogic counts an absent number as 0, and `==` takes it for false as well. Where that would match, "or it is absent"
 * is added, unless the logic asks for a number first, as our own exports do.
 */
import type { Condition, Operator } from '@dankai/flags'
import { all, always, any, type Expression, leaf, never, not } from '../expression.ts'
import { isFields, listOf } from '../given-json.ts'
import { type Comparison, holdsForZero } from '../holds-for-zero.ts'
import { conditionProblem } from '../sound-part.ts'
import { isNumberLogic, isTextLogic } from './flagd-logic.ts'

export class NotCarriedOver extends Error {}

type Conditions = Expression<Condition>

export function conditionsOf(logic: unknown, isGuarded = false): Conditions {
  if (logic === true) return always
  if (logic === false || logic === null) return never
  const [operator, args] = operationOf(logic)
  switch (operator) {
    case 'and':
      return all(withoutGuards(args).map(part => conditionsOf(part, isGuarded || args.some(isNumberGuard))))
    case 'or':
      return any(args.map(part => conditionsOf(part, isGuarded)))
    case '!':
      return not(conditionsOf(args[0], isGuarded))
    case '===':
      return equality(args)
    case '!==':
      return not(equality(args))
    case '==':
      return looseEquality(args)
    case '!=':
      return not(looseEquality(args))
    case 'in':
      return membership(args)
    case 'some':
      return someOf(args)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(operator, args, isGuarded)
    case 'starts_with':
      return condition(attributeOf(args[0]), 'startsWith', [literal(args[1])])
    case 'ends_with':
      return condition(attributeOf(args[0]), 'endsWith', [literal(args[1])])
    case 'sem_ver':
      return version(args)
    default:
      throw new NotCarriedOver(`"${operator}" as a condition has no equivalent`)
  }
}

export function operationOf(logic: unknown): readonly [operator: string, args: readonly unknown[]] {
  const entries = isFields(logic) ? Object.entries(logic) : []
  const [entry] = entries
  if (entry === undefined || entries.length !== 1)
    throw new NotCarriedOver(`found ${JSON.stringify(logic)?.slice(0, 60)}, expected an operation`)
  return [entry[0], Array.isArray(entry[1]) ? entry[1] : [entry[1]]]
}

/** Our own exports ask for the type first; our conditions do so by themselves. */
function withoutGuards(args: readonly unknown[]): readonly unknown[] {
  return args.filter(part => !isNumberGuard(part) && !isTextGuard(part))
}

function isTextGuard(part: unknown): boolean {
  const value = isFields(part) ? listOf(part['==='])[1] : undefined
  return value !== undefined && isSame(part, isTextLogic(value as never))
}

function isNumberGuard(part: unknown): boolean {
  const first = isFields(part) ? listOf(part['and'])[0] : undefined
  const value = isFields(first) ? listOf(first['!=='])[0] : undefined
  return value !== undefined && isSame(part, isNumberLogic(value as never))
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** The name of the attribute that is read; dots lead into objects. */
export function attributeOf(logic: unknown): string {
  const [operator, args] = operationOf(logic)
  // A name with dots is looked up whole first by our own exports.
  if (operator === 'if') return attributeOf(args[2])
  const [name, fallback] = args
  if (operator !== 'var' || typeof name !== 'string' || name === '')
    throw new NotCarriedOver(`found ${JSON.stringify(logic).slice(0, 60)}, expected {"var": NAME}`)
  if (fallback !== undefined && fallback !== null) throw new NotCarriedOver(`"var" with a value for what is absent`)
  if (name.startsWith('$flagd.')) throw new NotCarriedOver(`"${name}" as a condition has no equivalent`)
  return name.replaceAll('\\.', '.')
}

function literal(found: unknown): string | number | boolean {
  if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') return found
  throw new NotCarriedOver(`found ${JSON.stringify(found)?.slice(0, 60)}, expected a text, a number, true or false`)
}

function condition(attribute: string, operator: Operator, values: Condition['values']): Conditions {
  const found: Condition = { attribute, operator, values, negated: false }
  if (values.length === 0 && operator !== 'exists') return never
  const problem = conditionProblem(found)
  if (problem !== null) throw new NotCarriedOver(problem)
  return leaf(found)
}

function equality([one, other]: readonly unknown[]): Conditions {
  const [read, expected] = isFields(one) ? [one, other] : [other, one]
  const attribute = attributeOf(read)
  return expected === null ? not(condition(attribute, 'exists', [])) : condition(attribute, 'is', [literal(expected)])
}

function looseEquality(args: readonly unknown[]): Conditions {
  const [one, other] = args
  const [read, expected] = isFields(one) ? [one, other] : [other, one]
  const found = equality(args)
  const isAlsoAbsent = expected === 0 || expected === false
  return isAlsoAbsent ? any([found, not(condition(attributeOf(read), 'exists', []))]) : found
}

function membership([part, whole]: readonly unknown[]): Conditions {
  if (Array.isArray(whole)) return condition(attributeOf(part), 'is', [...new Set(whole.map(literal).map(String))])
  return condition(attributeOf(whole), 'contains', [literal(part)])
}

/** Any element of a list that is one of the values. */
function someOf([list, test]: readonly unknown[]): Conditions {
  const [operator, args] = operationOf(list)
  const attribute = operator === 'merge' ? attributeOf(args[0]) : attributeOf(list)
  const [of, [element, values]] = operationOf(test)
  if (of !== 'in' || !isSame(operationOf(element), ['var', ['']]) || !Array.isArray(values))
    throw new NotCarriedOver('"some" with another test than "in" has no equivalent')
  return condition(attribute, 'is', [...new Set(values.map(literal).map(String))])
}

const turned = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

function comparison(operator: Comparison, args: readonly unknown[], isGuarded: boolean): Conditions {
  if (args.length === 3)
    return all([comparison(operator, args.slice(0, 2), isGuarded), comparison(operator, args.slice(1), isGuarded)])
  const [one, other] = args
  if (!isFields(one)) return comparison(turned[operator], [other, one], isGuarded)
  const expected = Number(literal(other))
  const attribute = attributeOf(one)
  const found = condition(attribute, operator, [expected])
  return isGuarded || !holdsForZero(operator, expected) ? found : any([found, not(condition(attribute, 'exists', []))])
}

function version([read, sign, given]: readonly unknown[]): Conditions {
  const attribute = attributeOf(read)
  const text = String(literal(given)).replace(/^[vV]/, '')
  const full = /^\d+$/.test(text) ? `${text}.0.0` : /^\d+\.\d+$/.test(text) ? `${text}.0` : text
  const [major = 0, minor = 0] = full.split('.').map(Number)
  const between = (from: string, to: string): Conditions =>
    all([condition(attribute, 'semver>=', [from]), condition(attribute, 'semver<', [to])])
  switch (sign) {
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return condition(attribute, `semver${sign}`, [full])
    case '!=':
      // A text that is no version is not unequal to one there.
      return all([condition(attribute, 'semver>=', ['0.0.0-0']), not(condition(attribute, 'semver=', [full]))])
    case '^':
      return between(`${major}.0.0-0`, `${major + 1}.0.0-0`)
    case '~':
      return between(`${major}.${minor}.0-0`, `${major}.${minor + 1}.0-0`)
    default:
      throw new NotCarriedOver(`"sem_ver" with the operator ${JSON.stringify(sign)} has no equivalent`)
  }
}
