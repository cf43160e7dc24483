import type { Metric } from '@dankai/plan'

/** A bucket or two may be late; half a minute of silence is not noise, however short the buckets are. */
const gapMsMin = 30_000
const bucketsInGap = 3

/**
 * How long a metric may be silent before its data counts as missing. Samples that come by themselves, and reports by
 * people, are never missing: silence is their normal state.
 */
export function gapMsOf(metric: Metric): number {
  if (metric.everyMs === null || metric.source === 'people') return Number.POSITIVE_INFINITY
  return Math.max(bucketsInGap * metric.everyMs, gapMsMin)
}
