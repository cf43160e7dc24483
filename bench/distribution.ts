/** Nearest-rank quantile of measured values; NaN when there are none. */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(quantile * sorted.length) - 1))] ?? Number.NaN
}

export function distributionOf(name: string, values: readonly number[]): Readonly<Record<string, number>> {
  return {
    [`${name} p50`]: quantileOf(values, 0.5),
    [`${name} p99`]: quantileOf(values, 0.99),
    [`${name} max`]: quantileOf(values, 1),
    [`${name} samples`]: values.length,
  }
}
