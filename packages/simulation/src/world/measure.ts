import { type Measure, Quantiles } from '@dankai/analysis'
import type { Metric } from '@dankai/plan'

/**
 * Events in one bucket of one track. Enough for the plan's minimum of samples in any window, and a power of ten, so
 * that a scripted percentage is a whole number of events: 5.01% is exactly 501 of 10,000.
 */
export const eventsPerBucket = 10_000

/** A scripted value as counts and sketches, so that windows add up exactly as they do for real samples. */
export function measureOf(metric: Metric, value: number): Measure {
  switch (metric.measure.kind) {
    case 'ratio':
      return ratioOf(value)
    case 'mean':
      return { kind: 'mean', sum: value * eventsPerBucket, count: eventsPerBucket }
    case 'quantile':
      return { kind: 'quantile', quantiles: new Quantiles().add(value, eventsPerBucket) }
    case 'count':
      return { kind: 'count', count: value }
    case 'query':
      return { kind: 'value', value, samples: eventsPerBucket }
    case 'last':
    case 'highest':
      return { kind: 'last', value }
  }
}

function ratioOf(value: number): Measure {
  const denominator = denominatorFor(value)
  return { kind: 'ratio', numerator: Math.round(value * denominator), denominator }
}

/** The smallest power of ten, from 10,000 on, that makes the share a whole number; a billion is as fine as it gets. */
function denominatorFor(value: number): number {
  for (let denominator = eventsPerBucket; denominator < 1e9; denominator *= 10) {
    const numerator = value * denominator
    if (Math.abs(numerator - Math.round(numerator)) < 1e-6) return denominator
  }
  return 1e9
}
