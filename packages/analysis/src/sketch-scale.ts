import { DDSketch } from '@datadog/sketches-js'

/**
 * The logarithmic bins of a DDSketch with a relative accuracy of 1 %, as whole numbers that sort like the values.
 *
 * The mapping is that of @datadog/sketches-js, so our bins are its bins. The stores are our own, because a sliding
 * window has to take buckets out again, and because the library's merge forgets negative values.
 */
const mapping = new DDSketch({ relativeAccuracy: 0.01 }).mapping

/** Below a billionth (of a millisecond, of a dollar) a value counts as zero; it bounds the number of bins. */
const smallest = 1e-9
/** Above it the value is clamped: 1e15 ms are 30,000 years. */
const largest = 1e15
const shift = 1 - mapping.key(smallest)

export function binOf(value: number): number {
  const size = Math.abs(value)
  if (size < smallest) return 0
  const bin = mapping.key(Math.min(size, largest)) + shift
  return value < 0 ? -bin : bin
}

export function valueOfBin(bin: number): number {
  if (bin === 0) return 0
  const value = mapping.value(Math.abs(bin) - shift)
  return bin < 0 ? -value : value
}

/**
 * Nearest rank: the smallest value with at least `quantile × count` values at or below it. The small allowance keeps
 * 0.07 × 100 = 7.000000000000001 from becoming rank 8.
 */
export function nearestRank(quantile: number, count: number): number {
  return Math.min(count, Math.max(1, Math.ceil(quantile * count - 1e-9)))
}
