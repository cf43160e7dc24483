// `npm run bench -- NAME [--json]`: one benchmark a command, ratios and distributions of one run. Timings on shared
// machines are noisy, so nothing here is a test and no number is a promise; docs/reference/benchmarks.md has the last run.
import { appendBench } from './append.ts'
import type { BenchResult } from './bench-result.ts'
import { decideBench } from './decide.ts'
import { engineBench } from './engine.ts'
import { flagStreamBench } from './flag-stream.ts'
import { flagsBench } from './flags.ts'
import { ofrepBench } from './flags-ofrep.ts'
import { simulateBench } from './simulate.ts'
import { soakBench } from './soak.ts'

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<BenchResult>>> = {
  append: appendBench,
  decide: decideBench,
  flags: flagsBench,
  'flag-stream': flagStreamBench,
  ofrep: ofrepBench,
  engine: engineBench,
  simulate: simulateBench,
  soak: soakBench,
}

const args = process.argv.slice(2)
const name = args.find(arg => !arg.startsWith('--')) ?? ''
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(
    `Cannot run bench "${name}": expected one of ${Object.keys(benches).join(', ')}. Try: npm run bench -- decide\n`,
  )
  process.exit(2)
}
const result = await bench(args)
if (args.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`)
else {
  process.stdout.write(`${result.bench}   target: ${result.target}\n`)
  for (const [figure, value] of Object.entries(result.figures)) {
    process.stdout.write(`  ${figure.padEnd(44)} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}\n`)
  }
}
process.exit(0)
