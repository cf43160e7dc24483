/**
 * LaunchDarkly's semantic patch: instructions that say what is meant, applied to a definition in their order.
 *
 * 1. A kind either does here what it does there, or is refused by name; none is passed over.
 * 2. Ids are those of the representation: variants, rule ids, `RULE:PLACE` for clauses.
 * 3. All instructions are carried out, or none.
 */
import type { FlagDefinition } from '@dankai/flags'
import { turned, withFallthrough } from './change-parts.ts'
import { type Instruction, type Instructions, servedBy, text, texts, variantOf } from './instruction.ts'
import { PatchProblem } from './patch-problem.ts'
import { ruleInstructions } from './rule-instructions.ts'

const instructionsMax = 100

export function applySemanticPatch(flag: FlagDefinition, instructions: unknown): FlagDefinition {
  if (!Array.isArray(instructions) || instructions.length === 0 || instructions.length > instructionsMax)
    throw new PatchProblem(400, `found no list of 1 to ${instructionsMax} instructions, expected one in "instructions"`)
  return instructions.reduce<FlagDefinition>((changed, instruction, index) => {
    const kind: unknown = (instruction as Instruction | null)?.kind
    if (typeof kind !== 'string') throw new PatchProblem(400, `found no kind in instructions[${index}], expected one`)
    const change = Object.hasOwn(carriedOut, kind) ? carriedOut[kind] : undefined
    if (change !== undefined) return change(changed, instruction as Instruction)
    if (withoutMeaning.has(kind))
      throw new PatchProblem(422, `instruction "${kind}" means nothing here and is not carried out`)
    throw new PatchProblem(400, `instruction "${kind}" is not known`)
  }, flag)
}

const carriedOut: Instructions = {
  turnFlagOn: flag => turned(flag, true),
  turnFlagOff: flag => turned(flag, false),
  updateFallthroughVariationOrRollout: (flag, one) => withFallthrough(flag, servedBy(flag, one)),
  updateOffVariation: (flag, one) => {
    const offVariant = variantOf(flag, one.variationId)
    const hadOff = 'variant' in flag.otherwise && flag.otherwise.variant === flag.offVariant
    return { ...flag, offVariant, otherwise: hadOff ? { variant: offVariant } : flag.otherwise }
  },
  addTargets: (flag, one) =>
    retargeted(flag, one, (keys, values) => [...keys, ...values.filter(key => !keys.includes(key))]),
  removeTargets: (flag, one) => retargeted(flag, one, (keys, values) => keys.filter(key => !values.includes(key))),
  clearTargets: (flag, one) => retargeted(flag, { ...one, values: [] }, () => []),
  replaceTargets: (flag, { targets }) => {
    if (!Array.isArray(targets)) throw new PatchProblem(400, 'found no list of targets, expected one')
    return targets.reduce<FlagDefinition>(
      (changed, target: Instruction) => retargeted(changed, target, (_, values) => values),
      { ...flag, targets: [] },
    )
  },
  addPrerequisite: (flag, one) => {
    const key = text(one, 'key')
    if (flag.prerequisites.some(({ flag: other }) => other === key))
      throw new PatchProblem(400, `flag "${key}" is a prerequisite already`)
    return { ...flag, prerequisites: [...flag.prerequisites, { flag: key, variants: [text(one, 'variationId')] }] }
  },
  updatePrerequisite: (flag, one) => {
    const key = prerequisiteOf(flag, one)
    const wanted = { flag: key, variants: [text(one, 'variationId')] }
    return { ...flag, prerequisites: flag.prerequisites.map(other => (other.flag === key ? wanted : other)) }
  },
  removePrerequisite: (flag, one) => {
    const key = prerequisiteOf(flag, one)
    return { ...flag, prerequisites: flag.prerequisites.filter(other => other.flag !== key) }
  },
  replacePrerequisites: (flag, { prerequisites }) => {
    if (!Array.isArray(prerequisites)) throw new PatchProblem(400, 'found no list of prerequisites, expected one')
    const wanted = prerequisites.map((one: Instruction) => ({
      flag: text(one, 'key'),
      variants: [text(one, 'variationId')],
    }))
    return { ...flag, prerequisites: wanted }
  },
  addVariation: (flag, one) => {
    const name =
      typeof one['name'] === 'string' && one['name'] !== ''
        ? one['name']
        : `variation-${Object.keys(flag.variants).length}`
    if (Object.hasOwn(flag.variants, name)) throw new PatchProblem(400, `there is a variation "${name}" already`)
    if (one['value'] === undefined) throw new PatchProblem(400, 'found no value of a variation, expected one')
    return { ...flag, variants: { ...flag.variants, [name]: one['value'] as FlagDefinition['variants'][string] } }
  },
  removeVariation: (flag, one) => {
    const name = variantOf(flag, one.variationId)
    return { ...flag, variants: Object.fromEntries(Object.entries(flag.variants).filter(([other]) => other !== name)) }
  },
  updateVariation: (flag, one) => {
    const name = variantOf(flag, one.variationId)
    if (one['name'] !== undefined && one['name'] !== name)
      throw new PatchProblem(422, 'the name of a variation is its id here and cannot be changed')
    return one['value'] === undefined
      ? flag
      : { ...flag, variants: { ...flag.variants, [name]: one['value'] as never } }
  },
  ...ruleInstructions,
}

