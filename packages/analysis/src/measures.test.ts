import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MeasureSource, Metric } from '@dankai/plan'
import {
  aggregateMeasure,
  type Measure,
  matchLabels,
  measuredValue,
  mergeMeasures,
  Quantiles,
  type SeriesPoint,
  samplesOf,
} from './index.ts'
import { evidencePlan } from './testing/evidence-plan.ts'

describe('labels', () => {
  // biome-ignore format: a table is read by its columns
  const rows: readonly [filter: Record<string, string>, labels: Record<string, string>, matches: boolean][] = [
    [{},                             { status: '200' },                 true],
    [{ status: '5xx' },              { status: '500' },                 true],
    [{ status: '5xx' },              { status: '599' },                 true],
    [{ status: '5xx' },              { status: '5xx' },                 true],
    [{ status: '5xx' },              { status: '499' },                 false],
    [{ status: '5xx' },              { status: '5000' },                false],
    [{ status: '5xx' },              {},                                false],
    [{ status: '2xx' },              { status: '204' },                 true],
    [{ status: '500' },              { status: '5xx' },                 false],
    [{ status: '5xx', path: '/a' },  { status: '503', path: '/b' },     false],
    [{ path: 'xxx' },                { path: 'xxx' },                   true],
    [{ constructor: 'Object' },      {},                                false],
  ]
  for (const [filter, labels, matches] of rows) {
    test(`${JSON.stringify(labels)} ${matches ? 'match' : 'do not match'} ${JSON.stringify(filter)}`, () => {
      assert.equal(matchLabels(filter, labels), matches)
    })
  }
})

describe('the measure of a metric', () => {
  const requests = { name: 'http_requests', labels: {} }
  const failures = { name: 'http_requests', labels: { status: '5xx' } }
  const point = (status: string, count: number): SeriesPoint => ({ name: 'http_requests', labels: { status }, count })
  const duration = (values: readonly number[]): SeriesPoint => ({
    name: 'http_duration',
    labels: {},
    sum: values.reduce((sum, value) => sum + value, 0),
    count: values.length,
    quantiles: Quantiles.of(values),
  })
  const slow: MeasureSource = { kind: 'quantile', quantile: 0.5, series: { name: 'http_duration', labels: {} } }
  const mean: MeasureSource = { kind: 'mean', series: slow.series }
  const errors: MeasureSource = { kind: 'ratio', numerator: failures, denominator: requests }
  // biome-ignore format: a table is read by its columns
  const rows: readonly [name: string, source: MeasureSource, points: readonly SeriesPoint[], expected: Measure | null][] = [
    ['a ratio adds up every matching series',       errors, [point('500', 1), point('503', 2), point('200', 97)], { kind: 'ratio', numerator: 3, denominator: 100 }],
    ['no failing series is no failure',             errors, [point('200', 97)],                                   { kind: 'ratio', numerator: 0, denominator: 97 }],
    ['no request is nothing measured',              errors, [point('200', 0)],                                    null],
    ['no series is nothing measured',               errors, [],                                                   null],
    ['a mean keeps sum and count',                  mean,   [duration([1, 2]), duration([6])],                    { kind: 'mean', sum: 9, count: 3 }],
    ['a count of nothing that was measured is 0',   { kind: 'count', series: requests }, [point('200', 0)],       { kind: 'count', count: 0 }],
    ['a count that was not measured is not 0',      { kind: 'count', series: requests }, [duration([1])],         null],
    ['the last of a gauge is its newest point',     { kind: 'last', series: requests }, [{ ...requests, last: 3 }, { ...requests, last: 2 }], { kind: 'last', value: 2 }],
    ['a query is answered by its source',           { kind: 'query', text: 'avg:x' }, [point('200', 1)],          null],
  ]
  for (const [name, source, points, expected] of rows) {
    test(name, () => {
      assert.deepEqual(aggregateMeasure(source, points), expected)
    })
  }

  test('a quantile merges the sketches of every series', () => {
    const measure = aggregateMeasure(slow, [duration([1, 2]), duration([6])])
    assert.deepEqual([measure?.kind, measure?.kind === 'quantile' && measure.quantiles.quantile(0.5)], ['quantile', 2])
  })
})

describe('measures of several buckets', () => {
  // biome-ignore format: a table is read by its columns
  const rows: readonly [name: string, measures: readonly Measure[], merged: Measure | null][] = [
    ['add up exactly: 0.1 three times is 0.3',     [1, 2, 3].map(() => ({ kind: 'mean', sum: 0.1, count: 1 })),                         { kind: 'mean', sum: 0.3, count: 3 }],
    ['weigh pulled values by their samples',       [{ kind: 'value', value: 1, samples: 1 }, { kind: 'value', value: 2, samples: 3 }],  { kind: 'value', value: 1.75, samples: 4 }],
    ['keep equal pulled values as they are',       [3, 7, 11].map(samples => ({ kind: 'value', value: 0.1234567891234, samples })),     { kind: 'value', value: 0.1234567891234, samples: 21 }],
    ['take the last of last values',               [{ kind: 'last', value: 1 }, { kind: 'last', value: 2 }],                            { kind: 'last', value: 2 }],
    ['leave out buckets without requests',         [{ kind: 'ratio', numerator: 0, denominator: 0 }, { kind: 'ratio', numerator: 1, denominator: 9 }], { kind: 'ratio', numerator: 1, denominator: 9 }],
    ['of different kinds cannot be added',         [{ kind: 'last', value: 1 }, { kind: 'count', count: 1 }],                           null],
    ['of none are nothing',                        [],                                                                                  null],
    ['of what is not a number are nothing',        [{ kind: 'last', value: Number.NaN }, { kind: 'ratio', numerator: Number.NaN, denominator: 1 }], null],
  ]
  for (const [name, measures, merged] of rows) {
    test(name, () => {
      assert.deepEqual(mergeMeasures(measures), merged)
    })
  }

  test('5 in 100 is the literal 0.05, and so is it over any number of buckets', () => {
    const plan = evidencePlan({ metrics: { m: { measure: { kind: 'count', series: { name: 'm', labels: {} } } } } })
    const metric = plan.metrics.m as Metric
    const bucket: Measure = { kind: 'ratio', numerator: 5, denominator: 100 }
    for (const buckets of [1, 3, 7, 1_000]) {
      assert.equal(measuredValue(mergeMeasures(new Array<Measure>(buckets).fill(bucket))!, metric), 0.05)
    }
  })

  test('know how many samples they are made of, counts and last values none', () => {
    assert.equal(samplesOf({ kind: 'ratio', numerator: 1, denominator: 9 }), 9)
    assert.equal(samplesOf({ kind: 'quantile', quantiles: Quantiles.of([1, 2]) }), 2)
    assert.equal(samplesOf({ kind: 'count', count: 9 }), null)
  })
})
