import type { Quantiles } from './quantiles.ts'

/**
 * What was measured in one bucket of one metric, or in a run of equal buckets.
 *
 * Counts and sketches, not values, so that windows merge exactly: a ratio over an hour is sum / sum. A pulled answer
 * that is only a number arrives as `value`.
 */
export type Measure =
  | { readonly kind: 'ratio'; readonly numerator: number; readonly denominator: number }
  | { readonly kind: 'mean'; readonly sum: number; readonly count: number }
  | { readonly kind: 'quantile'; readonly quantiles: Quantiles }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'last'; readonly value: number }
  | { readonly kind: 'value'; readonly value: number; readonly samples: number }

export const measureKinds: readonly Measure['kind'][] = ['ratio', 'mean', 'quantile', 'count', 'last', 'value']

/**
 * Which users a bucket speaks of. `canary` and `stable` are the variant *served*; `all` is a measure that cannot be
 * split (a database pool); `baseline` is the reference of another time (last week, the previous version).
 */
export type Track = 'canary' | 'stable' | 'all' | 'baseline'

export interface Observation {
  readonly metric: string
  readonly track: Track
  /** Start of the first bucket, epoch milliseconds. */
  readonly start: number
  /** Length of one bucket. A sample that comes by itself (`every: sample`) has length 0. */
  readonly lengthMs: number
  /** Number of equal, adjacent buckets this stands for; each holds `measure`. */
  readonly buckets: number
  readonly measure: Measure
  /** An open bucket may still change: it can stop a release, never promote it or feed a test. */
  readonly open: boolean
}

/** End of the last bucket of a run, epoch milliseconds. */
export function endOf(observation: Observation): number {
  return observation.start + observation.lengthMs * observation.buckets
}
