/**
 * All flags of an environment for an Unleash client, with what binds them: dependencies and segments.
 *
 * A flag that asks for another is given only when the client can decide the same: the other is given too, asks for none
 * itself (Unleash knows one level), and what is asked of it can be said as "enabled" or by names of variants.
 */
import { completeFlag, type FlagDefinition, type FlagPrerequisite } from '@dankai/flags'
import type { ExportResult } from '../followed-flag.ts'
import { type ExportedFeature, exportUnleashFlag } from './export-unleash.ts'
import { hasNamedVariants, isEnabledVariant } from './frontend-flag.ts'
import type { UnleashDependency, UnleashFeature, UnleashSegment } from './unleash-format.ts'
import { joinSegments } from './unleash-segments.ts'

export interface UnleashExport {
  readonly features: readonly UnleashFeature[]
  readonly segments: readonly UnleashSegment[]
  readonly refused: readonly { readonly flag: string; readonly why: string }[]
}

/** `exportOne` may remember what it made of a definition. */
export function exportUnleash(
  definitions: readonly FlagDefinition[],
  exportOne: (flag: FlagDefinition) => ExportResult<ExportedFeature> = exportUnleashFlag,
): UnleashExport {
  const byKey = new Map(definitions.map(flag => [flag.key, flag]))
  const features: UnleashFeature[] = []
  const refused: { flag: string; why: string }[] = []
  let segments: ReadonlyMap<number, UnleashSegment> = new Map()
  for (const flag of definitions) {
    const exported = exportBound(flag, byKey, exportOne)
    const joined =
      exported.ok && exported.value.segments.length > 0 ? joinSegments(segments, exported.value.segments) : segments
    if (!exported.ok) refused.push({ flag: flag.key, why: exported.why })
    else if (joined === null) refused.push({ flag: flag.key, why: 'a segment whose number another one has' })
    else {
      features.push(exported.value.feature)
      segments = joined
    }
  }
  return { features, segments: [...segments.values()], refused }
}

type Exported = ExportResult<ExportedFeature>

function exportBound(
  flag: FlagDefinition,
  byKey: ReadonlyMap<string, FlagDefinition>,
  exportOne: (flag: FlagDefinition) => Exported,
): Exported {
  const exported = exportOne(flag)
  const { prerequisites } = completeFlag(flag)
  if (!exported.ok || prerequisites.length === 0 || flag.killed || !flag.on) return exported
  if (isEnabledVariant(flag, flag.offVariant, false))
    return refuse('it is enabled when what it asks for is not met, which Unleash cannot say')
  const dependencies: UnleashDependency[] = []
  for (const prerequisite of prerequisites) {
    const dependency = dependencyOn(prerequisite, byKey.get(prerequisite.flag), exportOne)
    if (!dependency.ok) return refuse(`it asks for flag "${prerequisite.flag}": ${dependency.why}`)
    dependencies.push(dependency.value)
  }
  const { feature, segments } = exported.value
  return { ok: true, value: { feature: { ...feature, dependencies }, segments } }
}

const refuse = (why: string): { ok: false; why: string } => ({ ok: false, why })

function dependencyOn(
  { flag: key, variants }: FlagPrerequisite,
  asked: FlagDefinition | undefined,
  exportOne: (flag: FlagDefinition) => Exported,
): ExportResult<UnleashDependency> {
  if (asked === undefined) return refuse('there is none')
  const exported = exportOne(asked)
  if (!exported.ok) return exported
  if (completeFlag(asked).prerequisites.length > 0) return refuse('it asks for another itself')
  const enabled = Object.keys(asked.variants).filter(name => isEnabledVariant(asked, name, true))
  const named = variants.filter(name => Object.hasOwn(asked.variants, name))
  if (named.some(name => !enabled.includes(name) || !isEnabledVariant(asked, name, false)))
    return refuse('it may be off, which Unleash takes for more than Dankai does')
  // Without names Unleash takes any variant for one that was asked for.
  if (named.length === 0) return refuse('no variant of it is asked for')
  if (hasNamedVariants(asked)) return { ok: true, value: { feature: key, enabled: true, variants: named } }
  return enabled.every(name => named.includes(name))
    ? { ok: true, value: { feature: key, enabled: true } }
    : refuse('only some of its variants are asked for')
}
