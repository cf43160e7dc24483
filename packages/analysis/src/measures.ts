import type { Metric } from '@dankai/plan'
import type { Measure } from './observation.ts'
import { Quantiles } from './quantiles.ts'
import { Part, quantileOf, Sums } from './sums.ts'

/**
 * The measure of several buckets together: sums are added, sketches merged, pulled values weighted by their samples (and
 * kept exactly when all are equal), the last of last values taken. Null when nothing was measured, or when a source
 * answered in different kinds, which cannot be added.
 */
export function mergeMeasures(measures: Iterable<Measure>): Measure | null {
  const part = new Part()
  const sums = new Sums(false)
  let kind: Measure['kind'] | null = null
  const quantiles = new Quantiles()
  for (const measure of measures) {
    if (!part.read(measure)) continue
    if (kind !== null && kind !== measure.kind) return null
    kind = measure.kind
    if (measure.kind === 'quantile') quantiles.merge(measure.quantiles)
    else sums.add(part, 1)
  }
  if (kind === null) return null
  return kind === 'quantile' ? { kind, quantiles } : measureOf(kind, sums)
}

/** The value of one measure in its metric's unit; null when nothing was measured. Minimum samples are not looked at. */
export function measuredValue(measure: Measure, metric: Metric): number | null {
  const part = new Part()
  if (!part.read(measure)) return null
  const sums = new Sums(false)
  sums.holdOnly(part)
  return sums.valueOf(quantileOf(metric))
}

/** How many samples a measure stands for; null for counts and last values, which are not made of samples. */
export function samplesOf(measure: Measure): number | null {
  switch (measure.kind) {
    case 'ratio':
      return measure.denominator
    case 'mean':
      return measure.count
    case 'quantile':
      return measure.quantiles.count
    case 'value':
      return measure.samples
    case 'count':
    case 'last':
      return null
  }
}

function measureOf(kind: Exclude<Measure['kind'], 'quantile'>, sums: Sums): Measure {
  const top = sums.topWhole + sums.topNanos / 1e9
  switch (kind) {
    case 'ratio':
      return { kind, numerator: top, denominator: sums.samples() }
    case 'mean':
      return { kind, sum: top, count: sums.samples() }
    case 'count':
      return { kind, count: top }
    case 'last':
      return { kind, value: sums.value }
    case 'value':
      return { kind, value: sums.valueOf(0.5), samples: sums.samples() }
  }
}
