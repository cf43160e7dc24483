import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type FaultPoint, faultPoints } from '@dankai/engine'
import { type FaultHouse, openFaultHouse } from './testing/fault-house.ts'
import { type FaultMoment, type JourneySettings, playJourney } from './testing/journey.ts'
import { checkJourney } from './testing/journey-laws.ts'

/**
 * kill -9 at every point of the engine's registry, once on the way there and once on the way back: of a lone process
 * that is started again, and of one of two, whose release the other takes over.
 */
let house: FaultHouse
before(async () => {
  house = await openFaultHouse()
})
after(() => house.close())

/** Most of a case is waiting until the dead are known to be dead, so several wait together. */
const concurrency = 4
const moments: readonly FaultMoment[] = ['the release starts', 'the release fails']

/** Nothing is lowered on the way there, and nothing raised on the way back. */
function isPossible(point: FaultPoint, moment: FaultMoment): boolean {
  if (point.startsWith('lower')) return moment === 'the release fails'
  return !point.startsWith('raise') || moment === 'the release starts'
}

/**
 * Commands are recovered when somebody died before, so that a recovery that dies is a second death: in the second look for
 * them after its start, before anybody is taken for dead.
 */
function faultsFor(point: FaultPoint): Pick<JourneySettings, 'faults' | 'eitherDies'> {
  if (point.startsWith('recover'))
    return { faults: ['command: after run:1 from SIGUSR2', `${point}:2`], eitherDies: true }
  return { faults: [`${point}:1 from SIGUSR2`], eitherDies: point.startsWith('command') }
}

/** True when somebody died at the point. */
async function dies(point: FaultPoint, moment: FaultMoment, instances: 1 | 2): Promise<boolean> {
  const journey = await playJourney({ house, instances, moment, ...faultsFor(point) })
  try {
    const deaths = journey.first.deaths.length + (journey.second?.deaths.length ?? 0)
    await checkJourney(journey, house)
    return deaths >= (point.startsWith('recover') ? 2 : 1)
  } finally {
    await journey.close()
  }
}

/** How often a point is tried again that nobody came to. */
const againMax = 3

for (const instances of [1, 2] as const) {
  const reached = new Set<FaultPoint>()
  const missing = () => faultPoints.filter(point => !reached.has(point))
  const who =
    instances === 1 ? 'a lone instance that is killed and started again' : 'one of two instances that is killed'

  describe(`${who} loses nothing and doubles nothing`, { concurrency }, () => {
    for (const point of faultPoints)
      for (const moment of moments.filter(candidate => isPossible(point, candidate)))
        it(`at "${point}" while ${moment}`, async () => {
          if (await dies(point, moment, instances)) reached.add(point)
        })
  })

  it(`every fault point was reached by ${who}`, async () => {
    // On a machine that stalls, the one that lives may take the release over before the other comes to its point.
    for (let again = 0; again < againMax && missing().length > 0; again++)
      for (const point of missing())
        for (const moment of moments.filter(candidate => isPossible(point, candidate)))
          if (await dies(point, moment, instances)) reached.add(point)
    assert.deepEqual(missing(), [])
  })
}
