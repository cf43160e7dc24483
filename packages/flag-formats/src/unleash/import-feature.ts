import {
  type Condition,
  defineFlag,
  type FlagDefinition,
  type FlagKind,
  type FlagPrerequisite,
  type FlagRule,
  type FlagSegment,
  type JsonValue,
  type Serve,
} from '@dankai/flags'
import { type Fields, fieldsOf, isFields, listOf, textOf, textsIn } from '../given-json.ts'
import { conditionProblem, freeName } from '../sound-part.ts'
import {
  byOf,
  type ImportedStrategy,
  importStrategyIfAny,
  NotCarriedOver,
  overrideCondition,
} from './import-strategy.ts'
import { type GivenVariant, readVariant, serveOf } from './import-variants.ts'

/** How a note about a strategy ends that lets nobody in here. */
export const leftOut = 'the strategy is left out'

export type Note = (what: string, why: string) => unknown

interface Export {
  readonly features: ReadonlyMap<string, Fields>
  readonly segments: ReadonlyMap<unknown, Fields>
}

const kindOf: Readonly<Record<string, FlagKind>> = {
  release: 'release',
  experiment: 'experiment',
  operational: 'ops',
  'kill-switch': 'ops',
  permission: 'permission',
}

export function importFeature(name: string, given: Fields, { features, segments }: Export, note: Note): FlagDefinition {
  const variants: Record<string, JsonValue> = {}
  for (const variant of namedVariants(given)) noteVariant(variants, variant, note)
  const onVariant = freeName(variants, 'on', 'enabled')
  const offVariant = freeName(variants, 'off', 'disabled')
  const taken: Record<string, FlagSegment> = {}
  const built = rulesOf(name, given, { segments, taken, onVariant, note })
  const last = built.at(-1)
  const exposed = last !== undefined && isForEverybody(last, onVariant) ? last : null
  const seed = exposed?.seed ?? name
  const rules = withKeysWhereNeeded(
    exposed === null ? built : built.slice(0, -1),
    exposed !== null && exposed.share === 1,
  )
  noteRest(given, note)
  const type = textOf(given['type']) ?? 'release'
  if (!Object.hasOwn(kindOf, type)) note('type', `the type "${type}" has no equivalent; it is taken for a release`)
  return defineFlag({
    key: name,
    kind: Object.hasOwn(kindOf, type) ? kindOf[type]! : 'release',
    on: given['enabled'] === true,
    algorithm: 'unleash',
    seed,
    variants: { ...variants, [onVariant]: true, [offVariant]: false },
    onVariant,
    offVariant,
    prerequisites: prerequisitesOf(given, features, note),
    rules: rules.map((rule, index) => ({
      ...rule,
      id: `strategy-${index + 1}`,
      seed: rule.seed === seed ? null : rule.seed,
    })),
    exposure: { share: exposed?.share ?? 0, cohorts: [], shadow: false },
    otherwise: { variant: offVariant },
    segments: taken,
  })
}

function namedVariants(given: Fields): readonly unknown[] {
  return [
    ...listOf(given['strategies']).flatMap(one => listOf(fieldsOf(one)['variants'])),
    ...listOf(given['variants']),
  ]
}

function noteVariant(variants: Record<string, JsonValue>, given: unknown, note: Note): void {
  const variant = readVariant(given, why => note('variants', why))
  if (variant === null) return
  const known = variants[variant.name]
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(variant.value))
    note('variants', `variant "${variant.name}" has several payloads; the first is kept`)
  else variants[variant.name] = variant.value
}

type BuiltRule = Omit<FlagRule, 'id' | 'seed'> & { readonly seed: string }

interface Surroundings {
  readonly segments: ReadonlyMap<unknown, Fields>
  readonly taken: Record<string, FlagSegment>
  readonly onVariant: string
  readonly note: Note
}

function rulesOf(feature: string, given: Fields, around: Surroundings): readonly BuiltRule[] {
  const strategies = listOf(given['strategies'])
  const rules: BuiltRule[] = []
  if (strategies.length === 0) return rulesOfStrategy(feature, given, { name: 'default' }, around, 'variants')
  for (const [index, strategy] of strategies.entries()) {
    const what = `strategies[${index}]`
    if (!isFields(strategy)) around.note(what, 'found no strategy')
    else if (strategy['disabled'] === true) around.note(what, 'a strategy that is switched off is left out')
    else rules.push(...rulesOfStrategy(feature, given, strategy, around, what))
  }
  return rules
}

function rulesOfStrategy(
  feature: string,
  given: Fields,
  strategy: Fields,
  { segments, taken, onVariant, note }: Surroundings,
  what: string,
): readonly BuiltRule[] {
  const tell = (why: string): unknown => note(what, why)
  try {
    const imported = importStrategyIfAny(strategy, { feature, segments, taken, note: tell })
    if (imported === null) return []
    const own = listOf(strategy['variants']).flatMap(one => readVariant(one, () => {}) ?? [])
    const ofFeature = listOf(given['variants']).flatMap(one => readVariant(one, () => {}) ?? [])
    const variants = own.length > 0 ? own : ofFeature
    const serve = serveFor(feature, imported, own, ofFeature, tell) ?? { variant: onVariant }
    const { alternatives, share, by, seed } = imported
    return alternatives.flatMap(when => [
      ...overridesOf(variants, when, tell).map(override => ({ ...override, share, by, seed })),
      { when, share, by, seed, serve },
    ])
  } catch (problem) {
    if (!(problem instanceof NotCarriedOver)) throw problem
    tell(`${problem.message}; ${leftOut}`)
    return []
  }
}

