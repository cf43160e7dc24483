import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'dankai-run-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The server as people start it; what it says is kept. */
function start(environment: Record<string, string>): {
  process: ChildProcess
  /** Its exit code and signal, when it has said everything. */
  over: Promise<unknown[]>
  said: () => string
  until(pattern: RegExp): Promise<string>
} {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DANKAI_LOG_LEVEL: 'silent',
      DANKAI_PORT: '0',
      DANKAI_DATA_DIR: folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', piece => (text += piece))
  // The end of the process may be heard before its last words; its end and that of what it says is "close".
  let isOver = false
  const over = once(child, 'close')
  over.then(() => (isOver = true))
  return {
    process: child,
    over,
    said: () => text,
    async until(pattern) {
      for (let found = pattern.exec(text); ; found = pattern.exec(text)) {
        if (found !== null) return found[1] ?? found[0]
        assert.ok(!isOver, text)
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), over])
      }
    },
  }
}

describe('the server as a process', () => {
  it('starts its own database, says where it is and the first key once, and ends cleanly however often it is told', async () => {
    const first = start({})
    const url = await first.until(/Dankai is on (http:\/\/127\.0\.0\.1:\d+)/)
    const key = await first.until(/First admin key, shown this once: (\S+)/)
    const answer = await fetch(`${url}/v1/flags`, { headers: { authorization: `Bearer ${key}` } })
    assert.equal(answer.status, 200)
    await answer.text()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) first.process.kill(signal)
    assert.deepEqual(await first.over, [0, null])

    const second = start({})
    await second.until(/From this machine it needs no key/)
    assert.doesNotMatch(second.said(), /First admin key/)
    second.process.kill('SIGINT')
    assert.deepEqual(await second.over, [0, null])
  })

  it('ends with 2 for wrong settings and 3 for a database it cannot reach, each with a sentence and no stack', async () => {
    for (const [environment, code, expected] of [
      [{ DANKAI_PORT: 'many' }, 2, /Cannot use DANKAI_PORT: found "many", expected a number/],
      [{ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, 3, /Cannot /],
    ] as const) {
      const server = start(environment)
      assert.equal((await server.over)[0], code, server.said())
      assert.match(server.said(), expected)
      assert.doesNotMatch(server.said(), /\n\s+at /)
    }
  })
})
