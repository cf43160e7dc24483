import { readdirSync, readFileSync } from 'node:fs'
import { compilePlan, parsePlanDocuments, renderProblem } from '@dankai/plan'
import { drawTrace } from './draw.ts'
import { simulate } from './simulate.ts'

const dir = '/work/main/packages/plan/src/fixtures/'
const files = readdirSync(dir)
  .filter(f => f.endsWith('.yaml'))
  .map(f => ({ path: f, text: readFileSync(dir + f, 'utf8') }))
const docs = parsePlanDocuments(files)
const [name = 'triptrip-api', strategy, fidelity = 'events'] = process.argv.slice(2)
const c = compilePlan(docs, { plan: name, ...(strategy && strategy !== '-' ? { strategy } : {}) })
if (!c.ok) {
  for (const p of c.problems) console.log(renderProblem(p, 'en'))
  process.exit(1)
}
for (let i = 0; i < Number(process.env.N ?? 3); i++) {
  const t0 = performance.now()
  const r = await simulate({
    plan: c.plan,
    script: [],
    seed: 1,
    fidelity: fidelity as 'events',
    start: null,
    labels: [],
    lastsMs: null,
    lookedAt: [],
  })
  const t1 = performance.now()
  if (!r.ok) {
    console.log(r.message)
    process.exit(1)
  }
  if (i === 0 && !process.env.N)
    console.log(
      drawTrace(r.trace, {
        language: 'en',
        width: 110,
        color: false,
        notes: c.notes.map(n => n.message.en),
        heading: 'healthy world',
      }),
    )
  console.log(
    'cpu',
    Math.round(process.cpuUsage().user / 1000),
    'ticks',
    r.trace.ticks,
    'events',
    r.trace.events.length,
    'ms',
    Math.round(t1 - t0),
  )
}
