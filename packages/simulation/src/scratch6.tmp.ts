import { drawScript } from './random-script.ts'
import { runWorld } from './run-worlds.ts'
import { createSeededRandom } from './seeded-random.ts'
import { compileShop } from './testing/shop-plan.ts'
import { findGoodValues } from './world/good-values.ts'

const plan = compileShop()
const seed = Number(process.argv[2])
const g = findGoodValues(plan)
if (g.ok) for (const s of drawScript(plan, g.values, createSeededRandom(seed))) console.log(JSON.stringify(s))
const w = await runWorld(plan, seed, (process.argv[3] ?? 'events') as 'events')
for (const e of w.trace.events)
  console.log(new Date(e.at).toISOString().slice(11, 23), e.relative, JSON.stringify(e.body).slice(0, 230))
console.log(
  w.broken,
  w.trace.outcome,
  w.trace.exposures
    .map(x => [new Date(x.at).toISOString().slice(11, 19), x.exposure.share, x.cause].join(' '))
    .join('; '),
)
