/**
 * A flag as LaunchDarkly's REST API shows it: what people read and patch, not what clients evaluate with. So every flag
 * has one, whatever its buckets; operators that LaunchDarkly lacks go by their names here.
 *
 * Ids are names: `_id` of a variation is its variant, of a rule its id, of a clause `RULE:PLACE`.
 */
import {
  type Condition,
  type FlagDefinition,
  type FlagRule,
  type JsonValue,
  type Serve,
  weightTotal,
} from '@dankai/flags'
import { referenceTo } from './attribute-reference.ts'
import type { LaunchDarklyRollout, VariationOrRollout } from './launchdarkly-flag.ts'

export interface LaunchDarklyRestFlag {
  readonly key: string
  readonly name: string
  readonly kind: 'boolean' | 'multivariate'
  readonly description: string
  readonly _version: number
  readonly temporary: boolean
  readonly archived: boolean
  readonly tags: readonly string[]
  readonly variations: readonly RestVariation[]
  readonly defaults: { readonly onVariation: number; readonly offVariation: number }
  readonly _links: { readonly self: { readonly href: string; readonly type: string } }
  readonly environments: Readonly<Record<string, RestEnvironment>>
}

export interface RestVariation {
  readonly _id: string
  readonly name: string
  readonly value: JsonValue
}

export interface RestEnvironment extends Record<string, unknown> {
  readonly on: boolean
  readonly archived: boolean
  readonly salt: string
  readonly lastModified: number
  readonly version: number
  readonly offVariation: number
  readonly fallthrough: VariationOrRollout
  readonly targets: readonly RestTarget[]
  readonly contextTargets: readonly RestTarget[]
  readonly rules: readonly RestRule[]
  readonly prerequisites: readonly { readonly key: string; readonly variation: number }[]
  readonly trackEvents: boolean
  readonly _environmentName: string
}

export interface RestTarget {
  readonly values: readonly string[]
  readonly variation: number
  readonly contextKind: string
}

export interface RestRule extends VariationOrRollout {
  readonly _id: string
  readonly clauses: readonly RestClause[]
  readonly trackEvents: boolean
}

export interface RestClause {
  readonly _id: string
  readonly attribute: string
  readonly op: string
  readonly values: readonly JsonValue[]
  readonly negate: boolean
  readonly contextKind: string
}

export interface RestAbout {
  readonly project: string
  readonly environment: string
  readonly changedAt: number
  readonly description: string
  /** Places of the variants that prerequisites ask for; what is not known has none. */
  readonly variationOf: (flag: string, variant: string) => number | undefined
}

export function launchDarklyRestFlag(flag: FlagDefinition, about: RestAbout): LaunchDarklyRestFlag {
  const { project, environment, description } = about
  const values = Object.values(flag.variants)
  return {
    key: flag.key,
    name: flag.key,
    kind: values.length === 2 && values.every(value => typeof value === 'boolean') ? 'boolean' : 'multivariate',
    description,
    _version: flag.version,
    temporary: flag.kind === 'release' || flag.kind === 'experiment',
    archived: false,
    tags: [],
    variations: Object.entries(flag.variants).map(([name, value]) => ({ _id: name, name, value })),
    defaults: { onVariation: placeOf(flag, flag.onVariant), offVariation: placeOf(flag, flag.offVariant) },
    _links: { self: { href: `/api/v2/flags/${project}/${flag.key}`, type: 'application/json' } },
    environments: { [environment]: environmentOf(flag, about) },
  }
}

const placeOf = (flag: FlagDefinition, variant: string): number => Object.keys(flag.variants).indexOf(variant)

