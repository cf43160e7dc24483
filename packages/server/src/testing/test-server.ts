import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@dankai/store'
import { createServer, type DankaiServer } from '../create-server.ts'
import { createLogger } from '../http/log.ts'
import type { Settings } from '../settings.ts'

export const adminKey = 'dk_admin_key_of_the_tests'

export interface TestHouse {
  readonly databaseUrl: string
  /** Another instance on the same database. */
  open(change?: Partial<Settings>): Promise<DankaiServer>
  close(): Promise<void>
}

/** A real PostgreSQL and any number of servers on it, all on free loopback ports, gone after the tests. */
export async function openTestHouse(): Promise<TestHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'dankai-server-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') })
  const servers: DankaiServer[] = []
  return {
    databaseUrl: postgres.url,
    async open(change = {}) {
      const settings: Settings = {
        host: '127.0.0.1',
        port: 0,
        dataDir: mkdtempSync(join(folder, 'data-')),
        databaseUrl: postgres.url,
        adminKey,
        secretKey: Buffer.alloc(32, 7),
        logLevel: 'silent',
        ...change,
      }
      const server = await createServer(settings, createLogger(settings.logLevel))
      servers.push(server)
      return server
    },
    async close() {
      await Promise.all(servers.map(server => server.stop()))
      await postgres.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the server said.
  readonly body: any
}

/** One request with a key; the body of the answer is JSON when it says so. */
export async function ask(
  url: string,
  method: string,
  path: string,
  options: { readonly key?: string | null; readonly body?: unknown; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { key = adminKey, body, headers = {} } = options
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

/** A machine that is busy with other tests is slow, not wrong. */
const untilMs = 60_000

/** Asks again at every turn of the loop until the answer is enough; after a minute the last one is the message. */
export async function until<Value>(read: () => Promise<Value>, isEnough: (value: Value) => boolean): Promise<Value> {
  for (const startedAt = performance.now(); ; ) {
    const value = await read()
    if (isEnough(value)) return value
    if (performance.now() - startedAt > untilMs)
      throw new Error(`not so within ${untilMs} ms: ${JSON.stringify(value)}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
