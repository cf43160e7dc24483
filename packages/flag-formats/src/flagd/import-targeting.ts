/**
 * Targeting of flagd as rules: a chain of `if`, which may be nested, and `fractional`.
 *
 * A clause that cannot be carried over is left out and named; as later clauses then decide for its users, the caller
 * switches such a flag off.
 */
import { type Condition, type FlagSegment, type Serve, weightTotal } from '@dankai/flags'
import { conditionsOfRule } from '../conditions-of-rule.ts'
import { all, always, type Expression } from '../expression.ts'
import { isFields } from '../given-json.ts'
import { attributeOf, conditionsOf, NotCarriedOver, operationOf } from './read-flagd-logic.ts'

export interface TargetedRule {
  readonly when: readonly Condition[]
  readonly share: number
  readonly by: string | null
  readonly seed: string | null
  readonly serve: Serve
}

export interface TargetingReader {
  readonly key: string
  readonly variants: Readonly<Record<string, unknown>>
  readonly defaultVariant: string
  /** Filled with what conditions name. */
  readonly segments: Record<string, FlagSegment>
  readonly note: (what: string, why: string) => unknown
  /** Told when a clause was left out. */
  readonly leftOut: () => void
}

export function importTargeting(targeting: unknown, reader: TargetingReader): readonly TargetedRule[] {
  return rulesOf(targeting, always, 'targeting', reader)
}

function rulesOf(
  result: unknown,
  when: Expression<Condition>,
  where: string,
  reader: TargetingReader,
): readonly TargetedRule[] {
  try {
    if (!isFields(result)) return ruled(when, { variant: variantOf(result, reader) }, reader)
    const [operator, args] = operationOf(result)
    if (operator === 'fractional') {
      const serve = splitOf(args, where, reader)
      if ('split' in serve && isFields(args[0]) && args[0]['cat'] !== undefined && !asksFor(serve.by, when))
        reader.note(where, lackingNote(serve.by))
      return ruled(when, serve, reader)
    }
    if (operator === 'if' || operator === '?:') return chainOf(args, when, where, reader)
    throw new NotCarriedOver(`"${operator}" as a result has no equivalent`)
  } catch (problem) {
    if (!(problem instanceof NotCarriedOver)) throw problem
    reader.note(where, problem.message)
    reader.leftOut()
    return []
  }
}

/** Texts put together are dealt there although one of them is missing; an attribute alone is not. */
const lackingNote = (by: string | null): string =>
  `whoever has no "${by ?? 'targetingKey'}" is served the default variant, instead of being dealt as one user`

function asksFor(by: string | null, when: Expression<Condition>): boolean {
  if (when.kind === 'all') return when.of.some(part => asksFor(by, part))
  if (when.kind === 'any') return false
  const { attribute, operator } = when.leaf
  return attribute === (by ?? 'targetingKey') && operator === 'exists' && !when.negated
}

function chainOf(
  args: readonly unknown[],
  when: Expression<Condition>,
  where: string,
  reader: TargetingReader,
): readonly TargetedRule[] {
  const rules: TargetedRule[] = []
  for (let index = 0; index + 1 < args.length; index += 2) {
    const place = `${where}.if[${index}]`
    try {
      const { share, rest } = shareOf(args[index], reader)
      const inner = rulesOf(args[index + 1], all([when, conditionsOf(rest)]), `${where}.if[${index + 1}]`, reader)
      rules.push(...(share === null ? inner : inner.map(rule => ({ ...rule, ...share }))))
    } catch (problem) {
      if (!(problem instanceof NotCarriedOver)) throw problem
      reader.note(place, problem.message)
      reader.leftOut()
    }
  }
  const last = args.length % 2 === 1 ? args.at(-1) : null
  return [...rules, ...rulesOf(last, when, `${where}.if[${args.length - 1}]`, reader)]
}

function ruled(when: Expression<Condition>, serve: Serve, { segments }: TargetingReader): readonly TargetedRule[] {
  const conditions = conditionsOfRule(when, segments, 'targeting')
  if (conditions === 'too many') throw new NotCarriedOver('a condition with too many ways of meeting it')
  return conditions === null ? [] : [{ when: conditions, share: 1, by: null, seed: null, serve }]
}

