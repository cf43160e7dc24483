/**
 * A bucket is a user's fixed place in 0 … 2^32 - 1; a share is a threshold, and who is below it is in.
 *
 * 1. The bucket depends on seed and targeting key alone: not on the share, other attributes, time or memory.
 * 2. The threshold never falls when the share rises, so raising a share takes nobody out.
 * 3. Share 0 is threshold 0 and has nobody; share 1 is 2^32 and has everybody.
 */
import type { BucketAlgorithm } from './flag-definition.ts'
import { murmur3After } from './murmur3.ts'

export type BucketOf = (targetingKey: string) => number

export const bucketCount = 2 ** 32

const algorithms: Readonly<Record<BucketAlgorithm, (seed: string) => BucketOf>> = {
  dankai: seed => murmur3After(`${seed}:`),
}

export function compileBuckets(algorithm: BucketAlgorithm, seed: string): BucketOf {
  return algorithms[algorithm](seed)
}

export function thresholdOf(share: number): number {
  return Math.round(share * bucketCount)
}

/** A cohort deals its members anew, so that being in 15 % of a segment does not mean being in the first 15 % of all. */
export function cohortSeed(seed: string, segment: string): string {
  return `${seed}:${segment}`
}
