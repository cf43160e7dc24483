/**
 * A flag after somebody patched its representation. What the patch did not touch stays as the definition has it, so that
 * what LaunchDarkly has no words for (cohorts, strata, operators) outlives a change of something else.
 */
import type { FlagDefinition, JsonValue } from '@dankai/flags'
import { isFields } from '../given-json.ts'
import { fallthroughChange, prerequisitesFrom, ruleFrom, turned, variantAt } from './change-parts.ts'
import type {
  LaunchDarklyRestFlag,
  RestEnvironment,
  RestRule,
  RestTarget,
  RestVariation,
} from './flag-representation.ts'
import { PatchProblem } from './patch-problem.ts'
import { variantNames } from './variant-names.ts'

type Change = (flag: FlagDefinition, after: unknown, before: RestEnvironment) => FlagDefinition

/** What of an environment can be changed here; patches of anything else are refused by name. */
const changes: Readonly<Record<string, Change>> = {
  on: (flag, on) => turned(flag, on),
  offVariation: (flag, place) => {
    const offVariant = variantAt(flag, place)
    return { ...flag, offVariant, otherwise: sameOtherwise(flag, offVariant) }
  },
  targets: (flag, targets) => ({
    ...flag,
    targets: list<RestTarget>(targets, 'targets').map(({ values, variation, contextKind = 'user' }) => {
      if (contextKind !== 'user')
        throw new PatchProblem(422, `targets of kind "${contextKind}" are not known here, users are`)
      return { variant: variantAt(flag, variation), keys: list<string>(values, 'values of a target') }
    }),
  }),
  rules: (flag, rules, before) => ({
    ...flag,
    rules: patchedRules(flag, list<RestRule>(rules, 'rules'), before.rules),
  }),
  fallthrough: (flag, fallthrough) => fallthroughChange(flag, fallthrough),
}

export type PlaceOfVariant = (flag: string, place: number) => string | undefined

export function patchedFlag(
  flag: FlagDefinition,
  before: LaunchDarklyRestFlag,
  after: JsonValue,
  environment: string,
  variantOf: PlaceOfVariant,
): FlagDefinition {
  const patched = fieldsOf(after, 'the flag')
  const environments = fieldsOf(patched['environments'], 'environments')
  refuseOthers(
    { ...before, variations: null, environments: null },
    { ...patched, variations: null, environments: null },
    '',
  )
  const named = withVariations(flag, before.variations, patched['variations'])
  const was = before.environments[environment]
  const is = fieldsOf(environments[environment], `environments.${environment}`)
  if (was === undefined) throw new PatchProblem(404, `there is no environment "${environment}"`)
  refuseOthers(
    { ...before.environments, [environment]: null },
    { ...environments, [environment]: null },
    '/environments',
  )
  const touched = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(name => !isSame(was[name], is[name]))
  const path = `/environments/${environment}`
  let changed = named
  for (const name of touched) {
    const change = Object.hasOwn(changes, name) ? changes[name] : undefined
    if (name === 'prerequisites') changed = { ...changed, prerequisites: prerequisitesFrom(is[name], variantOf) }
    else if (change === undefined) throw new PatchProblem(422, `"${path}/${name}" cannot be changed here`)
    else changed = change(changed, is[name], was)
  }
  return changed
}

function refuseOthers(before: object, after: object, path: string): void {
  const [was, is] = [before, after] as Readonly<Record<string, unknown>>[]
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (!isSame(was?.[name], is?.[name])) throw new PatchProblem(422, `"${path}/${name}" cannot be changed here`)
}

function withVariations(flag: FlagDefinition, before: readonly RestVariation[], after: unknown): FlagDefinition {
  if (isSame(before, after)) return flag
  const given = list<Partial<RestVariation>>(after, 'variations')
  const named = variantNames(given.map(({ name, value = null }) => name ?? value))
  const entries = given.map(({ _id, value = null }, index) => [_id ?? named[index] ?? '', value] as const)
  return { ...flag, variants: Object.fromEntries(entries) }
}

function patchedRules(
  flag: FlagDefinition,
  rules: readonly RestRule[],
  before: readonly RestRule[],
): FlagDefinition['rules'] {
  const isOfCohort = ({ _id }: RestRule): boolean => typeof _id === 'string' && _id.startsWith('cohort:')
  if (!isSame(rules.filter(isOfCohort), before.filter(isOfCohort)))
    throw new PatchProblem(422, 'the cohorts of an exposure are moved by releases, not by patches')
  return rules
    .filter(rule => !isOfCohort(rule))
    .map((rule, index) => {
      const was = before.find(({ _id }) => _id === rule._id)
      const own = flag.rules.find(({ id }) => id === rule._id)
      if (was !== undefined && own !== undefined && isSame(was, rule)) return own
      return ruleFrom(flag, rule, rule._id ?? freeId(flag, index))
    })
}

const freeId = (flag: FlagDefinition, index: number): string => {
  const taken = new Set(flag.rules.map(({ id }) => id))
  let number = index + 1
  while (taken.has(`rule-${number}`)) number++
  return `rule-${number}`
}

/** Whoever is left had the off variant, and still has. */
const sameOtherwise = (flag: FlagDefinition, offVariant: string): FlagDefinition['otherwise'] =>
  'variant' in flag.otherwise && flag.otherwise.variant === flag.offVariant ? { variant: offVariant } : flag.otherwise

function list<Item>(found: unknown, what: string): readonly Item[] {
  if (Array.isArray(found)) return found as readonly Item[]
  throw new PatchProblem(400, `found no list of ${what}, expected one`)
}

function fieldsOf(found: unknown, what: string): Readonly<Record<string, JsonValue>> {
  if (isFields(found)) return found as Readonly<Record<string, JsonValue>>
  throw new PatchProblem(400, `found no object as ${what}, expected one`)
}

/** Both come from the same representation, so fields stand in the same order. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
