import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { until } from './testing/deadline.ts'
import { type FaultHouse, openFaultHouse } from './testing/fault-house.ts'
import { followsTo, isHeldAtHalf, type Journey, sendFailures, servedBy, startJourney } from './testing/journey.ts'
import { checkJourney, readJourney } from './testing/journey-laws.ts'

/**
 * Dankai's time is the database's. Here it jumps: the one function that reads its machine's clock is told to be hours
 * ahead or behind, as after a wrong NTP answer or a virtual machine that was restored.
 */
let house: FaultHouse
before(async () => {
  house = await openFaultHouse()
})
after(() => house.close())

const hourMs = 3_600_000
/** Of each instance: by then it has claimed, and has looked at timers and hands, a few times in the other time. */
const beatsUntilSeen = 3
const journeys: Journey[] = []
after(() => Promise.all(journeys.map(journey => journey.close())))

async function hold(instances: 1 | 2): Promise<Journey> {
  const journey = await startJourney({ house, instances, faults: [], moment: 'the release starts' })
  journeys.push(journey)
  await journey.watch.until('the second phase is held', isHeldAtHalf)
  return journey
}

/** Resolves when every instance has lived with the new time for a while. */
async function moveClock({ databaseUrl, second }: Journey, byMs: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`create or replace function dankai.machine_ms() returns bigint language sql volatile
      as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${byMs} $$`)
    const beats = new Map<string, Set<number>>()
    const lived = async (): Promise<number> => {
      const { rows } = await client.query(`select split_part(id, '~', 1) as id, seen_at from dankai.instance`)
      for (const { id, seen_at } of rows) beats.set(id, (beats.get(id) ?? new Set()).add(Number(seen_at)))
      return [...beats.values()].filter(({ size }) => size > beatsUntilSeen).length
    }
    await until('beats of every instance', lived, found => found === (second === null ? 1 : 2))
  } finally {
    await client.end()
  }
}

for (const instances of [1, 2] as const)
  for (const hours of [6, -6])
    describe(`a clock that jumps by ${hours} h under a release of ${instances === 1 ? 'one instance' : 'two instances'}`, () => {
      it('ends no hold and takes no exposure away, and the release that fails then is rolled back', async t => {
        const journey = await hold(instances)
        await moveClock(journey, hours * hourMs)
        assert.deepEqual([servedBy(journey.client) > 0, journey.watch.has('RollbackStarted')], [true, false])
        assert.equal(journey.watch.events.filter(({ body }) => body.type === 'HoldEnded').length, 1)

        const failsAt = performance.now()
        await sendFailures(journey, () => journey.watch.has('RollbackStarted'))
        await followsTo(journey, 0)
        t.diagnostic(`exposure was gone ${Math.round(performance.now() - failsAt)} ms after the first failure`)
        await journey.watch.until('the release is over', () => journey.watch.isOver)
        await checkJourney(journey, house)
        const { events } = await readJourney(journey)
        const uncovered = events.some(({ body }) => body.type === 'CoverageLost')
        assert.equal(uncovered, hours > 0, 'time nobody watched is written down')
      })
    })
