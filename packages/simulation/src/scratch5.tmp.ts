import { runWorld, runWorlds } from './run-worlds.ts'
import { compileShop } from './testing/shop-plan.ts'

const plan = compileShop()
const [a, n] = process.argv.slice(2).map(Number)
const t = performance.now()
if (process.env.FULL) {
  for (let seed = a!; seed < a! + n!; seed++) {
    const e = await runWorld(plan, seed),
      f = await runWorld(plan, seed, 'full')
    const x = e.trace.events.map(e => JSON.stringify(e)),
      y = f.trace.events.map(e => JSON.stringify(e))
    const i = x.findIndex((s, k) => s !== y[k])
    if (i >= 0 || x.length !== y.length) {
      console.log('DIFF', seed, i)
      console.log('  E', x.slice(Math.max(0, i - 1), i + 3).join('\n    '))
      console.log('  F', y.slice(Math.max(0, i - 1), i + 3).join('\n    '))
    }
  }
} else console.log(await runWorlds([plan], n!, a!))
console.log(Math.round(performance.now() - t), 'ms', Math.round(process.cpuUsage().user / 1000))