/** Older names for the same. */
for (const [older, name] of [
  ['addUserTargets', 'addTargets'],
  ['removeUserTargets', 'removeTargets'],
  ['clearUserTargets', 'clearTargets'],
  ['replaceUserTargets', 'replaceTargets'],
] as const)
  carriedOut[older] = carriedOut[name]!

/** Kinds of LaunchDarkly about things that a flag has not here. */
const withoutMeaning = new Set(
  [
    'addCustomProperties addTags archiveFlag deleteFlag deprecateFlag makeFlagPermanent makeFlagTemporary removeCustomProperties',
    'removeMaintainer removeTags replaceCustomProperties restoreDeprecatedFlag restoreFlag turnOffClientSideAvailability',
    'turnOnClientSideAvailability updateDefaultVariation updateDescription updateMaintainerMember updateMaintainerTeam updateName',
    'updateRuleDescription updateTrackEvents updateTrackEventsFallthrough updateRuleTrackEvents addExpiringTargets updateExpiringTargets',
    'removeExpiringTargets addExpireUserTargetDate updateExpireUserTargetDate removeExpireUserTargetDate updateMigrationFlagStage',
    'updateFallthroughWithMeasuredRolloutV2 updateRuleWithMeasuredRolloutV2 addRuleWithMeasuredRollout stopMeasuredRolloutOnFlagFallthrough',
    'stopMeasuredRolloutOnFlagRule dismissMeasuredRolloutRegressionOnFallthrough dismissMeasuredRolloutRegressionOnRule mergeFlag',
  ].flatMap(kinds => kinds.split(' ')),
)

function prerequisiteOf(flag: FlagDefinition, one: Instruction): string {
  const key = text(one, 'key')
  if (flag.prerequisites.some(({ flag: other }) => other === key)) return key
  throw new PatchProblem(404, `flag "${key}" is no prerequisite of "${flag.key}"`)
}

/** A key has one target: whoever is named anew is taken out of the others. */
function retargeted(
  flag: FlagDefinition,
  one: Instruction,
  change: (keys: readonly string[], values: readonly string[]) => readonly string[],
): FlagDefinition {
  if (one['contextKind'] !== undefined && one['contextKind'] !== 'user')
    throw new PatchProblem(422, `targets of kind "${String(one['contextKind'])}" are not known here, users are`)
  const variant = variantOf(flag, one.variationId)
  const keys = change(flag.targets.find(target => target.variant === variant)?.keys ?? [], texts(one, 'values'))
  const others = flag.targets.map(target => ({
    ...target,
    keys: target.variant === variant ? keys : target.keys.filter(key => !keys.includes(key)),
  }))
  const targets = flag.targets.some(target => target.variant === variant) ? others : [...others, { variant, keys }]
  return { ...flag, targets: targets.filter(target => target.keys.length > 0) }
}
