import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observation } from '@dankai/analysis'
import fc from 'fast-check'
import { compileShop, shopPlan } from '../testing/shop-plan.ts'
import { findGoodValues } from './good-values.ts'
import { measureOf } from './measure.ts'
import { createMetricWorld, type MetricWorld } from './metric-world.ts'

const plan = compileShop()
const start = Date.parse('2026-06-02T10:00:00Z')
const second = 1000
const minute = 60 * second

function goodValues(text: string): Readonly<Record<string, number>> {
  const found = findGoodValues(compileShop(text))
  assert.ok(found.ok)
  return found.values
}

function worldOf(fidelity: 'events' | 'full' = 'events'): MetricWorld {
  return createMetricWorld({ plan, good: goodValues(shopPlan), start, fidelity })
}

function of(observations: readonly Observation[], metric: string, track: string): readonly Observation[] {
  return observations.filter(each => each.metric === metric && each.track === track)
}

test('a healthy value meets every criterion and check, fires no rule, and stays clear of the limits', () => {
  assert.deepEqual(goodValues(shopPlan), { error_rate: 0.005, p99: 1000, restarts: 0, cpu: 0.4, rating: 4.2 })
})

test('a healthy value follows the limits of the plan', () => {
  const stricter = shopPlan.replaceAll('error_rate < 1%', 'error_rate < 0.1%').replace('rating >= 4]', 'rating >= 4.6]')
  const values = goodValues(stricter)
  assert.equal(values.error_rate, 0.0005)
  assert.equal(values.rating, 4.83)
  assert.equal(goodValues(shopPlan.replaceAll('error_rate < 1%', 'error_rate = 0%')).error_rate, 0)
})

test('a count that is compared with its baseline is not zero, because nothing can be compared with nothing', () => {
  const counted = shopPlan.replace('promoteWhen: [rating >= 4]', 'promoteWhen: [restarts < baseline + 50%]')
  const { restarts } = goodValues(counted.replace('restarts > 5 in 5m', 'restarts > 500 in 5m'))
  assert.ok(restarts! > 0 && restarts! * 5 <= 500, String(restarts))
})

test('limits that exclude each other are named', () => {
  const found = findGoodValues(compileShop(shopPlan.replace('promoteWhen: [rating >= 4]', 'promoteWhen: [cpu = 95%]')))
  assert.match(
    found.ok ? '' : found.message,
    /^Cannot find a healthy value for metric "cpu": found "cpu = 95%" in \S+ and not "cpu > 90%" in \S+, expected one value that answers all of them\. /,
  )
})

test('a scripted percentage is a whole number of events, so that sums divide exactly', () => {
  assert.deepEqual(measureOf(plan.metrics.error_rate!, 0.0501), { kind: 'ratio', numerator: 501, denominator: 10_000 })
  assert.deepEqual(measureOf(plan.metrics.error_rate!, 0.00005), { kind: 'ratio', numerator: 5, denominator: 100_000 })
  const p99 = measureOf(plan.metrics.p99!, 5000)
  assert.equal(p99.kind === 'quantile' && p99.quantiles.quantile(0.99), 5000)
})

test('a change is seen from the first whole bucket after it, and only as long as it lasts', () => {
  const world = worldOf()
  world.change({ metric: 'error_rate', track: null, at: start + 3 * second, forMs: 20 * second, value: 0.06 })
  const runs = of(world.read(start, start + minute), 'error_rate', 'all')
  const values = runs.map(({ start: from, buckets, measure }) => [
    (from - start) / second,
    buckets,
    measure.kind === 'ratio' ? measure.numerator / measure.denominator : null,
  ])
  assert.deepEqual(values, [
    [0, 1, 0.005],
    [10, 2, 0.06],
    [30, 3, 0.005],
  ])
})

test('a count is an impulse: so many events in one bucket, then none', () => {
  const world = worldOf()
  world.change({ metric: 'restarts', track: null, at: start + 2 * minute, forMs: null, value: 6 })
  const counts = of(world.read(start, start + 4 * minute), 'restarts', 'all').flatMap(({ buckets, measure }) =>
    Array.from({ length: buckets }, () => (measure.kind === 'count' ? measure.count : null)),
  )
  assert.deepEqual(counts, [0, 0, 6, 0])
})

