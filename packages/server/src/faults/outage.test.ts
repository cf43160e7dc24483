import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type FlakyDoor, startFlakyDoor } from '../testing/flaky-door.ts'
import { ask } from '../testing/test-server.ts'
import { patienceMs, pause } from './testing/deadline.ts'
import { type FaultHouse, openFaultHouse } from './testing/fault-house.ts'
import {
  failuresNow,
  followsTo,
  isHeldAtHalf,
  type Journey,
  type JourneySettings,
  sendFailures,
  servedBy,
  startJourney,
} from './testing/journey.ts'
import { checkJourney, readJourney } from './testing/journey-laws.ts'

let house: FaultHouse
before(async () => {
  house = await openFaultHouse()
})
after(() => house.close())

const journeys: Journey[] = []
const doors: FlakyDoor[] = []
after(async () => {
  await Promise.all(journeys.map(journey => journey.close()))
  await Promise.all(doors.map(door => door.close()))
})

async function open(change: Partial<JourneySettings> = {}): Promise<Journey> {
  const journey = await startJourney({ house, instances: 1, faults: [], moment: 'the release starts', ...change })
  journeys.push(journey)
  return journey
}

async function goBack(journey: Journey): Promise<void> {
  const { watch } = journey
  await sendFailures(journey, () => watch.has('RollbackStarted'))
  await watch.until('the release is over', () => watch.isOver)
  await followsTo(journey, 0)
  await checkJourney(journey, house)
}

describe('PostgreSQL killed with -9 and started again', () => {
  const killPostgres = (): void => void process.kill(house.postgres.pid()!, 'SIGKILL')

  it('loses nothing of a release that is on its way', async () => {
    const journey = await open()
    await journey.watch.until('a gate is open', watch => watch.has('GateOpened'))
    killPostgres()
    await journey.watch.until('the second phase is held', isHeldAtHalf)
    await goBack(journey)
  })

  it('does not keep a release that fails from being rolled back', async () => {
    const journey = await open()
    await journey.watch.until('the second phase is held', isHeldAtHalf)
    killPostgres()
    await goBack(journey)
  })

  it('does not keep a rollback that has begun from ending', async () => {
    const journey = await open()
    await journey.watch.until('the second phase is held', isHeldAtHalf)
    journey.watch.onEvent(({ body }) => body.type === 'RollbackStarted' && killPostgres())
    await goBack(journey)
  })
})

describe('a database that is away while a release fails', () => {
  it('does not keep exposure from being taken away, and what happened is written down afterwards', async t => {
    let door!: FlakyDoor
    const journey = await open({
      async door(url) {
        door = await startFlakyDoor(url)
        doors.push(door)
        return door
      },
    })
    const { watch, client, first } = journey
    await watch.until('the second phase is held', isHeldAtHalf)
    door.shut()
    const shutAt = performance.now()
    // As long as it takes: the database comes back when the SDK has heard of it and not before.
    for (let batch = 1; servedBy(client) > 0; batch++) {
      if (performance.now() - shutAt > patienceMs) throw new Error('exposure was not taken away without the database')
      await ask(first.url, 'POST', '/v1/samples', { body: failuresNow(client.id, batch) })
      await pause()
    }
    t.diagnostic(`exposure was gone ${Math.round(performance.now() - shutAt)} ms after the database`)
    door.open()
    await watch.until('the release is over', () => watch.isOver)
    await checkJourney(journey, house)
    const { events } = await readJourney(journey)
    const started = events.find(({ body }) => body.type === 'RollbackStarted')?.body
    assert.match(started?.type === 'RollbackStarted' ? started.because : '', /while the database was away/)
  })
})
