import { after, before, describe, it } from 'node:test'
import type { FlakyDoor } from '../testing/flaky-door.ts'
import { type FaultHouse, openFaultHouse } from './testing/fault-house.ts'
import {
  followsTo,
  isHeldAtHalf,
  type Journey,
  type JourneySettings,
  sendFailures,
  startJourney,
} from './testing/journey.ts'
import { checkJourney } from './testing/journey-laws.ts'

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
