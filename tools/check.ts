// `npm run check`: types, lint with the dependency rules, format, repository checks, fast tests. Under a minute.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runTests } from './run-tests.ts'
import { root, testGroups } from './test-files.ts'

const tools: readonly (readonly [string, readonly string[]])[] = [
  ['tsc', ['--noEmit', '-p', 'tsconfig.json']],
  ['biome', ['check', '--error-on-warnings', '.']],
]

let isGood = true
for (const [tool, args] of tools) {
  process.stdout.write(`\n${tool} ${args.join(' ')}\n`)
  const result = spawnSync(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) isGood = false
}
const totals = await runTests(testGroups().filter(group => group.isolation === 'none'))
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
process.exit(isGood && totals.failed === 0 ? 0 : 1)
