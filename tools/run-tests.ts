import { join } from 'node:path'
import { Writable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { root, type TestGroup } from './test-files.ts'

export interface TestTotals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** A test that hangs is a failure; the longest real one (a fault at every instruction) takes a few minutes. */
const testTimeoutMs = 600_000
/** Two cores: more processes only fight, and timings inside the tests get worse. */
const concurrentFiles = 2

/** Runs groups of test files one after the other and adds up. Only failures and files are printed. */
export async function runTests(groups: readonly TestGroup[]): Promise<TestTotals> {
  let totals: TestTotals = { passed: 0, failed: 0, skipped: 0 }
  for (const group of groups) {
    process.stdout.write(`\n${group.name}: ${group.files.length} files\n`)
    totals = add(totals, await runGroup(group))
  }
  return totals
}

async function runGroup(group: TestGroup): Promise<TestTotals> {
  if (group.files.length === 0) return { passed: 0, failed: 0, skipped: 0 }
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const stream = run({
    files: group.files.map(file => join(root, file)),
    isolation: group.isolation,
    concurrency: group.isolation === 'none' ? undefined : concurrentFiles,
    timeout: testTimeoutMs,
  })
  stream.on('test:pass', event => {
    if (event.details.type === 'suite') return
    if (event.skip !== undefined || event.todo !== undefined) counts.skipped += 1
    else counts.passed += 1
  })
  stream.on('test:fail', event => {
    if (event.details.type !== 'suite') counts.failed += 1
  })
  const output = new Writable({
    write(chunk, _encoding, done) {
      process.stdout.write(chunk, () => done())
    },
  })
  await new Promise<void>((resolve, reject) => {
    stream.compose(new spec()).pipe(output).on('finish', resolve).on('error', reject)
  })
  return counts
}

function add(a: TestTotals, b: TestTotals): TestTotals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}
