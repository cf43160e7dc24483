/**
 * What a flag is, as data: the same JSON in the database, on the stream, in the SDK and at the edge.
 *
 * The model grows by optional fields and by new words in unions (`algorithm`, operators, reasons). A program that meets
 * a word it does not know serves the off variant and says PARSE_ERROR; it never guesses.
 *
 * Order of evaluation: killed, off, prerequisites, targets, rules in their order, exposure, otherwise.
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
  /** Served to those whom the exposure lets in. */
  readonly onVariant: string
  /** Each must hold, or the off variant is served. */
  readonly prerequisites: readonly FlagPrerequisite[]
  /** Targeting keys that have a variant whatever rules and exposure say. */
  readonly targets: readonly FlagTarget[]
  readonly rules: readonly FlagRule[]
  /** What a release moves. */
  readonly exposure: FlagExposure
  /** Served to whoever nothing above let in; the off variant unless set. */
  readonly otherwise: Serve
  /** Segments that cohorts and rules name, so that a flag is complete in itself. */
  readonly segments: Readonly<Record<string, FlagSegment>>
  /** A client that has not heard the control plane for so long serves the off variant. Not set: what it knows. */
  readonly leaseMs?: number
  /** Clients that may have it by their own buckets, although those choose other users than the flag's. */
  readonly otherBuckets?: readonly BucketAlgorithm[]
}

/** The names are those of the clients whose formula is followed; `bucketing.ts` states each. */
export const bucketAlgorithms = ['dankai', 'launchdarkly', 'unleash', 'flagd'] as const
export type BucketAlgorithm = (typeof bucketAlgorithms)[number]

/** Another flag, which must serve one of these variants, without an error. */
export interface FlagPrerequisite {
  readonly flag: string
  readonly variants: readonly string[]
}

export interface FlagTarget {
  readonly variant: string
  readonly keys: readonly string[]
}

export interface FlagRule {
  /** Stable; reported as `ruleId`. */
  readonly id: string
  /** All must hold. Empty matches everybody. */
  readonly when: readonly Condition[]
  /** Part of those who match, 0 to 1; the others go on to the next rule. */
  readonly share: number
  /** The attribute that the bucket of `share` is made from. Null: the targeting key. */
  readonly by: string | null
  /** Null: the flag's seed. */
  readonly seed: string | null
  readonly serve: Serve
}

export type Serve = { readonly variant: string } | Split

export interface Split {
  readonly split: readonly SplitPart[]
  /** The attribute that the bucket is made from. Null: the targeting key. */
  readonly by: string | null
  /** Null: the flag's seed. */
  readonly seed: string | null
  /** Being assigned a variant counts as being in an experiment. */
  readonly experiment: boolean
}

export interface SplitPart {
  readonly variant: string
  /** Thousandths of a percent; all parts sum to `weightTotal`. */
  readonly weight: number
  /** False keeps those who have this part out of the experiment; true unless set. */
  readonly tracked?: boolean
}

export const weightTotal = 100_000

export interface Condition {
  /** `email`, `custom.betaTester` (a name with dots, else a path of own properties), `targetingKey`. */
  readonly attribute: string
  readonly operator: Operator
  /** Any one suffices. Empty for `exists`; names of segments for `inSegment`. */
  readonly values: readonly (string | number | boolean)[]
  /** Turned round: an attribute that is absent matches. */
  readonly negated: boolean
  /** For `is`, `startsWith`, `endsWith`, `contains` and `matches`. */
  readonly ignoreCase?: boolean
}

/**
 * `is` compares as text: 42 is "42", true is "true". `matches` takes the regular expressions of `text-pattern.ts`;
 * a text of more than 1,000 units matches none, and of a list those texts are read that come to no more together.
 * Moments are RFC 3339 or epoch milliseconds. Of a list any element suffices.
 */
export const operators = [
  'is',
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  '=',
  '<',
  '<=',
  '>',
  '>=',
  'before',
  'after',
  'semver=',
  'semver<',
  'semver<=',
  'semver>',
  'semver>=',
  'cidr',
  'exists',
  'inSegment',
] as const
export type Operator = (typeof operators)[number]

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

/** Who belongs: `keys`, then never `excludedKeys`, then whoever `include` or one of the rules matches. */
export interface FlagSegment {
  /** Attribute -> accepted values; all attributes must match. Empty matches nobody. */
  readonly include: Readonly<Record<string, readonly string[]>>
  /** Targeting keys that belong whatever the rest says. */
  readonly keys?: readonly string[]
  /** Targeting keys that do not belong. */
  readonly excludedKeys?: readonly string[]
  /** Lists of conditions: all of one list must hold. An empty list matches nobody. */
  readonly rules?: readonly (readonly Condition[])[]
}

/** A flag that is on and exposes nobody, with what is given put in its place. */
export function defineFlag(given: Partial<FlagDefinition> & Pick<FlagDefinition, 'key'>): FlagDefinition {
  return {
    version: 0,
    kind: 'release',
    on: true,
    killed: false,
    algorithm: 'dankai',
    seed: given.algorithm === 'launchdarkly' ? `${given.key}.${given.key}` : given.key,
    variants: { on: true, off: false },
    offVariant: 'off',
    onVariant: 'on',
    prerequisites: [],
    targets: [],
    rules: [],
    exposure: { share: 0, cohorts: [], shadow: false },
    otherwise: { variant: given.offVariant ?? 'off' },
    segments: {},
    ...given,
  }
}

/** As an older program stored it: without the newer fields, and with the keys that always had the on variant. */
export type StoredFlagDefinition = Omit<FlagDefinition, NewerField> &
  Partial<Pick<FlagDefinition, NewerField>> & { readonly allow?: readonly string[] }

type NewerField = 'prerequisites' | 'targets' | 'rules' | 'otherwise'

/** What an older program stored, in today's words. A flag of today is given back as it is. */
export function completeFlag(stored: StoredFlagDefinition): FlagDefinition {
  if (isComplete(stored)) return stored
  const { allow, ...flag } = stored
  return {
    ...flag,
    prerequisites: flag.prerequisites ?? [],
    targets: flag.targets ?? targetsOf(allow, flag.onVariant),
    rules: flag.rules ?? [],
    otherwise: flag.otherwise ?? { variant: flag.offVariant },
  }
}

const newerFields: readonly NewerField[] = ['prerequisites', 'targets', 'rules', 'otherwise']

const isComplete = (stored: StoredFlagDefinition): stored is FlagDefinition =>
  newerFields.every(name => stored[name] !== undefined)

function targetsOf(allow: readonly string[] | undefined, variant: string): readonly FlagTarget[] {
  return allow === undefined || allow.length === 0 ? [] : [{ variant, keys: allow }]
}
