/**
 * What a flag is, as data: the same JSON in the database, on the stream, in the SDK and at the edge.
 *
 * The model grows by optional fields and by new words in unions (`algorithm`, reasons). A program that meets a word it
 * does not know serves the off variant and says PARSE_ERROR; it never guesses.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

export const flagKinds = ['release', 'ops', 'experiment', 'permission'] as const
export type FlagKind = (typeof flagKinds)[number]

export interface FlagDefinition {
  readonly key: string
  /** The environment's version at which this flag last changed. */
  readonly version: number
  readonly kind: FlagKind
  readonly on: boolean
  /** The emergency stop: nobody has the change, whatever else is set. */
  readonly killed: boolean
  /** How a user becomes a bucket. */
  readonly algorithm: BucketAlgorithm
  /** Changing it deals all users anew, so a release never does. */
  readonly seed: string
  readonly variants: Readonly<Record<string, JsonValue>>
  /** Served to those who are out. */
  readonly offVariant: string
  /** Served to those who are in. */
  readonly onVariant: string
  /** Targeting keys that are always in while the flag is on. */
  readonly allow: readonly string[]
  readonly exposure: FlagExposure
  /** Segments that `exposure.cohorts` names, so that a flag is complete in itself. */
  readonly segments: Readonly<Record<string, FlagSegment>>
}

export const bucketAlgorithms = ['dankai'] as const
export type BucketAlgorithm = (typeof bucketAlgorithms)[number]

/** Who is in: the union of the cohorts and of a share of everybody. */
export interface FlagExposure {
  /** Share of all users, 0 to 1. */
  readonly share: number
  readonly cohorts: readonly FlagCohort[]
  /** Input is copied and results are discarded: neither share nor cohorts expose anybody. */
  readonly shadow: boolean
}

export interface FlagCohort {
  readonly segment: string
  /** Share of the segment, 0 to 1. */
  readonly share: number
  /** Thresholds per stratum (see `stratify`); the first that matches counts, then `share`. Null: one share for all. */
  readonly mix: readonly Stratum[] | null
}

export interface Stratum {
  /** Attribute -> accepted values; all attributes must match. Empty matches everybody. */
  readonly where: Readonly<Record<string, readonly string[]>>
  /** Share of this stratum that is in, 0 to 1. */
  readonly share: number
}

export interface FlagSegment {
  /** Attribute -> accepted values; all attributes must match. Empty matches nobody. */
  readonly include: Readonly<Record<string, readonly string[]>>
}

/** A flag that is on and exposes nobody, with what is given put in its place. */
export function defineFlag(given: Partial<FlagDefinition> & Pick<FlagDefinition, 'key'>): FlagDefinition {
  return {
    version: 0,
    kind: 'release',
    on: true,
    killed: false,
    algorithm: 'dankai',
    seed: given.key,
    variants: { on: true, off: false },
    offVariant: 'off',
    onVariant: 'on',
    allow: [],
    exposure: { share: 0, cohorts: [], shadow: false },
    segments: {},
    ...given,
  }
}