function environmentOf(flag: FlagDefinition, about: RestAbout): RestEnvironment {
  const { key, seed } = flag
  return {
    on: flag.on && !flag.killed,
    archived: false,
    salt: seed.startsWith(`${key}.`) ? seed.slice(key.length + 1) : seed,
    lastModified: about.changedAt,
    version: flag.version,
    offVariation: placeOf(flag, flag.offVariant),
    fallthrough: fallthroughOf(flag),
    targets: flag.targets.map(({ variant, keys }) => ({
      values: keys,
      variation: placeOf(flag, variant),
      contextKind: 'user',
    })),
    contextTargets: [],
    rules: [...flag.rules.map(rule => restRule(flag, rule)), ...cohortRules(flag)],
    prerequisites: flag.prerequisites.flatMap(({ flag: other, variants }) =>
      variants.map(variant => ({ key: other, variation: about.variationOf(other, variant) ?? -1 })),
    ),
    trackEvents: flag.kind === 'experiment',
    _environmentName: about.environment,
  }
}

function restRule(flag: FlagDefinition, { id, when, share, by, serve }: FlagRule): RestRule {
  const clauses = when.map((condition, index) => ({ _id: `${id}:${index}`, ...restClause(condition) }))
  return { _id: id, clauses, trackEvents: false, ...served(flag, share, by, serve) }
}

const operators: Partial<Record<Condition['operator'], string>> = {
  is: 'in',
  '=': 'in',
  '<': 'lessThan',
  '<=': 'lessThanOrEqual',
  '>': 'greaterThan',
  '>=': 'greaterThanOrEqual',
  'semver=': 'semVerEqual',
  'semver<': 'semVerLessThan',
  'semver>': 'semVerGreaterThan',
  inSegment: 'segmentMatch',
}

function restClause({ attribute, operator, values, negated }: Condition): Omit<RestClause, '_id'> {
  const contextKind = 'user'
  const name = operator === 'inSegment' ? '' : attribute === 'targetingKey' ? 'key' : attribute
  if (operator === 'exists' && !negated) return { attribute: name, op: 'in', values: [], negate: true, contextKind }
  return { attribute: name, op: operators[operator] ?? operator, values, negate: negated, contextKind }
}

/** Cohorts come after the rules, and are moved by releases alone. */
function cohortRules(flag: FlagDefinition): readonly RestRule[] {
  const { cohorts, share, shadow } = flag.exposure
  if (shadow || share === 1) return []
  return cohorts.map(({ segment, share: ofCohort }) => {
    const _id = `cohort:${segment}`
    const clause = { _id: `${_id}:0`, attribute: '', op: 'segmentMatch', values: [segment], negate: false }
    const rollout = served(flag, ofCohort, null, { variant: flag.onVariant })
    return { _id, clauses: [{ ...clause, contextKind: 'user' }], trackEvents: false, ...rollout }
  })
}

function fallthroughOf(flag: FlagDefinition): VariationOrRollout {
  const { share, shadow } = flag.exposure
  if (shadow || share === 0) return served(flag, 1, null, flag.otherwise)
  const exposed = served(flag, share, null, { variant: flag.onVariant })
  const rest = served(flag, 1 - share, null, flag.otherwise)
  if (exposed.rollout === undefined) return exposed
  const variations = [...exposed.rollout.variations, ...weighted(rest, weightTotal - Math.round(share * weightTotal))]
  return { rollout: { ...exposed.rollout, variations } }
}

function weighted({ variation, rollout }: VariationOrRollout, weight: number): LaunchDarklyRollout['variations'] {
  return rollout?.variations ?? [{ variation: variation ?? 0, weight }]
}

/** Of the part of those who match that the share lets in. */
function served(flag: FlagDefinition, share: number, by: string | null, serve: Serve): VariationOrRollout {
  const places = Math.round(share * weightTotal)
  if ('variant' in serve) {
    const variation = placeOf(flag, serve.variant)
    if (share === 1) return { variation }
    return { rollout: { ...bucketBy(by), variations: [{ variation, weight: places }] } }
  }
  const variations = serve.split.map(({ variant, weight, tracked = true }) => ({
    variation: placeOf(flag, variant),
    weight: Math.round(weight * share),
    ...(tracked ? {} : { untracked: true }),
  }))
  const kind = serve.experiment ? ({ kind: 'experiment' } as const) : {}
  return { rollout: { ...kind, contextKind: 'user', ...bucketBy(serve.by), variations } }
}

const bucketBy = (by: string | null): { readonly bucketBy?: string } =>
  by === null ? {} : { bucketBy: referenceTo(by).attribute }
