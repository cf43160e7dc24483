import { openFaultHouse } from './testing/fault-house.ts'
import { playJourney } from './testing/journey.ts'
import { checkJourney } from './testing/journey-laws.ts'

const t0 = performance.now()
const lap = (w: string) => console.log(w, Math.round(performance.now() - t0))
const house = await openFaultHouse()
lap('house')
try {
  const [instances, moment, ...faults] = process.argv.slice(2)
  const j = await playJourney({
    house,
    instances: Number(instances) as 1,
    moment: moment === 's' ? 'the release starts' : 'the release fails',
    faults,
  })
  lap('played')
  console.log(j.watch.events.map(e => e.body.type).join(' '), j.served, j.first.deaths)
  await checkJourney(j, house)
  lap('checked')
  await j.close()
} finally {
  await house.close()
}
lap('closed')
