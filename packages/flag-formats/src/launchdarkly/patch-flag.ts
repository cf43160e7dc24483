import { checkFlag, type FlagDefinition, type JsonValue } from '@dankai/flags'
import { launchDarklyRestFlag, type RestAbout } from './flag-representation.ts'
import { applyJsonPatch, applyMergePatch } from './json-patch.ts'
import { PatchProblem, type PatchResult, patchResult } from './patch-problem.ts'
import { type PlaceOfVariant, patchedFlag } from './patched-flag.ts'
import { applySemanticPatch } from './semantic-patch.ts'

/** A change as LaunchDarkly's REST API takes it; `value` is as it came. */
export type LaunchDarklyPatch =
  | { readonly kind: 'semantic'; readonly value: unknown }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'merge'; readonly value: unknown }

export interface LaunchDarklyPatchAbout extends RestAbout {
  /** The variant of another flag at a place. */
  readonly variantOf: PlaceOfVariant
}

/** The flag with the change, sound, or why there is none. */
export function patchLaunchDarklyFlag(
  flag: FlagDefinition,
  patch: LaunchDarklyPatch,
  about: LaunchDarklyPatchAbout,
): PatchResult<FlagDefinition> {
  return patchResult(() => {
    const changed = apply(flag, patch, about)
    const [problem] = checkFlag(changed)
    if (problem !== undefined) throw new PatchProblem(422, problem.message)
    return changed
  })
}

function apply(
  flag: FlagDefinition,
  { kind, value }: LaunchDarklyPatch,
  about: LaunchDarklyPatchAbout,
): FlagDefinition {
  if (kind === 'semantic') return applySemanticPatch(flag, value)
  const before = launchDarklyRestFlag(flag, about)
  const document = JSON.parse(JSON.stringify(before)) as JsonValue
  const after = kind === 'json' ? applyJsonPatch(document, value) : applyMergePatch(document, value as JsonValue)
  return patchedFlag(flag, before, after, about.environment, about.variantOf)
}

/** Which environments a JSON or merge patch is about. */
export function environmentsInLaunchDarklyPatch({ kind, value }: LaunchDarklyPatch): readonly string[] {
  if (kind === 'json' && Array.isArray(value)) {
    const paths = value.flatMap((operation: { path?: unknown } | null) => operation?.path ?? [])
    return [...new Set(paths.flatMap(path => /^\/environments\/([^/]+)/.exec(String(path))?.[1] ?? []))]
  }
  if (kind !== 'merge' || typeof value !== 'object' || value === null) return []
  const { environments } = value as { environments?: unknown }
  return typeof environments === 'object' && environments !== null ? Object.keys(environments) : []
}
