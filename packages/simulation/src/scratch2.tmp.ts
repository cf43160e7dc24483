import { readdirSync, readFileSync } from 'node:fs'
import { drawTrace } from './draw.ts'
import { testPlans } from './test-plans.ts'

const dir = '/work/main/packages/plan/src/fixtures/'
const files = readdirSync(dir)
  .filter(f => f.endsWith('.yaml'))
  .map(f => ({ path: f, text: readFileSync(dir + f, 'utf8') }))
if (process.env.EXTRA) files.push({ path: 'fail.yaml', text: readFileSync(process.env.EXTRA, 'utf8') })
const t0 = performance.now()
const results = await testPlans({
  files,
  fidelity: (process.env.FID ?? 'events') as 'events',
  ...(process.argv[2] ? { named: process.argv[2] } : {}),
})
for (const r of results) {
  console.log(r.passed ? 'PASS' : 'FAIL', r.plan, '-', r.scenario)
  for (const f of r.failures) console.log('   ', f.message)
  if (process.env.DRAW && r.trace)
    console.log(
      drawTrace(r.trace, {
        language: process.env.DRAW as 'en',
        width: 120,
        color: false,
        notes: [],
        heading: r.scenario,
      }),
    )
  if (process.env.EV && r.trace)
    for (const e of r.trace.events)
      console.log(new Date(e.at).toISOString(), e.relative, JSON.stringify(e.body).slice(0, 220))
}
console.log(Math.round(performance.now() - t0), 'ms')
