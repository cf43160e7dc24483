import type { MeasureSource, Series } from '@dankai/plan'
import { matchLabels } from './match-labels.ts'
import { mergeMeasures } from './measures.ts'
import type { Measure } from './observation.ts'
import type { Quantiles } from './quantiles.ts'

/** What a source told of one series in one bucket. Which numbers it has depends on what it measures. */
export interface SeriesPoint {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Events of a counter, or samples of a histogram, in this bucket (not since the process began). */
  readonly count?: number
  /** Sum of the samples. */
  readonly sum?: number
  readonly quantiles?: Quantiles
  /** Newest value of a gauge. */
  readonly last?: number
}

/**
 * The measure of a metric in one bucket, from the points of all its series; points in order of time.
 *
 * Null when the metric was not measured: no point of the series it asks for. A ratio without a point in its numerator is
 * zero (no request failed), one without requests is not measured. `highest` is made of metrics and `query` is answered by
 * its source, so neither is aggregated here.
 */
export function aggregateMeasure(source: MeasureSource, points: readonly SeriesPoint[]): Measure | null {
  switch (source.kind) {
    case 'ratio':
      return aggregateRatio(source.numerator, source.denominator, points)
    case 'mean':
      return aggregateMean(pointsOf(source.series, points))
    case 'quantile':
      return aggregateQuantiles(pointsOf(source.series, points))
    case 'count':
      return mergeMeasures(countsOf(pointsOf(source.series, points)).map(count => ({ kind: 'count', count })))
    case 'last':
      return aggregateLast(pointsOf(source.series, points))
    case 'highest':
    case 'query':
      return null
  }
}

function pointsOf(series: Series, points: readonly SeriesPoint[]): readonly SeriesPoint[] {
  return points.filter(point => point.name === series.name && matchLabels(series.labels, point.labels))
}

function countsOf(points: readonly SeriesPoint[]): readonly number[] {
  return points.flatMap(point => point.count ?? point.quantiles?.count ?? [])
}

function aggregateRatio(numerator: Series, denominator: Series, points: readonly SeriesPoint[]): Measure | null {
  const all = countsOf(pointsOf(denominator, points)).map(
    (count): Measure => ({ kind: 'ratio', numerator: 0, denominator: count }),
  )
  const whole = mergeMeasures(all)
  if (whole?.kind !== 'ratio') return null
  const part = mergeMeasures(countsOf(pointsOf(numerator, points)).map(count => ({ kind: 'count', count })))
  return { ...whole, numerator: part?.kind === 'count' ? part.count : 0 }
}

function aggregateMean(points: readonly SeriesPoint[]): Measure | null {
  return mergeMeasures(
    points.flatMap(({ sum, count }) =>
      sum === undefined || count === undefined ? [] : [{ kind: 'mean' as const, sum, count }],
    ),
  )
}

function aggregateQuantiles(points: readonly SeriesPoint[]): Measure | null {
  return mergeMeasures(
    points.flatMap(({ quantiles }) => (quantiles === undefined ? [] : [{ kind: 'quantile' as const, quantiles }])),
  )
}

function aggregateLast(points: readonly SeriesPoint[]): Measure | null {
  return mergeMeasures(
    points.flatMap(({ last }) => (last === undefined ? [] : [{ kind: 'last' as const, value: last }])),
  )
}
