/**
 * Flags and segments as LaunchDarkly's server SDKs read them (`/sdk/latest-all`, `/all`): what of it means something
 * here. Fields that a payload leaves out are optional, as LaunchDarkly leaves out what is at its default.
 */
import type { JsonValue } from '@dankai/flags'

export interface LaunchDarklyFlag {
  readonly key: string
  readonly version: number
  readonly on: boolean
  readonly salt: string
  readonly variations: readonly JsonValue[]
  readonly offVariation: number | null
  readonly fallthrough: VariationOrRollout
  readonly targets: readonly LaunchDarklyTarget[]
  readonly contextTargets: readonly LaunchDarklyTarget[]
  readonly rules: readonly LaunchDarklyRule[]
  readonly prerequisites: readonly LaunchDarklyPrerequisite[]
  readonly clientSide: boolean
  readonly clientSideAvailability: { readonly usingMobileKey: boolean; readonly usingEnvironmentId: boolean }
  readonly trackEvents: boolean
  readonly trackEventsFallthrough: boolean
  readonly debugEventsUntilDate: number | null
  readonly deleted: boolean
}

export interface VariationOrRollout {
  readonly variation?: number
  readonly rollout?: LaunchDarklyRollout
}

export interface LaunchDarklyRollout {
  readonly kind?: 'rollout' | 'experiment'
  readonly contextKind?: string
  readonly variations: readonly WeightedVariation[]
  readonly bucketBy?: string
  readonly seed?: number
}

export interface WeightedVariation {
  readonly variation: number
  /** Thousandths of a percent. */
  readonly weight: number
  readonly untracked?: boolean
}

export interface LaunchDarklyTarget {
  readonly variation: number
  readonly values: readonly string[]
  readonly contextKind?: string
}

export interface LaunchDarklyRule extends VariationOrRollout {
  readonly id: string
  readonly clauses: readonly LaunchDarklyClause[]
  readonly trackEvents: boolean
}

export interface LaunchDarklyClause {
  /** A literal name without `contextKind`, a reference such as `/a/b` with one. */
  readonly attribute: string
  readonly op: string
  readonly values: readonly JsonValue[]
  /** Turned round for whoever has the attribute; nobody else matches either way. */
  readonly negate: boolean
  readonly contextKind?: string
}

export interface LaunchDarklyPrerequisite {
  readonly key: string
  readonly variation: number
}

export interface LaunchDarklySegment {
  readonly key: string
  readonly version: number
  readonly included: readonly string[]
  readonly excluded: readonly string[]
  readonly rules: readonly LaunchDarklySegmentRule[]
  readonly salt: string
  readonly deleted: boolean
}

export interface LaunchDarklySegmentRule {
  readonly id: string
  readonly clauses: readonly LaunchDarklyClause[]
  /** Share of whoever matches, in thousandths of a percent; all without it. */
  readonly weight?: number
}

export interface LaunchDarklyData {
  readonly flags: Readonly<Record<string, LaunchDarklyFlag>>
  readonly segments: Readonly<Record<string, LaunchDarklySegment>>
}