test('a sample that comes by itself comes once a day, with a new phase, and whenever the script moves it', () => {
  const world = worldOf()
  const dayMs = 24 * 60 * minute
  world.read(start, start)
  world.setExposed(true, start + minute)
  world.mark(start + minute)
  world.change({ metric: 'rating', track: 'canary', at: start + 2 * minute, forMs: minute, value: 3 })
  const samples = of(world.read(start, start + dayMs), 'rating', 'canary')
  assert.deepEqual(
    samples.map(({ start: at, lengthMs, measure }) => [
      (at - start) / minute,
      lengthMs,
      measure.kind === 'last' && measure.value,
    ]),
    [
      [1, 0, 4.2],
      [2, 0, 3],
      [3, 0, 4.2],
      [24 * 60, 0, 4.2],
    ],
  )
})

test('only users who have the change are measured as canary, all users only while nobody has it', () => {
  const world = worldOf()
  world.setExposed(true, start + 30 * second)
  world.setExposed(false, start + 50 * second)
  const read = world.read(start, start + minute)
  const starts = (track: string) =>
    of(read, 'error_rate', track).flatMap(run =>
      Array.from({ length: run.buckets }, (_, i) => (run.start - start) / second + 10 * i),
    )
  assert.deepEqual(starts('canary'), [30, 40])
  assert.deepEqual(starts('all'), [0, 10, 20, 50])
})

test('only comparisons have a second arm: p99 is compared with stable, error_rate with nothing', () => {
  const read = worldOf().read(start, start + minute)
  assert.equal(of(read, 'p99', 'stable').length, 1)
  assert.equal(of(read, 'error_rate', 'stable').length, 0)
})

test('no data is no observation, and late data comes later', () => {
  const world = worldOf()
  world.change({ metric: 'cpu', track: null, at: start, forMs: null, value: 'no data' })
  world.delay({ from: start, to: start + 20 * second, byMs: 30 * second })
  assert.equal(of(world.read(start, start + minute), 'cpu', 'all').length, 0)
  const early = of(world.read(start, start + 40 * second), 'error_rate', 'all')
  assert.deepEqual(
    early.map(run => [(run.start - start) / second, run.buckets]),
    [
      [0, 1],
      [20, 2],
    ],
  )
})

const change = fc.record({
  metric: fc.constantFrom('error_rate', 'p99', 'cpu', 'restarts', 'rating'),
  track: fc.constantFrom('canary' as const, null),
  atMs: fc.integer({ min: 0, max: 30 * minute }),
  forMs: fc.option(fc.integer({ min: 1, max: 10 * minute })),
  value: fc.oneof(fc.constant('no data' as const), fc.double({ min: 0, max: 1, noNaN: true })),
})

test('runs say the same as single buckets, however the reading is cut', () => {
  const buckets = (observations: readonly Observation[]) =>
    observations
      .flatMap(({ buckets: count, ...one }) =>
        Array.from({ length: count }, (_, index) => ({ ...one, start: one.start + index * one.lengthMs })),
      )
      .map(({ metric, track, start: at, measure }) => `${metric} ${track} ${at} ${JSON.stringify(measure)}`)
      .sort()
  const readAll = (world: MetricWorld, cuts: readonly number[]) =>
    [...cuts, 40 * minute].flatMap((cut, index, all) => world.read(start + (all[index - 1] ?? -1), start + cut))
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 30 * minute }), { maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 39 * minute }), { maxLength: 6 }),
      (changes, exposures, cuts) => {
        const worlds = [worldOf('events'), worldOf('full'), worldOf('events')]
        for (const world of worlds) {
          for (const { atMs, ...each } of changes) world.change({ ...each, at: start + atMs })
          exposures.toSorted((a, b) => a - b).forEach((at, index) => void world.setExposed(index % 2 === 0, start + at))
        }
        const [events, full, cut] = worlds as [MetricWorld, MetricWorld, MetricWorld]
        const whole = buckets(readAll(events, []))
        assert.deepEqual(buckets(readAll(full, [])), whole)
        assert.deepEqual(
          buckets(
            readAll(
              cut,
              cuts.toSorted((a, b) => a - b),
            ),
          ),
          whole,
        )
      },
    ),
    { numRuns: 150 },
  )
})
