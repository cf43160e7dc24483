import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/dankai.mjs', import.meta.url))
let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'dankai-process-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'close')])) as unknown[]
  return String(line)
}

async function finished(child: ChildProcess): Promise<{ exit: number | null; out: string; error: string }> {
  let [out, error] = ['', '']
  child.stdout?.on('data', chunk => {
    out += chunk
  })
  child.stderr?.on('data', chunk => {
    error += chunk
  })
  const [exit] = await once(child, 'close')
  return { exit, out, error }
}

describe('the dankai process', () => {
  it('gives exit code, stdout and stderr to a shell', async () => {
    assert.deepEqual(await finished(start(['--version'])), { exit: 0, out: '0.1.0\n', error: '' })
    const wrong = await finished(start(['frobnicate']))
    assert.deepEqual([wrong.exit, wrong.out], [2, ''])
    assert.match(wrong.error, /^Cannot run "dankai": found no command "frobnicate"/)
  })

  it('ends quietly when its reader has read enough', async () => {
    const child = spawn('sh', ['-c', `"$0" "$1" --help | true`, process.execPath, bin], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    assert.deepEqual(await finished(child), { exit: 0, out: '', error: '' })
  })

  it('says in one line what broke inside, and where with DANKAI_DEBUG=1', async () => {
    const broken = join(folder, 'broken.mjs')
    writeFileSync(broken, 'process.stdout.write = () => { throw new TypeError("a mistake\\nof ours") }\n')
    writeFileSync(join(folder, 'plan.yaml'), '')
    const run = (environment: Readonly<Record<string, string>>) =>
      finished(start(['validate', 'plan.yaml'], { NODE_OPTIONS: `--import ${broken}`, ...environment }))
    const { exit, error } = await run({})
    assert.equal(exit, 3)
    assert.equal(
      error,
      'Cannot finish "dankai validate": found an unexpected TypeError: a mistake. This is a mistake in Dankai: report it in the project\'s issues with this line; DANKAI_DEBUG=1 shows more.\n',
    )
    const debugged = await run({ DANKAI_DEBUG: '1', DANKAI_LANG: 'ja' })
    assert.match(debugged.error, /^"dankai validate" を終えられません: 予期しない TypeError: a mistake [\s\S]*\n +at /)
  })
})

describe('in a folder that was removed', () => {
  it('says that a path is not there', async () => {
    const gone = mkdtempSync(join(folder, 'gone-'))
    const script = 'cd "$2" && rmdir "$2" && exec "$0" "$1" validate plan.yaml'
    const child = spawn('sh', ['-c', script, process.execPath, bin, gone], { stdio: ['ignore', 'pipe', 'pipe'] })
    const { exit, error } = await finished(child)
    assert.deepEqual(
      [exit, error],
      [2, 'Cannot read "plan.yaml": found no such file or folder, expected a plan. Check the path.\n'],
    )
  })
})

// All take seconds and wait for different things.
describe('dankai and a server', { concurrency: true }, () => {
  it('serves: says where it is, refuses a port that is taken, and stops at SIGTERM with 0', async () => {
    const settings = { DANKAI_DATA_DIR: join(folder, 'data'), DANKAI_PORT: '0', DANKAI_LOG_LEVEL: 'silent' }
    const server = start(['serve', '--json'], settings)
    const { url, firstAdminKey, pid } = JSON.parse(await firstLine(server))
    assert.equal(pid, server.pid)
    assert.match(firstAdminKey, /^dk_admin_/)
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    const second = { ...settings, DANKAI_DATA_DIR: join(folder, 'data-2'), DANKAI_PORT: new URL(url).port }
    const taken = await finished(start(['serve', '--json'], second))
    assert.deepEqual([taken.exit, JSON.parse(taken.out).error.code, taken.error], [3, 'unreachable', ''])
    const ended = finished(server)
    server.kill('SIGTERM')
    server.kill('SIGTERM')
    assert.deepEqual(await ended, { exit: 0, out: '', error: '' })
  })
})
