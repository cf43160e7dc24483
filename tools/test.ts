// Runs every test of the project and ends with the totals. Arguments are parts of file names to run only those.
import { runTests } from './run-tests.ts'
import { testGroups } from './test-files.ts'

const wanted = process.argv.slice(2)
const groups = testGroups().map(group => ({
  ...group,
  files: group.files.filter(file => wanted.length === 0 || wanted.some(part => file.includes(part))),
}))
const totals = await runTests(groups)
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
// Something that is still open would hide a leak, so the exit code says it all and the process does not linger.
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1)
