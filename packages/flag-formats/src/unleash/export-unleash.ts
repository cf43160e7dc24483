/**
 * Our definitions as the features of an Unleash client, which evaluates them by itself.
 *
 * 1. A feature is given only if unleash-client serves the same users the same variants for every context of a user id
 *    and flat text properties; any other flag is refused, with the reason.
 * 2. Strategies are tried in order and the first that holds decides, as our steps do. A step that serves the off variant
 *    becomes a condition of all later strategies.
 * 3. A feature without a strategy would be enabled for everybody, so a flag that serves nobody is written as disabled.
 */
import type { FlagDefinition, Serve, Split } from '@dankai/flags'
import { all, alternativesOf, any, type Expression, isAlways, isNever, type Literal, leaf, not } from '../expression.ts'
import { type FlagStep, type StepBucket, type StepLeaf, stepsOf } from '../flag-steps.ts'
import { type ExportResult, followedFlag } from '../followed-flag.ts'
import { hasNamedVariants, isEnabledVariant, isNamedVariant } from './frontend-flag.ts'
import { type ConstraintLeaf, constraintsOf, contextNameOf, inverted, NotFollowed } from './unleash-constraints.ts'
import {
  payloadOf,
  type UnleashConstraint,
  type UnleashFeature,
  type UnleashSegment,
  type UnleashStrategy,
  type UnleashVariant,
} from './unleash-format.ts'
import { segmentIdOf } from './unleash-segments.ts'

export interface ExportedFeature {
  readonly feature: UnleashFeature
  /** Those that its strategies name. */
  readonly segments: readonly UnleashSegment[]
}

/** More make a feature that nobody can read, and come of exclusions that Unleash can say only by many strategies. */
const strategiesMax = 100

/** Without its dependencies, which need the flags that it asks for: see `exportUnleash`. */
export function exportUnleashFlag(given: FlagDefinition): ExportResult<ExportedFeature> {
  const followed = followedFlag(given, 'unleash')
  if (!followed.ok) return followed
  const flag = followed.value
  try {
    const constant = flag.killed || !flag.on
    const strategies = constant ? [] : strategiesOf(flag, stepsOf(flag))
    if (constant && isEnabledVariant(flag, flag.offVariant, false))
      strategies.push(strategyOf(flag, { variant: flag.offVariant }, null))
    const segments = strategies.flatMap(({ segments: own }) => own)
    return {
      ok: true,
      value: { feature: featureOf(flag, strategies), segments: segments.map(({ segment }) => segment) },
    }
  } catch (problem) {
    if (problem instanceof NotFollowed) return { ok: false, why: problem.message }
    throw problem
  }
}

type Built = Omit<UnleashStrategy, 'segments'> & { readonly segments: readonly { readonly segment: UnleashSegment }[] }

function featureOf(flag: FlagDefinition, strategies: readonly Built[]): UnleashFeature {
  return {
    name: flag.key,
    type: typeOf[flag.kind],
    project: 'default',
    enabled: strategies.length > 0,
    stale: false,
    impressionData: false,
    strategies: strategies.map(({ segments, ...strategy }) =>
      segments.length === 0 ? strategy : { ...strategy, segments: segments.map(({ segment }) => segment.id) },
    ),
    variants: [],
  }
}

const typeOf = { release: 'release', ops: 'operational', experiment: 'experiment', permission: 'permission' } as const

interface Halt {
  readonly when: Expression<StepLeaf>
  readonly attribute: string
}

function strategiesOf(flag: FlagDefinition, steps: readonly FlagStep[]): Built[] {
  const strategies: Built[] = []
  const excluded: Expression<StepLeaf>[] = []
  const halts: Halt[] = []
  for (const step of steps) {
    if (step.kind === 'halt') {
      halts.push({ when: step.when, attribute: 'targetingKey' })
      continue
    }
    const { bucket, serve } = step
    if (!isEnabledServe(flag, serve)) {
      if (bucket !== null) throw new NotFollowed('a part of users that is served the off variant')
      excluded.push(step.when)
    } else {
      const when = all([step.when, ...excluded.map(not), ...keysRequired(halts, keyAttributeOf(bucket, serve))])
      strategies.push(...expanded(when, strategyOf(flag, serve, bucket)))
      if (strategies.length > strategiesMax) throw tooMany()
      if ('split' in serve && (bucket === null || serve.by !== bucket.by))
        halts.push({ when: step.when, attribute: serve.by ?? 'targetingKey' })
    }
    if (bucket === null && isAlways(step.when)) break
  }
  return strategies
}

