/**
 * A bucket is a user's fixed place; a share is a threshold, and who is below it is in. A split is several thresholds.
 *
 * 1. The bucket depends on algorithm, seed and key alone: not on the share, other attributes, time or memory.
 * 2. A threshold never falls when its share rises, so raising a share takes nobody out.
 * 3. Share 0 has nobody; share 1 has everybody.
 *
 * The formula is data of the flag, so that one flag chooses the same users through every client. Each is that of the
 * named client for Node; clients in other languages agree with it for ASCII keys.
 *
 * - `dankai`: murmur3 (x86, 32 bits) of the UTF-8 of `SEED:KEY`, hash seed 0 for shares and 1 for splits, so that a
 *   split within a share is not the share again. 2^32 places.
 * - `launchdarkly` (@launchdarkly/js-server-sdk-common, Bucketer and _variationForContext): the first 15 hexadecimal
 *   digits of SHA-1 of `SEED.KEY`, divided by fffffffffffffff. SEED is `FLAGKEY.SALT`, or the rollout's own seed. Part
 *   after part is added up in floating point, and whoever is left has the last part.
 * - `unleash` (unleash-client, strategy/util and variant): murmur3 of `SEED:KEY`, of each UTF-16 unit its low byte.
 *   Shares: hash seed 0, modulo 100, whole percents. Splits: hash seed 86028157, modulo 1,000. SEED is the groupId.
 * - `flagd` (@openfeature/flagd-core, `fractional`): murmur3 as of npm imurmurhash, of `SEEDKEY` without a sign between.
 *   `(hash × total) >> 32` is compared with added-up weights; the total is 100,000. SEED is the key of the flag.
 */
import { type BucketAlgorithm, weightTotal } from './flag-definition.ts'
import {
  asciiMurmur3Prefix,
  lowBytes,
  type Murmur3Prefix,
  murmur3From,
  murmur3Prefix,
  overlappingMurmur3,
  utf8Bytes,
} from './murmur3.ts'
import { sha1First60Bits } from './sha1.ts'

export interface Bucketing {
  /** Null: `bucketOther` has its own hash. */
  readonly hash: Murmur3Prefix | null
  /** What the hash is divided by for its remainder; 0: the hash is the bucket. */
  readonly divisor: number
  /** The bucket is a hash of 32 bits as it is. */
  readonly isWhole: boolean
  readonly bucketOther: (key: string) => number
  /** Everybody's bucket is below it. */
  readonly full: number
  /** Times a bucket: its place in 0 … 99,999, the unit of weights. */
  readonly placeScale: number
  /** Times a bucket: its cell, 0 to `cellCount`. */
  readonly cellScale: number
}

/** So many that the first eight bits of a whole hash are its cell. */
export const cellCount = 256

export function bucketOf(bucketing: Bucketing, key: string): number {
  return bucketing.hash === null ? bucketing.bucketOther(key) : hashBucket(bucketing, bucketing.hash, key)
}

/** Short enough to become part of its callers, so that a bucket is a number in a register and not on the heap. */
export function hashBucket({ divisor }: Bucketing, prefix: Murmur3Prefix, key: string): number {
  const hash = murmur3From(prefix, key) >>> 0
  return divisor === 0 ? hash : hash % divisor
}

const hashCount = 2 ** 32
const splitSeed = 1
const unleashSplitSeed = 86_028_157
/** The double next to fffffffffffffff, which is what their division comes to. */
const launchDarklyScale = 2 ** 60

export function shareBucketing(algorithm: BucketAlgorithm, seed: string): Bucketing {
  return algorithm === 'unleash'
    ? remainders(murmur3Prefix(`${seed}:`, 0, lowBytes), 100)
    : bucketingOf(algorithm, seed, 0)
}

export function splitBucketing(algorithm: BucketAlgorithm, seed: string): Bucketing {
  return algorithm === 'unleash'
    ? remainders(murmur3Prefix(`${seed}:`, unleashSplitSeed, lowBytes), 1_000)
    : bucketingOf(algorithm, seed, splitSeed)
}

