import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Residents } from './residents.ts'
import { TestBench } from './testing/test-bench.ts'
import { testPlan } from './testing/test-plan.ts'

test('what arrives after hours nobody watched covers none of them: only a decision does', async () => {
  const bench = await TestBench.open()
  const id = await bench.create(bench.engine(), testPlan())
  await bench.runFor(20_000, 1_000)
  const loaded = await bench.bench.store.releases.claim('another', id)
  assert.ok(loaded)
  const residents = new Residents()
  const release = residents.add(loaded, 'another')
  assert.ok(release)
  const { time } = bench.clock
  Object.assign(release, { hasDecided: true, isDue: false, wakeAt: time + 5_000, coveredUntil: time })

  residents.cover(time + 2_000, time + 2_000, 10_000)
  assert.equal(release.coveredUntil, time + 2_000, 'watched, and nothing to decide')
  const hoursLater = time + 6 * 3_600_000
  residents.cover(hoursLater, time + 4_000, 10_000)
  assert.equal(release.isDue, true)
  residents.cover(hoursLater + 1_000, hoursLater + 1_000, 10_000)
  assert.equal(release.coveredUntil, time + 2_000, 'due since, but nobody has decided')
})
