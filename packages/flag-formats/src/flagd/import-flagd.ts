/**
 * A file of flagd as our flags. Never throws.
 *
 * A flag of which a clause could not be carried over is imported switched off: later clauses would decide for users of
 * that one, and could let in whoever should not be.
 */
import { defineFlag, type FlagDefinition, type FlagSegment, flagKinds, type JsonValue } from '@dankai/flags'
import type { FlagImport, NotCarried } from '../flag-import.ts'
import { type Fields, fieldsOf, isFields } from '../given-json.ts'
import { flagProblem } from '../sound-part.ts'
import { importTargeting, splitOffLast } from './import-targeting.ts'

type Note = (what: string, why: string) => unknown

export function importFlagd(given: unknown): FlagImport {
  if (!isFields(given) || !isFields(given['flags']))
    return { flags: [], notCarried: [{ flag: '', what: '', why: 'found no "flags", expected a file of flagd' }] }
  const evaluators = fieldsOf(given['$evaluators'])
  const flags: FlagDefinition[] = []
  const notCarried: NotCarried[] = []
  for (const name of Object.keys(fieldsOf(given['metadata'])))
    notCarried.push({ flag: '', what: `metadata.${name}`, why: 'Dankai has no metadata of whole files' })
  for (const [key, found] of Object.entries(given['flags'])) {
    const note: Note = (what, why) => notCarried.push({ flag: key, what, why })
    if (!isFields(found) || !isFields(found['variants']) || Object.keys(found['variants']).length === 0) {
      note('', 'found no variants, expected a flag')
      continue
    }
    const flag = importFlag(key, found, evaluators, note)
    const problem = flagProblem(flag)
    if (problem === null) flags.push(flag)
    else note('', problem)
  }
  return { flags, notCarried }
}

function importFlag(key: string, given: Fields, evaluators: Fields, note: Note): FlagDefinition {
  const variants = fieldsOf(given['variants']) as Readonly<Record<string, JsonValue>>
  const offVariant = defaultVariantOf(given, variants, note)
  const segments: Record<string, FlagSegment> = {}
  let isWhole = true
  const reader = { key, variants, defaultVariant: offVariant, segments, note, leftOut: () => (isWhole = false) }
  const targeting = withReferences(given['targeting'], evaluators)
  const isTargeted = isFields(targeting) && Object.keys(targeting).length > 0
  const { rules, otherwise } = splitOffLast(isTargeted ? importTargeting(targeting, reader) : [])
  if (!isWhole) note('state', 'a clause is missing, so the flag is imported switched off')
  if (given['state'] === 'DISABLED')
    note('state', 'a flag that is off serves its off variant, not the default of the code')
  return defineFlag({
    key,
    kind: kindOf(given, note),
    on: given['state'] === 'ENABLED' && isWhole,
    algorithm: 'flagd',
    seed: key,
    variants,
    offVariant,
    onVariant: Object.keys(variants).find(name => variants[name] === true) ?? otherVariant(variants, offVariant),
    rules: rules.map((rule, index) => ({ ...rule, id: `targeting-${index + 1}` })),
    otherwise: otherwise ?? { variant: offVariant },
    segments,
  })
}

function defaultVariantOf(given: Fields, variants: Readonly<Record<string, JsonValue>>, note: Note): string {
  const name = given['defaultVariant']
  if (typeof name === 'string' && Object.hasOwn(variants, name)) return name
  const chosen = Object.keys(variants).find(one => variants[one] === false) ?? Object.keys(variants)[0] ?? ''
  note('defaultVariant', `without a default variant the code's own default is served there; here it is "${chosen}"`)
  return chosen
}

const otherVariant = (variants: Readonly<Record<string, JsonValue>>, off: string): string =>
  Object.keys(variants).find(name => name !== off) ?? off

/** `{"$ref": NAME}` stands for a shared evaluator. */
function withReferences(logic: unknown, evaluators: Fields, depth = 0): unknown {
  if (Array.isArray(logic)) return logic.map(part => withReferences(part, evaluators, depth))
  if (!isFields(logic)) return logic
  const name = logic['$ref']
  if (typeof name === 'string' && Object.hasOwn(evaluators, name) && depth < 10)
    return withReferences(evaluators[name], evaluators, depth + 1)
  return Object.fromEntries(Object.entries(logic).map(([key, part]) => [key, withReferences(part, evaluators, depth)]))
}

function kindOf(given: Fields, note: Note): FlagDefinition['kind'] {
  const { kind, version, ...rest } = fieldsOf(given['metadata'])
  for (const name of Object.keys(rest)) note(`metadata.${name}`, 'Dankai has no metadata of flags beside its own')
  return flagKinds.find(known => known === kind) ?? 'release'
}
