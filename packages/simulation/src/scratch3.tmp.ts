import { readdirSync, readFileSync } from 'node:fs'
import { compilePlan, parsePlanDocuments, renderProblem } from '@dankai/plan'
import { drawTrace } from './draw.ts'
import { runWorld } from './run-worlds.ts'

const dir = '/work/main/packages/plan/src/fixtures/'
const files = readdirSync(dir)
  .filter(f => f.endsWith('.yaml'))
  .map(f => ({ path: f, text: readFileSync(dir + f, 'utf8') }))
const docs = parsePlanDocuments(files)
const plans = [
  ['triptrip-api', 'argo-progressive'],
  ['triptrip-api', 'gha-canary'],
  ['bookmarks', 'minor'],
  ['property-listing-sync'],
  ['mamapace-push'],
  ['triptrip-android'],
].map(([plan, strategy]) => {
  const c = compilePlan(docs, { plan: plan!, ...(strategy ? { strategy } : {}) })
  if (!c.ok) throw new Error(c.problems.map(p => renderProblem(p, 'en')).join('\n'))
  return c.plan
})
const [from, count, only] = process.argv.slice(2).map(Number)
const t0 = performance.now()
const out: Record<string, number> = {}
let ticks = 0
for (let seed = from!; seed < from! + count!; seed++) {
  const plan = plans[Number.isFinite(only) ? only! : seed % plans.length]!
  const a = performance.now()
  try {
    const w = await runWorld(plan, seed)
    ticks += w.trace.ticks
    out[w.trace.outcome] = (out[w.trace.outcome] ?? 0) + 1
    for (const b of w.broken) console.log('BROKEN', b.plan, seed, b.law, '|', b.how)
    if (process.env.DRAW)
      console.log(drawTrace(w.trace, { language: 'en', width: 120, color: false, notes: [], heading: 'seed' }))
    if (process.env.EV)
      for (const e of w.trace.events)
        console.log(new Date(e.at).toISOString(), e.relative, JSON.stringify(e.body).slice(0, 200))
    if (process.env.FULL) {
      const f = await runWorld(plan, seed, 'full')
      const x = w.trace.events.map(e => JSON.stringify(e)),
        y = f.trace.events.map(e => JSON.stringify(e))
      const i = x.findIndex((s, k) => s !== y[k])
      if (i >= 0 || x.length !== y.length) {
        console.log('DIFF', plan.name, seed, i)
        console.log('  E', x.slice(Math.max(0, i - 1), i + 3).join('\n    '))
        console.log('  F', y.slice(Math.max(0, i - 1), i + 3).join('\n    '))
      }
    }
  } catch (e) {
    console.log('THROWN', plan.name, seed, (e as Error).stack?.slice(0, 600))
  }
  const ms = performance.now() - a
  if (ms > 3000) console.log('SLOW', plan.name, seed, Math.round(ms))
}
console.log(out, 'ticks', ticks, Math.round(performance.now() - t0), 'ms')
if (process.env.SCRIPT) {
  const { drawScript } = await import('./random-script.ts')
  const { findGoodValues } = await import('./world/good-values.ts')
  const { createSeededRandom } = await import('./seeded-random.ts')
  const plan = plans[only! >= 0 ? only! : from! % plans.length]!
  const g = findGoodValues(plan)
  if (g.ok) console.log(JSON.stringify(drawScript(plan, g.values, createSeededRandom(from!)), null, 0))
}
