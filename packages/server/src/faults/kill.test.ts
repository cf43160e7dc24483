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

for (const instances of [1, 2] as const) {
  const reached = new Set<FaultPoint>()
  const who =
    instances === 1 ? 'a lone instance that is killed and started again' : 'one of two instances that is killed'

  describe(`${who} loses nothing and doubles nothing`, { concurrency }, () => {
    for (const point of faultPoints)
      for (const moment of moments.filter(candidate => isPossible(point, candidate)))
        it(`at "${point}" while ${moment}`, async () => {
          const journey = await playJourney({ house, instances, moment, ...faultsFor(point) })
          try {
            const deaths = journey.first.deaths.length + (journey.second?.deaths.length ?? 0)
            if (deaths >= (point.startsWith('recover') ? 2 : 1)) reached.add(point)
            await checkJourney(journey, house)
          } finally {
            await journey.close()
          }
        })
  })

  it(`every fault point was reached by ${who}`, () => {
    assert.deepEqual(
      faultPoints.filter(point => !reached.has(point)),
      [],
    )
  })
}
