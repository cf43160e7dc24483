/**
 * All flags of an environment for clients that evaluate with LaunchDarkly's formula.
 *
 * 1. A flag is there only if they choose exactly the same users for it; any other is named with the reason.
 * 2. A flag whose prerequisite is not there is not there either, nor one of a circle.
 * 3. A prerequisite that a flag fulfils by being off is left out: there, no flag that is off fulfils any.
 */
import type { FlagDefinition, FlagPrerequisite } from '@dankai/flags'
import { CannotFollow, endsItsClients, isInherited } from './cannot-follow.ts'
import { exportFlag, type LaunchDarklyExport } from './export-flag.ts'
import type { LaunchDarklyPrerequisite, LaunchDarklySegment } from './launchdarkly-flag.ts'

export interface ExportedFlag {
  readonly flag: Extract<LaunchDarklyExport, { ok: true }>['flag']
  readonly segments: readonly LaunchDarklySegment[]
}

export interface LaunchDarklyEnvironment {
  readonly flags: ReadonlyMap<string, ExportedFlag>
  /** Key -> why LaunchDarkly's clients cannot follow the flag. */
  readonly refused: ReadonlyMap<string, string>
}

/** Exports of definitions as they stand: most flags do not change from one export to the next. */
const remembered = new WeakMap<FlagDefinition, LaunchDarklyExport>()

export function exportLaunchDarkly(definitions: readonly FlagDefinition[]): LaunchDarklyEnvironment {
  const byKey = new Map(definitions.map(definition => [definition.key, definition]))
  const flags = new Map<string, ExportedFlag>()
  const refused = new Map<string, string>()
  const asking = new Set<string>()
  const settle = (definition: FlagDefinition): boolean => {
    const { key } = definition
    if (flags.has(key) || refused.has(key)) return flags.has(key)
    if (asking.has(key)) return false
    asking.add(key)
    const missing = definition.prerequisites.find(({ flag }) => {
      const other = byKey.get(flag)
      return other !== undefined && !settle(other)
    })
    asking.delete(key)
    const exported = missing === undefined ? withPrerequisites(definition, byKey) : unfollowed(missing)
    if (exported.ok) flags.set(key, exported)
    else refused.set(key, exported.why)
    return exported.ok
  }
  for (const definition of byKey.values()) settle(definition)
  return { flags, refused }
}

const unfollowed = ({ flag }: FlagPrerequisite): LaunchDarklyExport => ({
  ok: false,
  why: `its prerequisite "${flag}" cannot be followed`,
})

function withPrerequisites(
  definition: FlagDefinition,
  others: ReadonlyMap<string, FlagDefinition>,
): LaunchDarklyExport {
  const exported = remembered.get(definition) ?? exportFlag(definition)
  remembered.set(definition, exported)
  if (!exported.ok || definition.prerequisites.length === 0) return exported
  try {
    const prerequisites = definition.prerequisites.flatMap(one => prerequisiteOf(one, others.get(one.flag)))
    return { ...exported, flag: { ...exported.flag, prerequisites } }
  } catch (error) {
    if (error instanceof CannotFollow) return { ok: false, why: error.message }
    throw error
  }
}

function prerequisiteOf(
  { flag: key, variants }: FlagPrerequisite,
  other: FlagDefinition | undefined,
): readonly LaunchDarklyPrerequisite[] {
  if (other === undefined && isInherited(key)) throw new CannotFollow(endsItsClients(key))
  if (other === undefined) return [{ key, variation: 0 }]
  const isOff = !other.on || other.killed
  if (isOff && variants.includes(other.offVariant)) return []
  const names = Object.keys(other.variants)
  const known = [...new Set(variants)].filter(variant => names.includes(variant))
  if (known.length > 1) throw new CannotFollow(`LaunchDarkly asks for one variation of prerequisite "${key}"`)
  return [{ key, variation: known.length === 0 ? -1 : names.indexOf(known[0]!) }]
}
