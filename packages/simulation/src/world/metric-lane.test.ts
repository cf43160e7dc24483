import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metric } from '@dankai/plan'
import { MetricLane } from './metric-lane.ts'

const day = 86_400_000
const hour = 3_600_000
const reports: Metric = {
  name: 'problem_reports',
  title: null,
  measure: { kind: 'count', series: { name: 'reports', labels: {} } },
  source: 'people',
  unit: 'number',
  better: 'lower',
  everyMs: 10_000,
  baseline: { kind: 'stable' },
  minSamples: 20,
  levels: {},
}

test('a report is counted once, and is not repeated by the next day', () => {
  const lane = new MetricLane(reports, 'canary', 0, 0)
  lane.change(hour, null, 3, hour)
  const samples = lane.samplesIn(0, 3 * day)
  assert.equal(
    samples.reduce((sum, { value }) => sum + value, 0),
    3,
  )
  assert.deepEqual(
    samples.map(({ at }) => at),
    [hour + 1, day, 2 * day, 3 * day],
  )
})
