import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ADMIN_KEY = 'dk_admin_key_of_the_trips_tests'

/** Dankai as an operator runs it: a process with its own database, spoken to over HTTP only. */
export interface DankaiServer {
  readonly url: string
  ask<Answer>(method: string, path: string, body: object, headers?: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

export async function startDankaiServer(): Promise<DankaiServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trips-dankai-'))
  const program = fileURLToPath(import.meta.resolve('@dankai/server/main'))
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH ?? '',
      DANKAI_PORT: '0',
      DANKAI_DATA_DIR: dataDir,
      DANKAI_ADMIN_KEY: ADMIN_KEY,
      DANKAI_SECRET_KEY: '07'.repeat(32),
      DANKAI_LOG_LEVEL: 'silent',
    },
  })
  const url = await readLine(child, line => /^Dankai is on (\S+)/.exec(line)?.[1])
  return {
    url,
    async ask(method, path, body, headers = {}) {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return answer.json() as never
    },
    async stop() {
      await endProcess(child)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** What is found in the first line of stdout that has it. */
export async function readLine<Found>(child: ChildProcess, find: (line: string) => Found | undefined): Promise<Found> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = find(line)
    if (found !== undefined) return found
  }
  throw new Error('Cannot start a process of the test: found it ended, expected its ready line.')
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
