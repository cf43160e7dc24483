// `npm run coverage:requirements [-- --json] [-- --group P]`: which requirements of the documents something answers for.
// `--keep-hints` writes which scenario noticed which number beside this file, for the next clone.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../test-files.ts'
import { planLinesIn, readCarriers } from './carriers.ts'
import { assessCoverage, countByGroup, type RowCoverage } from './coverage.ts'
import { commitHints, createMutationCache } from './mutation-cache.ts'
import { findLiveNumbers, hintsOf, type MutationFindings } from './mutations.ts'
import { type PlanFolder, readPlanFolders } from './plan-folders.ts'
import { type PlanNumber, readPlanNumbers } from './plan-numbers.ts'
import { readRequirements } from './rows.ts'

/** Two cores are what a small machine has. */
const workers = 2

const cacheFolder = join(root, 'node_modules', '.cache', 'dankai-requirements')
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, group: { type: 'string' }, 'keep-hints': { type: 'boolean' } },
})
const folders = readPlanFolders(root)
const numbers = folders.flatMap(carriedNumbers)
const findings = await findLiveNumbers(folders, carriedNumbers, {
  cache: createMutationCache(cacheFolder),
  workers,
  onProgress: showProgress,
})
showFailures(findings)
if (values['keep-hints'] === true) commitHints(hintsOf(folders, carriedNumbers, findings))
const requirements = readRequirements().filter(({ group }) => values.group === undefined || group === values.group)
const rows = assessCoverage({ requirements, carriers: readCarriers(root), numbers, findings })
if (values.json === true) process.stdout.write(`${JSON.stringify({ groups: countByGroup(rows) })}\n`)
else printTable(rows)

/** Only what carries a requirement is changed: the rest answers for nothing. */
function carriedNumbers({ files }: PlanFolder): readonly PlanNumber[] {
  const lines = new Set(
    files.flatMap(({ path, text }) => planLinesIn(path, text)).map(({ file, line }) => `${file}:${line}`),
  )
  return readPlanNumbers(files).filter(({ file, line }) => lines.has(`${file}:${line}`))
}

/** Changing every number takes minutes the first time, so a person sees that it goes on. */
function showProgress(done: number, all: number): void {
  if (!process.stderr.isTTY) return
  process.stderr.write(done === all ? '\r\x1b[K' : `\r${done} of ${all} numbers changed`)
}

function showFailures({ scenarios }: MutationFindings): void {
  for (const { name, failure } of scenarios)
    if (failure !== null) process.stderr.write(`Scenario "${name}" fails, so it answers for nothing: ${failure}\n`)
}

function printTable(assessed: readonly RowCoverage[]): void {
  const groups = countByGroup(assessed)
  for (const { group, covered, all } of groups) {
    const share = `${Math.floor((covered / all) * 100)}%`
    process.stdout.write(`${group}  ${String(covered).padStart(4)} / ${String(all).padEnd(4)} ${share.padStart(4)}\n`)
  }
  const total = groups.reduce((sum, group) => sum + group.covered, 0)
  process.stdout.write(`   ${String(total).padStart(4)} / ${assessed.length}\n\n`)
  for (const { requirement, by, why } of assessed) {
    if (by !== 'missing') continue
    process.stdout.write(`${requirement.id}  ${why ?? `nothing names it: ${requirement.text.slice(0, 100)}`}\n`)
  }
}