function bucketingOf(algorithm: Exclude<BucketAlgorithm, 'unleash'>, seed: string, dankaiSeed: number): Bucketing {
  switch (algorithm) {
    case 'dankai':
      return wholeHashes(murmur3Prefix(`${seed}:`, dankaiSeed))
    case 'launchdarkly':
      return ownHash(launchDarklyBucket(utf8Bytes(`${seed}.`)), 1)
    case 'flagd':
      return flagdBucketing(seed)
  }
}

const unused = (): number => 0

function wholeHashes(hash: Murmur3Prefix): Bucketing {
  return bucketing(hash, 0, unused, hashCount)
}

function remainders(hash: Murmur3Prefix, divisor: number): Bucketing {
  return bucketing(hash, divisor, unused, divisor)
}

function ownHash(bucketOther: (key: string) => number, full: number): Bucketing {
  return bucketing(null, 0, bucketOther, full)
}

function bucketing(
  hash: Murmur3Prefix | null,
  divisor: number,
  bucketOther: (key: string) => number,
  full: number,
): Bucketing {
  return {
    hash,
    divisor,
    isWhole: full === hashCount,
    bucketOther,
    full,
    placeScale: weightTotal / full,
    cellScale: cellCount / full,
  }
}

function launchDarklyBucket(prefix: string): (key: string) => number {
  return key => sha1First60Bits(prefix, isAscii(key) ? key : utf8Bytes(key)) / launchDarklyScale
}

function flagdBucketing(seed: string): Bucketing {
  const hashOther = (key: string): number => overlappingMurmur3(seed + key)
  return isAscii(seed)
    ? wholeHashes(asciiMurmur3Prefix(seed, hashOther))
    : ownHash(key => hashOther(key) >>> 0, hashCount)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}

/** A share in the unit that the named client knows: whole percents for Unleash, thousandths of a percent for others. */
export function roundedShare(algorithm: BucketAlgorithm, share: number): number {
  return algorithm === 'unleash' ? wholePercents(share) / 100 : wholeWeights(share) / weightTotal
}

/** 0.29 × 100 is a little less than 29; a billionth of a percent makes up for it. */
const wholePercents = (share: number): number => Math.floor(share * 100 + 1e-9)

const wholeWeights = (share: number): number => Math.round(share * weightTotal)

/** Whose bucket is below it is in a share of 0 to 1. */
export function shareThreshold(algorithm: BucketAlgorithm, share: number): number {
  switch (algorithm) {
    case 'dankai':
      return Math.round(share * hashCount)
    case 'launchdarkly':
      return roundedShare(algorithm, share)
    case 'unleash':
      return wholePercents(share)
    case 'flagd':
      return flagdThreshold(wholeWeights(share))
  }
}

/** The thresholds of all parts but the last, which has whoever is left. */
export function splitThresholds(algorithm: BucketAlgorithm, weights: readonly number[]): readonly number[] {
  const thresholds: number[] = []
  let sum = 0
  for (const weight of weights.slice(0, -1)) {
    sum += algorithm === 'launchdarkly' ? weight / weightTotal : weight
    thresholds.push(splitThreshold(algorithm, sum))
  }
  return thresholds
}

function splitThreshold(algorithm: BucketAlgorithm, sum: number): number {
  switch (algorithm) {
    case 'dankai':
      return Math.round((sum / weightTotal) * hashCount)
    case 'launchdarkly':
      return sum
    case 'unleash':
      return sum / 100
    case 'flagd':
      return flagdThreshold(sum)
  }
}

/** `floor(hash × total / 2^32) < sum`, solved for the hash. */
const flagdThreshold = (sum: number): number => Math.ceil((sum * hashCount) / weightTotal)

/** A cohort deals its members anew, so that being in 15 % of a segment does not mean being in the first 15 % of all. */
export function cohortSeed(seed: string, segment: string): string {
  return `${seed}:${segment}`
}
