/**
 * May a client that evaluates by itself have a flag? Only if its own formula chooses exactly the same users: when no
 * bucket is needed, or when the flag's buckets are that client's.
 */
import { type BucketAlgorithm, completeFlag, type FlagDefinition, type Serve } from '@dankai/flags'

/** A value, or why there is none. */
export type ExportResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly why: string }

/** The flag as the client may compute it: with its own buckets where that is permitted. */
export function followedFlag(given: FlagDefinition, client: BucketAlgorithm): ExportResult<FlagDefinition> {
  const flag = completeFlag(given)
  if (flag.algorithm === client || !needsBucket(flag)) return { ok: true, value: { ...flag, algorithm: client } }
  if (permitsOtherBuckets(flag, client)) return { ok: true, value: { ...flag, algorithm: client } }
  return {
    ok: false,
    why: `its buckets are those of ${flag.algorithm}, and clients of ${client} would choose other users`,
  }
}

export function needsBucket(flag: FlagDefinition): boolean {
  if (flag.killed || !flag.on) return false
  const { share, cohorts, shadow } = flag.exposure
  if (flag.rules.some(rule => isPart(rule.share) || isSplit(rule.serve)) || isSplit(flag.otherwise)) return true
  return (
    !shadow &&
    (isPart(share) ||
      cohorts.some(cohort => [cohort.share, ...(cohort.mix ?? []).map(stratum => stratum.share)].some(isPart)))
  )
}

const isPart = (share: number): boolean => share > 0 && share < 1
const isSplit = (serve: Serve): boolean => 'split' in serve

export function permitsOtherBuckets({ otherBuckets = [] }: FlagDefinition, client: BucketAlgorithm): boolean {
  return otherBuckets.includes(client)
}
