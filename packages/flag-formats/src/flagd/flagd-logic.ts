/**
 * Conditions as flagd's JsonLogic.
 *
 * JsonLogic counts an absent number as 0, `true` as 1 and fails on a text that is none; so every comparison first asks
 * for the type. Of a list any element suffices for `is`; the other operators read single values.
 */
import type { Condition, JsonValue } from '@dankai/flags'
import type { Expression } from '../expression.ts'
import type { StepLeaf } from '../flag-steps.ts'

export class NotFollowed extends Error {}

export function logicOf(when: Expression<StepLeaf>): JsonValue {
  switch (when.kind) {
    case 'all':
      return when.of.length === 0 ? true : { and: when.of.map(logicOf) }
    case 'any':
      return when.of.length === 0 ? false : { or: when.of.map(logicOf) }
    case 'leaf': {
      const logic = logicOfLeaf(when.leaf)
      return when.negated ? { '!': [logic] } : logic
    }
  }
}

export function andLogic(...parts: readonly JsonValue[]): JsonValue {
  const needed = parts.filter(part => part !== true)
  return needed.length === 0 ? true : needed.length === 1 ? needed[0]! : { and: needed }
}

function logicOfLeaf(found: StepLeaf): JsonValue {
  switch (found.kind) {
    case 'condition':
      return logicOfCondition(found.condition)
    case 'present':
      return presentLogic(found.attribute)
    case 'segment':
      return logicOf(found.belongs)
  }
}

export function presentLogic(attribute: string): JsonValue {
  const value = attributeLogic(attribute)
  return { and: [{ '!==': [value, null] }, { '!==': [value, ''] }] }
}

export const absentLogic = (attribute: string): JsonValue => ({ '!': [presentLogic(attribute)] })

/** A name with dots is looked up whole, then as a path. */
export function attributeLogic(attribute: string): JsonValue {
  const steps = attribute.split('.')
  // Names that JavaScript finds on every object, or in every text, would be found by its clients.
  const isOdd = (step: string): boolean => step in Object.prototype || step === 'length' || /^\d*$/.test(step)
  if (steps.some(isOdd) || /[\\/$]/.test(attribute)) throw new NotFollowed(`an attribute named "${attribute}"`)
  if (steps.length === 1) return { var: [attribute] }
  const whole = { var: [steps.join('\\.')] }
  return { if: [{ '!==': [whole, null] }, whole, { var: [attribute] }] }
}

export const isTextLogic = (value: JsonValue): JsonValue => ({ '===': [{ cat: [value] }, value] })

export function isNumberLogic(value: JsonValue): JsonValue {
  const others: readonly JsonValue[] = [null, true, false]
  return { and: [...others.map(other => ({ '!==': [value, other] })), { '!': [isTextLogic(value)] }] }
}

function logicOfCondition({ attribute, operator, values, ignoreCase = false }: Condition): JsonValue {
  if (ignoreCase) throw new NotFollowed('flagd compares texts with regard to case only')
  const value = attributeLogic(attribute)
  const anyOf = (each: (expected: string | number | boolean) => JsonValue): JsonValue =>
    values.length === 1 ? each(values[0]!) : { or: values.map(each) }
  switch (operator) {
    case 'is':
      return { some: [{ merge: [value] }, { in: [{ var: [''] }, spellingsOf(values)] }] }
    case 'startsWith':
      return anyOf(expected => ({ starts_with: [value, String(expected)] }))
    case 'endsWith':
      return anyOf(expected => ({ ends_with: [value, String(expected)] }))
    case 'contains':
      return { and: [isTextLogic(value), anyOf(expected => ({ in: [String(expected), value] }))] }
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const sign = operator === '=' ? '===' : operator
      return { and: [isNumberLogic(value), anyOf(expected => ({ [sign]: [value, Number(expected)] }))] }
    }
    case 'semver=':
    case 'semver<':
    case 'semver<=':
    case 'semver>':
    case 'semver>=': {
      const sign = operator.slice('semver'.length)
      const isPlain = [{ starts_with: [value, 'v'] }, { starts_with: [value, 'V'] }].map(logic => ({ '!': [logic] }))
      return {
        and: [isTextLogic(value), ...isPlain, anyOf(expected => ({ sem_ver: [value, sign, String(expected)] }))],
      }
    }
    case 'exists':
      return { '!==': [value, null] }
    default:
      throw new NotFollowed(`flagd has nothing like the operator ${operator}`)
  }
}

/** We compare as text: 42 is "42". JsonLogic does not. */
function spellingsOf(values: Condition['values']): readonly JsonValue[] {
  return [...new Set(values.map(String))].flatMap(text => {
    const spellings: JsonValue[] = [text]
    if (text === 'true' || text === 'false') spellings.push(text === 'true')
    if (String(Number(text)) === text && Number.isFinite(Number(text))) spellings.push(Number(text))
    return spellings
  })
}