function variantOf(result: unknown, { variants, defaultVariant }: TargetingReader): string {
  if (result === null || result === undefined) return defaultVariant
  const name = String(result)
  if (!Object.hasOwn(variants, name)) throw new NotCarriedOver(`there is no variant "${name}"`)
  return name
}

type Share = Pick<TargetedRule, 'share' | 'by' | 'seed'>

/** `fractional` compared with its first bucket is a part of users. */
function shareOf(condition: unknown, reader: TargetingReader): { share: Share | null; rest: unknown } {
  const parts = isFields(condition) && Array.isArray(condition['and']) ? condition['and'] : [condition]
  const shares = parts.map(part => shareOfPart(part, reader))
  const share = shares.find(found => found !== null) ?? null
  if (share === null) return { share, rest: condition }
  return { share, rest: { and: parts.filter((_, index) => shares[index] === null) } }
}

function shareOfPart(part: unknown, { key }: TargetingReader): Share | null {
  if (!isFields(part)) return null
  const args = part['==='] ?? part['==']
  if (!Array.isArray(args) || !isFields(args[0]) || args[0]['fractional'] === undefined) return null
  const { by, seed, buckets } = bucketsOf(operationOf(args[0])[1], key)
  const total = buckets.reduce((sum, { weight }) => sum + weight, 0)
  const [first, ...others] = buckets
  if (
    first === undefined ||
    first.variant !== args[1] ||
    others.some(({ variant }) => variant === args[1]) ||
    total === 0
  )
    throw new NotCarriedOver('"fractional" compared with another bucket than its first has no equivalent')
  return { share: first.weight / total, by, seed }
}

function splitOf(args: readonly unknown[], where: string, reader: TargetingReader): Serve {
  const { by, seed, buckets } = bucketsOf(args, reader.key)
  const total = buckets.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return { variant: reader.defaultVariant }
  if (buckets.some(({ weight }) => (weight * weightTotal) % total !== 0))
    reader.note(where, `weights that sum to ${total} are rounded to thousandths of a percent`)
  let sum = 0
  let before = 0
  const split = buckets.map(({ variant, weight }) => {
    sum += weight
    const upTo = Math.round((sum * weightTotal) / total)
    const part = { variant: variantOf(variant, reader), weight: upTo - before }
    before = upTo
    return part
  })
  return { split, by, seed, experiment: false }
}

interface Bucket {
  readonly variant: unknown
  readonly weight: number
}

function bucketsOf(args: readonly unknown[], key: string) {
  const [first, ...rest] = args
  const isKeyed = first !== undefined && !Array.isArray(first)
  const buckets = (isKeyed ? rest : args).map(bucketOf)
  return { ...(isKeyed ? keyOf(first, key) : { by: null, seed: key }), buckets }
}

function bucketOf(given: unknown): Bucket {
  const [variant, weight = 1] = Array.isArray(given) ? given : []
  const isPlain = variant === null || ['string', 'number', 'boolean'].includes(typeof variant)
  if (!isPlain || !Number.isInteger(weight))
    throw new NotCarriedOver('"fractional" with computed buckets has no equivalent')
  return { variant, weight: Math.max(0, weight as number) }
}

/** What users are dealt by: texts, the key of the flag, and one attribute at the end. */
function keyOf(logic: unknown, key: string): { by: string | null; seed: string } {
  const [operator, args] = operationOf(logic)
  const parts = operator === 'cat' ? args : [logic]
  const seed = parts.slice(0, -1).map(part => {
    if (typeof part === 'string') return part
    const [name, [of]] = operationOf(part)
    if (name === 'var' && of === '$flagd.flagKey') return key
    throw new NotCarriedOver('"fractional" by several attributes has no equivalent')
  })
  const attribute = attributeOf(parts.at(-1))
  return { by: attribute === 'targetingKey' ? null : attribute, seed: seed.join('') }
}

/** The serve of a last rule that is for everybody, and the rules before it. */
export function splitOffLast(rules: readonly TargetedRule[]): {
  readonly rules: readonly TargetedRule[]
  readonly otherwise: Serve | null
} {
  const end = rules.findIndex(({ when, share }) => when.length === 0 && share === 1)
  return end < 0 ? { rules, otherwise: null } : { rules: rules.slice(0, end), otherwise: rules[end]!.serve }
}
