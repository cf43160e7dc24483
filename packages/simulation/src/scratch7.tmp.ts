import { runWorld } from './run-worlds.ts'
import { compileShop, shopPlan } from './testing/shop-plan.ts'

const store = compileShop(
  shopPlan
    .replace(/exposure:[\s\S]*?metrics:/, 'exposure:\n  - googlePlay: { track: production }\n\nmetrics:')
    .replace(
      /rollbackWhen:[\s\S]*?\nrollback:/,
      'rollbackWhen:\n  - { if: error_rate > 5% for 2m, then: halt }\n\nrollback:',
    )
    .replace('do: [{ expose: 0% }, { run: ./restore.sh }]', 'do: [{ run: ./restore.sh }]'),
)
const bare = compileShop(
  shopPlan
    .replace('  - flag: { name: new-basket, as: gate }\n', '')
    .replace('  - { approve: release-managers, count: 2 }\n', '')
    .replace('    promoteWhen: [rating >= 4]\n', ''),
)
const plans = [compileShop(), bare, store]
const [a, n] = process.argv.slice(2).map(Number)
const rows: [number, number, number, string][] = []
for (let s = a!; s < a! + n!; s++) {
  const c = process.cpuUsage().user
  const w = await runWorld(plans[(s - 1) % 3]!, s)
  rows.push([s, Math.round((process.cpuUsage().user - c) / 1000), w.trace.ticks, w.trace.outcome])
  for (const b of w.broken) console.log(b)
}
rows.sort((x, y) => y[1] - x[1])
console.log(
  rows.slice(0, 12),
  rows.reduce((x, r) => x + r[1], 0),
)