const tooMany = (): NotFollowed => new NotFollowed(`more than ${strategiesMax} strategies would be needed`)

/** Whoever had to have a key for an earlier step, and has none, has the off variant. */
function keysRequired(halts: readonly Halt[], ownKey: string | null): readonly Expression<StepLeaf>[] {
  return halts
    .filter(({ attribute }) => attribute !== ownKey)
    .map(({ when, attribute }) => any([leaf<StepLeaf>({ kind: 'present', attribute }), not(when)]))
}

/** The attribute without which a strategy of this step lets nobody in. */
function keyAttributeOf(bucket: StepBucket | null, serve: Serve): string | null {
  if (bucket !== null) return bucket.by ?? 'targetingKey'
  return 'split' in serve ? (serve.by ?? 'targetingKey') : null
}

function isEnabledServe(flag: FlagDefinition, serve: Serve): boolean {
  if ('variant' in serve) return isEnabledVariant(flag, serve.variant, false)
  const enabled = serve.split.filter(({ variant }) => isEnabledVariant(flag, variant, true))
  if (enabled.length > 0 && enabled.length < serve.split.length)
    throw new NotFollowed('a split of true and false, which Unleash has as a rollout only')
  return enabled.length > 0
}

function expanded(when: Expression<StepLeaf>, strategy: Built): readonly Built[] {
  if (isNever(when)) return []
  const lists = alternativesOf(constraintsOf(when), strategiesMax)
  if (lists === null) throw tooMany()
  return lists.map(list => ({ ...strategy, ...partsOf(list) }))
}

function partsOf(list: readonly Literal<ConstraintLeaf>[]) {
  const constraints: UnleashConstraint[] = []
  const segments: { segment: UnleashSegment }[] = []
  for (const { leaf: found, negated } of list) {
    if (found.kind === 'constraint') constraints.push(inverted(found.constraint, negated))
    else segments.push({ segment: { id: segmentIdOf(found), name: found.name, constraints: found.constraints } })
  }
  return { constraints, segments }
}

function strategyOf(flag: FlagDefinition, serve: Serve, bucket: StepBucket | null): Built {
  const split = 'split' in serve ? serve : null
  const rollout = bucket ?? (split === null ? null : { share: 1, by: split.by, seed: split.seed ?? flag.seed })
  if (split !== null && bucket !== null) checkSameBucket(flag, split, bucket)
  const isNamed = 'split' in serve ? hasNamedVariants(flag) : isNamedVariant(flag, serve.variant, false)
  const variants = isNamed ? { variants: variantsOf(flag, serve) } : {}
  const none = { constraints: [], segments: [] }
  if (rollout === null) return { name: 'default', parameters: {}, ...none, ...variants }
  const parameters = {
    rollout: String(Math.round(rollout.share * 100)),
    stickiness: stickinessOf(rollout.by),
    groupId: rollout.seed,
  }
  if (rollout.seed === '') throw new NotFollowed('an empty seed, for which Unleash takes the name of the flag')
  return { name: 'flexibleRollout', parameters, ...none, ...variants }
}

function checkSameBucket(flag: FlagDefinition, split: Split, bucket: StepBucket): void {
  if (split.by !== bucket.by || (split.seed ?? flag.seed) !== bucket.seed)
    throw new NotFollowed('a split of a share by another attribute or seed than the share')
}

function stickinessOf(by: string | null): string {
  const stickiness = contextNameOf(by ?? 'targetingKey')
  if (stickiness === 'default' || stickiness === 'random')
    throw new NotFollowed(`buckets by an attribute named "${stickiness}"`)
  return stickiness
}

function variantsOf(flag: FlagDefinition, serve: Serve): readonly UnleashVariant[] {
  const parts = 'split' in serve ? serve.split : [{ variant: serve.variant, weight: 100_000 }]
  const stickiness = stickinessOf('split' in serve ? serve.by : null)
  if (parts.some(({ weight }) => weight % 100 !== 0))
    throw new NotFollowed('weights finer than thousandths, which Unleash does not know')
  return parts.map(({ variant, weight }) => ({
    name: variant,
    weight: weight / 100,
    weightType: 'fix',
    stickiness,
    payload: payloadOf(flag.variants[variant] ?? null),
  }))
}
