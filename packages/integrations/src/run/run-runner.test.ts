import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import type { ConnectionOf, RunSettings } from '../connection.ts'
import { claimedCommand, connectionsOf, patienceMs } from '../testing/claimed-command.ts'
import { createRunRunner } from './run-runner.ts'
import { splitCommand } from './split-command.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dankai-run-')))
after(() => rmSync(folder, { recursive: true }))

const node = process.execPath

function run(
  command: string,
  change: Partial<RunSettings> = {},
  options: { at?: string; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const settings = {
    cwd: folder,
    programs: [node],
    places: ['backend'],
    shell: false,
    environment: [],
    timeoutMs: patienceMs,
    ...change,
  }
  const runner: ConnectionOf<'run'> = { name: 'default', kind: 'run', settings, secrets: { TOKEN: 's3cret' } }
  const { at = null, timeoutMs, signal = new AbortController().signal } = options
  const effect = { kind: 'run', command, at } as const
  return createRunRunner(connectionsOf(runner), signal).run(
    claimedCommand(effect, timeoutMs === undefined ? {} : { timeoutMs }),
  )
}

/** A small program as one quoted word. */
const script = (text: string): string => `${node} -e '${text}'`

describe('a command', () => {
  it('runs in the folder of its runner and gives back what it said and its numbers', async () => {
    const result = await run(script('console.log(JSON.stringify({ coverage: 91.5, folder: process.cwd() }))'))
    assert.equal(result.outcome, 'succeeded')
    assert.equal(JSON.parse(result.output?.text ?? '').folder, folder)
    assert.deepEqual([result.output?.status, result.output?.fields], [0, { coverage: 91.5 }])
  })

  it('fails with its exit status', async () => {
    const result = await run(script('process.exit(3)'))
    assert.deepEqual(
      [result.outcome, result.detail, result.output?.status],
      ['failed', 'found exit status 3, expected 0', 3],
    )
  })

  it('sees the variables of its runner and none of the server', async () => {
    process.env['DANKAI_TEST_OWN'] = 'passed'
    process.env['DANKAI_TEST_HIDDEN'] = 'hidden'
    const result = await run(
      script('console.log(Object.keys(process.env).filter(n => /^(TOKEN|DANKAI_)/.test(n)).sort().join())'),
      {
        environment: ['DANKAI_TEST_OWN'],
      },
    )
    assert.equal(result.output?.text, 'DANKAI_COMMAND,DANKAI_RELEASE,DANKAI_TEST_OWN,TOKEN\n')
  })

  it('is found by a place of its runner, and refused at a place nobody serves', async () => {
    assert.equal((await run(script(''), {}, { at: 'backend' })).outcome, 'succeeded')
    assert.match((await run(script(''), {}, { at: 'elsewhere' })).detail ?? '', /no runner of that name or place/)
  })

  for (const [what, command, expected] of [
    ['a program that is not on the list', 'rm -rf /', /found program "rm", expected one of/],
    ['a pipe', `${node} -v | tee x`, /found "\|", which only a shell understands/],
    ['a second command', `${node} -v; id`, /found ";"/],
    ['a variable in quotes', `${node} "$HOME"`, /found "\$"/],
    ['a command in quotes', `${node} "\`id\`"`, /found "`"/],
    ['an open quote', `${node} 'x`, /found an open '/],
    ['nothing', '', /found nothing, expected a program/],
  ] as const)
    it(`is refused for ${what}`, async () => {
      const result = await run(command)
      assert.equal(result.outcome, 'failed')
      assert.match(result.detail ?? '', expected)
    })

  it('goes to a shell only where the runner of an admin says so', async () => {
    const result = await run('echo "$TOKEN" | tr a-z A-Z', { shell: true, programs: ['/bin/sh'] })
    assert.equal(result.output?.text, 'S3CRET\n')
  })

  it('is ambiguous when its time is up, and nothing of its process group is left', async t => {
    // Its time is up when the child is there, however long a busy machine takes to start two programs.
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const pidFile = join(folder, 'child.pid')
    const child = `process.on("SIGTERM", () => {}); require("fs").writeFileSync("${pidFile}", String(process.pid)); setInterval(() => {}, 1000)`
    const parent = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); setInterval(() => {}, 1000)`
    const running = run(`${node} -e ${JSON.stringify(parent).replaceAll('$', '\\$')}`, {}, { timeoutMs: 700 })
    const pid = await writtenPid(pidFile)
    t.mock.timers.tick(700)
    const result = await running
    assert.deepEqual([result.outcome, result.detail], ['ambiguous', 'not done within 700 ms'])
    await gone(pid)
  })

  it('is ended and ambiguous when the server stops', async () => {
    const stopping = new AbortController()
    const running = run(script('setInterval(() => {}, 1000)'), {}, { signal: stopping.signal })
    stopping.abort()
    assert.deepEqual([(await running).outcome, (await running).detail], ['ambiguous', 'the server is stopping'])
  })

  it('says so when its program is not there', async () => {
    const result = await run('/no/such/program', { programs: ['/no/such/program'] })
    assert.match(result.detail ?? '', /Cannot start "\/no\/such\/program"/)
  })

  it('keeps at most 16 kB of a program that says a megabyte', async () => {
    const result = await run(script('process.stdout.write("x".repeat(1e6))'))
    assert.equal(result.outcome, 'succeeded')
    assert.ok((result.output?.text.length ?? 0) < 16_000)
  })
})

describe('splitting a command', () => {
  for (const [command, words] of [
    [
      'npm run test:e2e -- --baseUrl=https://staging.example.com',
      ['npm', 'run', 'test:e2e', '--', '--baseUrl=https://staging.example.com'],
    ],
    ['./smoke.sh https://x.example/y?z=1', ['./smoke.sh', 'https://x.example/y?z=1']],
    [`a 'b c' "d e" f\\ g ''`, ['a', 'b c', 'd e', 'f g', '']],
    ['branch --matches "^hotfix/[A-Z]+-[0-9]+-.+"', ['branch', '--matches', '^hotfix/[A-Z]+-[0-9]+-.+']],
  ] as const)
    it(`gives the words of ${command}`, () => {
      assert.deepEqual(splitCommand(command), { words })
    })

  it('gives back any words that were put in single quotes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1 }).map(word => word.replaceAll("'", '')),
          { minLength: 1 },
        ),
        words => {
          assert.deepEqual(splitCommand(words.map(word => `'${word}'`).join(' ')), { words })
        },
      ),
    )
  })
})

async function writtenPid(file: string): Promise<number> {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (text !== '') return Number(text)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Waits until no process runs under the id; a kill is delivered within moments. */
async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise(resolve => setImmediate(resolve))
}

/** One that has ended and that nobody has asked about yet ("Z" on Linux) does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    return syscall === 'open' && code === 'ENOENT' && process.platform !== 'linux'
  }
}
