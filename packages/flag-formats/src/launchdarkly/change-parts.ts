/** Parts of a flag as patches give them, in our words. */
import {
  type Condition,
  type FlagDefinition,
  type FlagPrerequisite,
  type FlagRule,
  type Serve,
  weightTotal,
} from '@dankai/flags'
import { type Fields, isFields } from '../given-json.ts'
import { attributeOf } from './attribute-reference.ts'
import { CannotCarry, conditionsOf } from './import-clause.ts'
import type { LaunchDarklyClause, WeightedVariation } from './launchdarkly-flag.ts'
import { PatchProblem } from './patch-problem.ts'

export function variantAt(flag: FlagDefinition, place: unknown): string {
  const name = typeof place === 'number' ? Object.keys(flag.variants)[place] : undefined
  if (name === undefined) throw new PatchProblem(400, `there is no variation ${String(place)} of flag "${flag.key}"`)
  return name
}

export function turned(flag: FlagDefinition, on: unknown): FlagDefinition {
  if (typeof on !== 'boolean') throw new PatchProblem(400, `found "on" ${String(on)}, expected true or false`)
  if (on && flag.killed)
    throw new PatchProblem(409, `flag "${flag.key}" is stopped in an emergency; whoever stopped it releases it`)
  return { ...flag, on }
}

/** What everybody has whom nothing before let in: as an exposure where that says the same, so that releases can move it. */
export function fallthroughChange(flag: FlagDefinition, given: unknown): FlagDefinition {
  return withFallthrough(flag, serveFrom(flag, given))
}

export function withFallthrough(flag: FlagDefinition, serve: Serve): FlagDefinition {
  const { exposure, offVariant, algorithm } = flag
  const off = { variant: offVariant }
  const exposed = (share: number, onVariant: string): FlagDefinition => {
    return { ...flag, onVariant, otherwise: off, exposure: { ...exposure, share, shadow: false } }
  }
  if ('variant' in serve) return serve.variant === offVariant ? exposed(0, flag.onVariant) : exposed(1, serve.variant)
  const parts = serve.split.filter(({ weight }) => weight > 0)
  const on = parts.find(({ variant }) => variant !== offVariant)
  // LaunchDarkly deals the variations in their order; a share has the first places.
  const isShare = parts.length === 2 && parts.some(({ variant }) => variant === offVariant) && on !== undefined
  const isInOrder = algorithm !== 'launchdarkly' || parts[0] === on
  if (isShare && isInOrder && serve.by === null && !serve.experiment && serve.seed === null)
    return exposed(on.weight / weightTotal, on.variant)
  return { ...flag, otherwise: serve, exposure: { ...exposure, share: 0 } }
}

export function serveFrom(flag: FlagDefinition, given: unknown): Serve {
  const { variation, rollout } = fields(given, 'variation or rollout')
  if (rollout === undefined || rollout === null) return { variant: variantAt(flag, variation) }
  const { variations, bucketBy, kind, contextKind, seed } = fields(rollout, 'rollout')
  if (!Array.isArray(variations)) throw new PatchProblem(400, 'found no variations in a rollout, expected a list')
  const split = (variations as WeightedVariation[]).map(({ variation: place, weight, untracked = false }) => ({
    variant: variantAt(flag, place),
    weight,
    ...(untracked ? { tracked: false } : {}),
  }))
  return splitFrom(split, { bucketBy, contextKind, seed, experiment: kind === 'experiment' })
}

export function splitFrom(
  split: Extract<Serve, { split: unknown }>['split'],
  { bucketBy, contextKind = 'user', seed, experiment }: Fields,
): Serve {
  if (contextKind !== 'user')
    throw new PatchProblem(422, `contexts of kind "${String(contextKind)}" are not dealt here, users are`)
  const sum = split.reduce((total, { weight }) => total + weight, 0)
  if (sum !== weightTotal) throw new PatchProblem(400, `found weights that sum to ${sum}, expected ${weightTotal}`)
  const by = typeof bucketBy === 'string' && bucketBy !== '' ? attributeOf(bucketBy, 'user') : null
  return {
    split,
    by: by === 'targetingKey' ? null : by,
    seed: typeof seed === 'number' ? String(seed) : null,
    experiment: experiment === true,
  }
}

export function ruleFrom(flag: FlagDefinition, given: unknown, id: string): FlagRule {
  const { clauses } = fields(given, 'a rule')
  return { id, when: conditionsFrom(flag, clauses), share: 1, by: null, seed: null, serve: serveFrom(flag, given) }
}

export function conditionsFrom(flag: FlagDefinition, clauses: unknown): readonly Condition[] {
  if (!Array.isArray(clauses)) throw new PatchProblem(400, 'found no clauses in a rule, expected a list')
  return clauses.flatMap(clause => conditionsFromClause(flag, clause))
}

export function conditionsFromClause(flag: FlagDefinition, given: unknown): readonly Condition[] {
  const clause = fields(given, 'a clause')
  if (typeof clause['attribute'] !== 'string' || typeof clause['op'] !== 'string' || !Array.isArray(clause['values']))
    throw new PatchProblem(400, 'found a clause that is none, expected attribute, op and values')
  try {
    return conditionsOf(clause as unknown as LaunchDarklyClause, segment => {
      if (Object.hasOwn(flag.segments, segment)) return segment
      throw new CannotCarry(`flag "${flag.key}" has no segment "${segment}"`)
    })
  } catch (error) {
    if (error instanceof CannotCarry) throw new PatchProblem(422, `a clause cannot be followed: ${error.message}`)
    throw error
  }
}

export function prerequisitesFrom(
  given: unknown,
  variantOf: (flag: string, place: number) => string | undefined,
): readonly FlagPrerequisite[] {
  if (!Array.isArray(given)) throw new PatchProblem(400, 'found no list of prerequisites, expected one')
  const wanted = new Map<string, string[]>()
  for (const prerequisite of given) {
    const { key, variation } = fields(prerequisite, 'a prerequisite')
    const variant = typeof variation === 'number' ? variantOf(String(key), variation) : undefined
    if (variant === undefined)
      throw new PatchProblem(400, `there is no variation ${String(variation)} of flag "${String(key)}"`)
    wanted.set(String(key), [...(wanted.get(String(key)) ?? []), variant])
  }
  return [...wanted].map(([flag, variants]) => ({ flag, variants }))
}

export function fields(found: unknown, what: string): Fields {
  if (isFields(found)) return found
  throw new PatchProblem(400, `found no ${what}, expected an object`)
}