/** Variants of the strategy come before those of the feature, and are dealt by its group. */
function serveFor(
  feature: string,
  strategy: ImportedStrategy,
  own: readonly GivenVariant[],
  ofFeature: readonly GivenVariant[],
  note: (why: string) => unknown,
): Serve | null {
  const variants = own.length > 0 ? own : ofFeature
  if (variants.length === 0) return null
  const inherited = own.length > 0 ? strategy.stickiness : 'default'
  const stickiness = variants[0]!.stickiness || inherited
  const by = byOf(stickiness, false, { note })
  noteWhoIsNotDealt(variants, stickiness, strategy, note)
  if (own.length > 1 && strategy.groupId === null) note('variants without a groupId; users are dealt anew')
  return serveOf(variants, { by, seed: own.length > 0 ? (strategy.groupId ?? feature) : feature }, note)
}

/** There a variant is chosen at random for whoever lacks what they are dealt by. */
function noteWhoIsNotDealt(
  variants: readonly GivenVariant[],
  stickiness: string,
  strategy: ImportedStrategy,
  note: (why: string) => unknown,
): void {
  const isDealt = variants.filter(({ weight }) => weight > 0).length > 1
  const lacking = stickiness === 'default' ? 'userId' : stickiness
  const { share, by } = strategy
  // Whoever is in by a share has what it goes by, and a rollout to everybody asks for its own attribute.
  const isThere =
    share < 1 ? (by ?? 'userId') === lacking : stickiness !== 'default' && stickiness === strategy.stickiness
  if (!isDealt || isThere) return
  note(`whoever has no ${lacking} is served no variant and is out, instead of having one at random`)
}

function overridesOf(variants: readonly GivenVariant[], when: readonly Condition[], note: (why: string) => unknown) {
  return variants.flatMap(({ name, overrides }) =>
    overrides.flatMap(given => {
      const override = overrideCondition(given)
      const problem = conditionProblem(override)
      if (problem !== null) note(`an override of variant "${name}": ${problem}`)
      return problem === null ? [{ when: [...when, override], serve: { variant: name } as Serve }] : []
    }),
  )
}

/** A seed of its own may be empty; that of a flag may not. */
function isForEverybody({ when, by, seed, serve }: BuiltRule, onVariant: string): boolean {
  return when.length === 0 && by === null && seed !== '' && 'variant' in serve && serve.variant === onVariant
}

/**
 * Unleash goes on with the next strategy when there is no user to deal; our rules end there. So a rule that deals users
 * asks for one, where a later rule can do without.
 */
function withKeysWhereNeeded(rules: readonly BuiltRule[], isForAllAfter: boolean): readonly BuiltRule[] {
  const keyless = isForAllAfter ? rules.length : rules.findLastIndex(rule => keyOf(rule) === null)
  return rules.map((rule, index) => {
    const attribute = keyOf(rule)
    if (attribute === null || index >= keyless) return rule
    return { ...rule, when: [...rule.when, { attribute, operator: 'exists', values: [], negated: false }] }
  })
}

function keyOf({ share, by, serve }: BuiltRule): string | null {
  if (share < 1) return by ?? 'targetingKey'
  return 'split' in serve ? (serve.by ?? 'targetingKey') : null
}

function prerequisitesOf(given: Fields, features: ReadonlyMap<string, Fields>, note: Note): FlagPrerequisite[] {
  return listOf(given['dependencies']).flatMap(dependency => {
    const { feature, enabled, variants } = fieldsOf(dependency)
    const flag = textOf(feature)
    const parent = flag === null ? undefined : features.get(flag)
    if (flag === null || parent === undefined) {
      note('dependencies', `the feature "${flag ?? ''}" is not in the export; whoever asks for it is served nothing`)
      return flag === null || flag === '' ? [] : [{ flag, variants: [] }]
    }
    const names = Object.fromEntries(namedVariants(parent).map(one => [textOf(fieldsOf(one)['name']) ?? '', true]))
    if (enabled === false) return [{ flag, variants: [freeName(names, 'off', 'disabled')] }]
    const asked = textsIn(variants)
    return [{ flag, variants: asked.length > 0 ? asked : [freeName(names, 'on', 'enabled'), ...Object.keys(names)] }]
  })
}

function noteRest(given: Fields, note: Note): void {
  if (given['impressionData'] === true) note('impressionData', 'Dankai has no impression events')
  if (given['stale'] === true) note('stale', 'whether a flag is stale is found out by Dankai itself')
  const project = textOf(given['project'])
  if (project !== null && project !== 'default') note('project', `project "${project}": flags are imported into one`)
}
