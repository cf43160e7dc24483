import { drawTrace } from './draw.ts'
import { simulate } from './simulate.ts'
import { compileShop } from './testing/shop-plan.ts'

const plan = compileShop()
const r = await simulate({
  plan,
  script: [],
  seed: 1,
  fidelity: 'events',
  start: null,
  labels: [],
  lastsMs: null,
  lookedAt: [],
})
if (!r.ok) throw new Error(r.message)
console.log(drawTrace(r.trace, { language: 'en', width: 100, color: false, heading: null, notes: [] }), r.trace.ticks)
