import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReleaseTouch } from './ports.ts'
import { ReleaseTouches } from './release-touches.ts'
import { residentOf } from './resident-release.ts'
import { defaultSettings } from './settings.ts'
import { TestBench } from './testing/test-bench.ts'
import { testPhase, testPlan } from './testing/test-plan.ts'
import { TestFaults } from './testing/test-world.ts'
import { Together } from './together.ts'

/** Releases that hold, and every touch that is written of them, with its time. */
async function holding(count: number) {
  const bench = await TestBench.open({ checkpointEveryMs: 3_600_000 })
  const { store } = bench.bench
  const written: { readonly at: number; readonly touches: readonly ReleaseTouch[] }[] = []
  const engine = bench.engine(new TestFaults(), {
    ...store,
    releases: {
      ...store.releases,
      touch(touches) {
        written.push({ at: bench.clock.time, touches })
        return store.releases.touch(touches)
      },
    },
  })
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const hands = testPlan().hands.map(hand => ({ ...hand, id: `${hand.kind}:${index}` }))
    ids.push(await bench.create(engine, testPlan({ hands, phases: [testPhase(0, 0.1, { holdMs: null })] })))
    await bench.runFor(1_300, 100)
  }
  await bench.runFor(120_000, 100)
  written.length = 0
  return { bench, ids, written }
}

test('releases that hold are written when each is due: its moment every few seconds, its figures every half minute', async () => {
  const { bench, ids, written } = await holding(5)
  await bench.runFor(120_000, 100)
  for (const id of ids) {
    const own = written.flatMap(({ at, touches }) =>
      touches.filter(touch => touch.releaseId === id).map(touch => ({ ...touch, at })),
    )
    const gaps = own.slice(1).map(({ at }, index) => at - own[index]!.at)
    assert.ok(Math.max(...gaps) <= 6_000, `${Math.max(...gaps)} ms between two`)
    const figures = own.filter(({ status }) => status !== null).length
    assert.ok(figures >= 3 && figures <= 5, `figures written ${figures} times in two minutes`)
  }
})

test('news of one release writes that one alone, again when it could not be written, and once it was no more', async () => {
  const { bench, ids } = await holding(3)
  const { store } = bench.bench
  const residents = await Promise.all(
    ids.map(async id => residentOf((await store.releases.claim('another', id))!, 'x')),
  )
  const releases = new Map(residents.map(release => [release.id, release]))
  let isAway = true
  const told: (readonly ReleaseTouch[])[] = []
  const touch = async (touches: readonly ReleaseTouch[]) => {
    if (isAway) throw new Error('away')
    told.push(touches)
    return []
  }
  const touches = new ReleaseTouches({
    store: { ...store, releases: { ...store.releases, touch } },
    faults: new TestFaults(),
    settings: { ...defaultSettings, touchEveryMs: 3_600_000 },
  })
  touches.tellSoon(ids[1]!)
  await assert.rejects(touches.write(bench.clock.time, releases), /away/)
  isAway = false
  assert.equal(touches.isDue(bench.clock.time), true)
  await touches.write(bench.clock.time, releases)
  assert.deepEqual(
    told.map(some => some.map(({ releaseId, status }) => [releaseId, status !== null])),
    [[[ids[1], true]]],
  )
  assert.equal(touches.isDue(bench.clock.time), false)
})

test('what is asked for while work runs is done together after it, and fails by itself', async () => {
  const runs: string[][] = []
  const ends: (() => void)[] = []
  const together = new Together<string>(async items => {
    runs.push([...items])
    await new Promise<void>(resolve => ends.push(resolve))
    if (items.includes('bad')) throw new Error('bad')
  })
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  const first = together.add('bad')
  await turn()
  const others = [together.add('one'), together.add('two')]
  await turn()
  assert.deepEqual(runs, [['bad']])
  ends[0]!()
  await assert.rejects(first, /bad/)
  await turn()
  assert.deepEqual(runs, [['bad'], ['one', 'two']])
  ends[1]!()
  await Promise.all(others)
})
