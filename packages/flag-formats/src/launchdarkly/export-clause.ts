/**
 * Conditions as clauses that match exactly the same contexts.
 *
 * 1. Negated here, a condition holds for whoever lacks the attribute; a negated clause does not. So the condition
 *    becomes a segment, and the clause asks for whoever does not belong.
 * 2. What one clause cannot say (several places, several operators) is a segment with a rule for each.
 * 3. What a segment says is in its key, so that no client ever has a flag with segments of another version of it.
 * 4. An operator that LaunchDarkly lacks and that others cannot stand for is refused by name.
 */
import type { Condition, FlagDefinition, JsonValue } from '@dankai/flags'
import { type AttributeReference, referencesTo } from './attribute-reference.ts'
import { CannotFollow } from './cannot-follow.ts'
import { foldedPattern } from './folded-pattern.ts'
import type { LaunchDarklyClause, LaunchDarklySegment, LaunchDarklySegmentRule } from './launchdarkly-flag.ts'

type Test = Pick<LaunchDarklyClause, 'op' | 'values' | 'negate'>

export class ClauseExport {
  readonly segments = new Map<string, LaunchDarklySegment>()
  readonly #flag: FlagDefinition

  constructor(flag: FlagDefinition) {
    this.#flag = flag
  }

  clausesOf(conditions: readonly Condition[]): readonly LaunchDarklyClause[] {
    return conditions.map(condition => this.#clauseOf(condition, conditions))
  }

  belongsTo(segments: readonly string[], negate = false): LaunchDarklyClause {
    return { attribute: '', op: 'segmentMatch', values: segments.map(name => this.#ownSegment(name)), negate }
  }

  /** Whoever all of the clauses match, as one clause that may be negated. */
  allOf(clauses: readonly LaunchDarklyClause[], negate: boolean): LaunchDarklyClause {
    return this.#match([{ id: '1', clauses }], negate)
  }

  /** A segment whose key is given: its buckets are made from that. */
  put(key: string, salt: string, rules: readonly LaunchDarklySegmentRule[]): void {
    this.segments.set(key, { ...this.#blank, key, salt, rules })
  }

  get #blank(): LaunchDarklySegment {
    const { key, version } = this.#flag
    return { key, version, included: [], excluded: [], rules: [], salt: '', deleted: false }
  }

  #clauseOf(condition: Condition, beside: readonly Condition[]): LaunchDarklyClause {
    const { attribute, operator, values, negated } = condition
    if (operator === 'inSegment') return this.belongsTo(values.map(String), negated)
    const tests = testsOf(condition)
    const clauses = referencesTo(attribute).flatMap(reference => tests.map(test => clauseOf(reference, test)))
    const [only] = clauses
    if (clauses.length === 1 && only !== undefined) {
      if (!negated) return only
      if (!only.negate && beside.some(other => isExistence(other, attribute))) return { ...only, negate: true }
    }
    return this.#match(
      clauses.map((clause, index) => ({ id: String(index + 1), clauses: [clause] })),
      negated,
    )
  }

  #ownSegment(name: string): string {
    const segment = this.#flag.segments[name] ?? { include: {} }
    const included = Object.entries(segment.include).map(
      ([attribute, values]): Condition => ({ attribute, operator: 'is', values, negated: false }),
    )
    const rules = [included, ...(segment.rules ?? [])]
      .filter(conditions => conditions.length > 0)
      .map((conditions, index) => ({ id: String(index + 1), clauses: this.clausesOf(conditions) }))
    return this.#keep(`#${name}`, { included: segment.keys ?? [], excluded: segment.excludedKeys ?? [], rules })
  }

  #match(rules: readonly LaunchDarklySegmentRule[], negate: boolean): LaunchDarklyClause {
    return { attribute: '', op: 'segmentMatch', values: [this.#keep('', { rules })], negate }
  }

  /** Neither `#` nor `~` can be in the key of a flag, so no two flags share a segment. */
  #keep(name: string, said: Partial<LaunchDarklySegment>): string {
    const key = `${this.#flag.key}${name}~${digestOf(JSON.stringify(said))}`
    this.segments.set(key, { ...this.#blank, ...said, key })
    return key
  }
}

/** 64 bits that tell the contents of one flag's segments apart; nobody gains by finding two that are alike. */
function digestOf(text: string): string {
  let one = 0x811c9dc5
  let other = 0x9e3779b9
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    one = Math.imul(one ^ unit, 0x01000193)
    other = Math.imul(other + unit, 0x85ebca6b)
    other ^= other >>> 15
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36)
}

const isExistence = ({ attribute, operator, negated }: Condition, asked: string): boolean =>
  operator === 'exists' && !negated && attribute === asked

const clauseOf = (reference: AttributeReference, test: Test): LaunchDarklyClause => ({ ...reference, ...test })

const test = (op: string, values: readonly JsonValue[]): Test => ({ op, values, negate: false })

/** Any one suffices. */
function testsOf({ operator, values, ignoreCase = false }: Condition): readonly Test[] {
  const texts = values.map(String)
  switch (operator) {
    case 'is':
      return ignoreCase ? foldedEquality(texts) : [test('in', texts.flatMap(alikes))]
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return ignoreCase
        ? [
            test(
              'matches',
              texts.map(text => foldedPattern(text, operator)),
            ),
          ]
        : [test(operator, texts)]
    case 'matches':
      if (ignoreCase) throw new CannotFollow('LaunchDarkly has no regular expressions that ignore case')
      return [test('matches', texts)]
    case '=':
      return [test('in', values.map(Number))]
    case '<':
      return [test('lessThan', values.map(Number))]
    case '<=':
      return [test('lessThanOrEqual', values.map(Number))]
    case '>':
      return [test('greaterThan', values.map(Number))]
    case '>=':
      return [test('greaterThanOrEqual', values.map(Number))]
    case 'before':
    case 'after':
      return [test(operator, values.map(momentOf))]
    case 'semver=':
      return [test('semVerEqual', texts)]
    case 'semver<':
      return [test('semVerLessThan', texts)]
    case 'semver<=':
      return [test('semVerLessThan', texts), test('semVerEqual', texts)]
    case 'semver>':
      return [test('semVerGreaterThan', texts)]
    case 'semver>=':
      return [test('semVerGreaterThan', texts), test('semVerEqual', texts)]
    case 'exists':
      // Not one of none: true for whatever is there.
      return [{ op: 'in', values: [], negate: true }]
    default:
      throw new CannotFollow(`LaunchDarkly has no operator for "${operator}"`)
  }
}

/** What reads as the text: LaunchDarkly compares types as well. */
function alikes(text: string): readonly JsonValue[] {
  const number = Number(text)
  const others: JsonValue[] = Number.isFinite(number) && String(number) === text ? [number] : []
  if (text === 'true' || text === 'false') others.push(text === 'true')
  return [text, ...others]
}

function foldedEquality(texts: readonly string[]): readonly Test[] {
  const others = texts.flatMap(text => alikes(text.toLowerCase()).slice(1))
  const patterns = test(
    'matches',
    texts.map(text => foldedPattern(text, 'is')),
  )
  return others.length === 0 ? [patterns] : [patterns, test('in', others)]
}

/** A moment as LaunchDarkly reads it: it knows no dates without a time and no small letters. */
function momentOf(value: string | number | boolean): JsonValue {
  if (typeof value !== 'string') return Number(value)
  if (/:60(?:\.|[Zz+-])/.test(value)) throw new CannotFollow('LaunchDarkly knows no leap seconds')
  return value.length === 10 ? `${value}T00:00:00Z` : value.replace(/[t ]/, 'T').replace('z', 'Z')
}
