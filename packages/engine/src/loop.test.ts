import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backOffMs } from './back-off.ts'
import { EngineClock } from './engine-clock.ts'
import { Loop } from './loop.ts'
import { VirtualClock } from './testing/test-world.ts'

/** A told loop runs in the next turn of the event loop; after another one it rests again. */
const settled = async () => {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}

function loopOf(clock: VirtualClock, run: () => Promise<number | null>): Loop {
  return new Loop({ run, msUntil: at => at - clock.time, timers: clock.timers, longestMs: 1_000 })
}

test('a hint that comes while the loop runs makes it run once more, however many there were', async () => {
  const clock = new VirtualClock()
  let runs = 0
  let goOn = () => {}
  const loop = loopOf(clock, async () => {
    runs++
    await new Promise<void>(resolve => (goOn = resolve))
    return null
  })
  loop.start()
  await settled()
  for (let hint = 0; hint < 5; hint++) loop.tell()
  goOn()
  await settled()
  assert.equal(runs, 2)
  goOn()
  await settled()
  assert.equal(runs, 2)
  await loop.stop()
})

test('the loop runs again when it is due, after a second at the latest, and never without a pause', async () => {
  const clock = new VirtualClock()
  const times: number[] = []
  const wanted = [300, null, 0]
  const loop = loopOf(clock, async () => {
    times.push(clock.time)
    const ms = wanted.shift()
    return ms === null || ms === undefined ? null : clock.time + ms
  })
  const start = clock.time
  loop.start()
  for (let step = 0; step < 3; step++) {
    await settled()
    clock.moveTo(clock.nextTimer()!)
  }
  await settled()
  assert.deepEqual(
    times.map(time => time - start),
    [0, 300, 1_300, 1_310],
  )
  await loop.stop()
  assert.equal(clock.nextTimer(), null)
})

test('the clock asks at most once a second, carries on in between and without the database, and never goes back', async () => {
  let local = 0
  let asked = 0
  let answer: () => Promise<number> = async () => 1_000_000 + local
  const now = () => {
    asked++
    return answer()
  }
  const clock = new EngineClock({ now }, () => local)
  clock.keepFreshFor(1_000)
  assert.equal(await clock.now(), 1_000_000)
  local = 900
  assert.equal(await clock.now(), 1_000_900)
  assert.equal(asked, 1)
  local = 5_000
  answer = () => Promise.reject(new Error('away'))
  assert.equal(await clock.now(), 1_005_000)
  local = 6_000
  answer = async () => 1_002_000
  assert.equal(await clock.now(), 1_005_000)
})

test('a retry waits between half of its ceiling and all of it, and the ceiling ends at the most there is', () => {
  const attempts = fc.integer({ min: 1, max: 60 })
  const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(attempts, draws, (attempt, draw) => {
      const ceiling = Math.min(15_000, 500 * 2 ** (attempt - 1))
      const waited = backOffMs(attempt, 500, 15_000, () => draw)
      assert.ok(waited >= ceiling / 2 && waited <= ceiling)
    }),
  )
})

test('time goes on when the clock of the database goes back by hours, and follows it again when it is back', async () => {
  let local = 0
  let database = 50_000_000
  const clock = new EngineClock({ now: async () => database }, () => local)
  clock.keepFreshFor(1_000)
  assert.equal(await clock.now(), 50_000_000)
  local = 2_000
  database = 50_000_000 - 6 * 3_600_000
  assert.equal(await clock.now(), 50_002_000)
  local = 4_500
  assert.equal(await clock.now(), 50_004_500)
  local = 6_000
  database = 50_005_900
  assert.equal(await clock.now(), 50_005_900)
})
