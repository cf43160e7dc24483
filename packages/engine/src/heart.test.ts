import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noFaults } from './fault-points.ts'
import { Heart } from './heart.ts'
import { OwnerName } from './owner-name.ts'
import { defaultSettings } from './settings.ts'
import { memoryBenchStore } from './testing/memory-store.ts'
import { VirtualClock } from './testing/test-world.ts'
import { Work } from './work.ts'

test('the database is silent from the first beat on that it does not answer, and never because the process was suspended', async () => {
  const clock = new VirtualClock()
  const { store } = await memoryBenchStore(() => clock.time)
  let answer: () => Promise<void> = async () => {}
  const instances = { ...store.instances, beat: () => answer() }
  const heart = new Heart({
    store: { ...store, instances },
    ownerName: new OwnerName('instance-1'),
    settings: defaultSettings,
    faults: noFaults,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    work: new Work(clock.timers),
  })
  const beatAfter = (ms: number): Promise<unknown> => {
    clock.moveTo(clock.time + ms)
    return heart.run(clock.time)
  }
  const silent = () => heart.silentMs(clock.time)
  await beatAfter(0)
  const afterSuspension = beatAfter(60_000)
  assert.deepEqual([silent(), heart.holdsLeases(clock.time)], [0, false], 'asked just now')
  await afterSuspension
  assert.deepEqual([silent(), heart.holdsLeases(clock.time)], [0, true])

  answer = () => Promise.reject(new Error('it is away'))
  await beatAfter(1_000)
  for (let second = 1; second <= 10; second++) {
    await beatAfter(1_000)
    assert.equal(silent(), second * 1_000)
  }
  answer = async () => {}
  await beatAfter(1_000)
  assert.equal(silent(), 0)

  const hanging: (() => void)[] = []
  answer = () => new Promise<void>(resolve => hanging.push(resolve))
  const [first] = [beatAfter(1_000), beatAfter(1_000)]
  assert.equal(silent(), 1_000)
  for (const resolve of hanging.splice(0, 2)) resolve()
  await first
  assert.equal(silent(), 0, 'the second has been asked just now')
})
