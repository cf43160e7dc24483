/** The body of `GET /api/client/features`, as Unleash's server clients read it. */
import type { JsonValue } from '@dankai/flags'

export interface UnleashFeatures {
  readonly version: 2
  readonly features: readonly UnleashFeature[]
  readonly segments: readonly UnleashSegment[]
}

export interface UnleashFeature {
  readonly name: string
  readonly type: string
  readonly project: string
  readonly enabled: boolean
  readonly stale: boolean
  readonly impressionData: boolean
  readonly strategies: readonly UnleashStrategy[]
  readonly variants: readonly UnleashVariant[]
  readonly dependencies?: readonly UnleashDependency[]
}

export interface UnleashStrategy {
  readonly name: string
  readonly parameters: Readonly<Record<string, string>>
  readonly constraints: readonly UnleashConstraint[]
  readonly segments?: readonly number[]
  readonly variants?: readonly UnleashVariant[]
}

export interface UnleashConstraint {
  readonly contextName: string
  readonly operator: string
  readonly values?: readonly string[]
  readonly value?: string
  readonly inverted?: boolean
  readonly caseInsensitive?: boolean
}

export interface UnleashSegment {
  readonly id: number
  readonly name: string
  readonly constraints: readonly UnleashConstraint[]
}

export interface UnleashVariant {
  readonly name: string
  readonly weight: number
  readonly weightType: 'fix' | 'variable'
  readonly stickiness: string
  readonly payload?: UnleashPayload
}

export interface UnleashPayload {
  readonly type: 'string' | 'json' | 'csv' | 'number'
  readonly value: string
}

export interface UnleashDependency {
  readonly feature: string
  readonly enabled: boolean
  readonly variants?: readonly string[]
}

export function payloadOf(value: JsonValue): UnleashPayload {
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'number') return { type: 'number', value: String(value) }
  if (typeof value === 'boolean') return { type: 'string', value: String(value) }
  return { type: 'json', value: JSON.stringify(value) }
}
