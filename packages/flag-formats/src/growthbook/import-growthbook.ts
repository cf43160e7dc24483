/**
 * GrowthBook's features (`{"features": {…}}`, as its SDK endpoint answers) as our flags. Never throws.
 *
 * 1. GrowthBook deals users by a hash of its own, which Dankai does not have: who is dealt is dealt anew, and named.
 * 2. A flag of which a rule could not be carried over is imported switched off: later rules would decide for its users.
 */
import { defineFlag, type FlagDefinition, type FlagPrerequisite, type FlagRule, type FlagSegment } from '@dankai/flags'
import type { FlagImport, NotCarried } from '../flag-import.ts'
import { followLostFlags } from '../follow-lost-flags.ts'
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../given-json.ts'
import { flagProblem } from '../sound-part.ts'
import { importRule } from './import-rule.ts'
import { NotCarriedOver } from './read-condition.ts'
import { VariantNames } from './variant-names.ts'

export function importGrowthBook(given: unknown): FlagImport {
  const features = isFields(given) ? (isFields(given['features']) ? given['features'] : null) : null
  if (!isFields(given) || features === null)
    return { flags: [], notCarried: [{ flag: '', what: '', why: 'found no "features", expected them by key' }] }
  const flags: FlagDefinition[] = []
  const notCarried: NotCarried[] = []
  for (const [key, feature] of Object.entries(features)) {
    const note = (what: string, why: string): number => notCarried.push({ flag: key, what, why })
    if (!isFields(feature)) {
      note('', 'found no feature')
      continue
    }
    const flag = importFeature(key, feature, fieldsOf(given['savedGroups']), features, note)
    const problem = flagProblem(flag)
    if (problem === null) flags.push(flag)
    else note('', problem)
  }
  for (const [index, experiment] of listOf(given['experiments']).entries()) {
    const name = textOf(fieldsOf(experiment)['key']) ?? ''
    const why = `the experiment "${name}" on pages, without a feature, has no equivalent`
    notCarried.push({ flag: '', what: `experiments[${index}]`, why })
  }
  const followed = followLostFlags(flags, (key, flag) => flag?.on !== true && Object.hasOwn(features, key))
  return { flags: followed.flags, notCarried: [...notCarried, ...followed.notCarried] }
}

type Note = (what: string, why: string) => unknown

function importFeature(
  key: string,
  feature: Fields,
  savedGroups: Fields,
  features: Fields,
  note: Note,
): FlagDefinition {
  const names = new VariantNames(feature['defaultValue'])
  const segments: Record<string, FlagSegment> = {}
  const rules: FlagRule[] = []
  const prerequisites: FlagPrerequisite[] = []
  let isWhole = true
  for (const [index, given] of listOf(feature['rules']).entries()) {
    const what = `rules[${index}]`
    const rule = fieldsOf(given)
    try {
      const gates = gatesOf(rule, features)
      if (gates !== null) prerequisites.push(...gates)
      else
        rules.push(
          ...importRule(rule, {
            key,
            names,
            savedGroups,
            segments,
            note: (place, why) => note(`${what}${place}`, why),
          }),
        )
    } catch (problem) {
      if (!(problem instanceof NotCarriedOver)) throw problem
      note(what, `${problem.message}; the rule is left out`)
      isWhole = false
    }
  }
  const offVariant = offVariantFor(prerequisites, feature, names, note)
  if (!isWhole) note('', 'a rule is missing, so the flag is imported switched off')
  return defineFlag({
    key,
    kind: listOf(feature['rules']).some(rule => fieldsOf(rule)['variations'] !== undefined) ? 'experiment' : 'release',
    on: isWhole,
    variants: names.variants(),
    offVariant,
    onVariant: names.otherName(),
    prerequisites,
    rules: rules.map((rule, index) => ({ ...rule, id: `${rule.id}-${index + 1}` })),
    otherwise: { variant: names.defaultName },
    segments,
  })
}

/** Whom a gate keeps out has no value there, so that a default such as `true` must not be served in its place. */
function offVariantFor(gates: readonly FlagPrerequisite[], feature: Fields, names: VariantNames, note: Note): string {
  if (gates.length === 0 || feature['defaultValue'] === false) return names.defaultName
  note('', "whom a gate keeps out is served the code's own default there; here it is null, also while the flag is off")
  return names.nameOf(null, 'none')
}

/** A rule that only asks for other features, all of them `true`; null for any other rule. */
function gatesOf(rule: Fields, features: Fields): readonly FlagPrerequisite[] | null {
  const parents = listOf(rule['parentConditions']).map(fieldsOf)
  if (parents.length === 0) return null
  const isOnlyGate = rule['force'] === undefined && rule['variations'] === undefined && rule['condition'] === undefined
  return parents.map(parent => {
    const flag = textOf(parent['id']) ?? ''
    const isKnown = isFields(features[flag])
    const asksForTrue = JSON.stringify(parent['condition']) === '{"value":true}'
    if (!isOnlyGate || parent['gate'] !== true || !isKnown || !asksForTrue)
      throw new NotCarriedOver(`it asks for feature "${flag}" in a way that has no equivalent`)
    return { flag, variants: ['on'] }
  })
}
