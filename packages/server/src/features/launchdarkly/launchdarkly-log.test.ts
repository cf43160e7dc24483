import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pino from 'pino'
import { createServer, type DankaiServer } from '../../create-server.ts'
import { adminKey, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'
import { launchDarklyProtocol } from './launchdarkly-protocol.ts'

let house: TestHouse
let server: DankaiServer
let clientKey: string
const folder = mkdtempSync(join(tmpdir(), 'dankai-log-'))
const lines: { readonly msg: string; readonly requestId?: string; readonly level: number; readonly path?: string }[] =
  []
const said: string[] = []

before(async () => {
  house = await openTestHouse()
  const settings = {
    host: '127.0.0.1',
    port: 0,
    dataDir: folder,
    databaseUrl: house.databaseUrl,
    adminKey,
    secretKey: Buffer.alloc(32, 7),
    logLevel: 'debug',
  } as const
  const write = (line: string): void => {
    said.push(line)
    lines.push(JSON.parse(line))
  }
  server = await createServer(settings, pino({ level: 'debug' }, { write }))
  const { body } = await ask(server.url, 'POST', '/v1/keys', {
    body: { kind: 'sdk-client', principal: 'page', name: 'page' },
  })
  clientKey = body.secret
})
after(async () => {
  await server.stop()
  await house.close()
  rmSync(folder, { recursive: true, force: true })
})

const email = 'aki.tanaka@example.com'
const context = { kind: 'user', key: 'aki', email }
const encoded = Buffer.from(JSON.stringify(context)).toString('base64url')
const events = Buffer.from(JSON.stringify([{ kind: 'identify', creationDate: 1, context }])).toString('base64url')

describe("what the log has of LaunchDarkly's clients", () => {
  // KEY, CONTEXT and EVENTS stand for what is sent; "quiet" are lines that only a log of level debug has.
  const infoLevel = 30
  const debugLevel = 20
  for (const [method, path, shown, level] of [
    ['GET', '/eval/KEY/CONTEXT', '/eval/…/…', debugLevel],
    ['GET', '/eval/KEY/CONTEXT?withReasons=true', '/eval/…/…', debugLevel],
    ['GET', '/meval/CONTEXT', '/meval/…', debugLevel],
    ['GET', '/ping/KEY', '/ping/…', debugLevel],
    ['GET', '/mping', '/mping', debugLevel],
    ['GET', '/sdk/evalx/KEY/contexts/CONTEXT', '/sdk/evalx/…/contexts/…', debugLevel],
    ['GET', '/sdk/evalx/KEY/users/CONTEXT', '/sdk/evalx/…/users/…', debugLevel],
    ['GET', '/msdk/evalx/contexts/CONTEXT', '/msdk/evalx/contexts/…', debugLevel],
    ['GET', '/a/KEY.gif?d=EVENTS', '/a/…', debugLevel],
    ['POST', '/events/bulk/KEY', '/events/bulk/…', debugLevel],
    ['POST', '/events/diagnostic/KEY', '/events/diagnostic/…', debugLevel],
    ['GET', '/sdk/goals/KEY', '/sdk/goals/…', debugLevel],
    // Keys and contexts that are sent where nobody asked for them, and the characters that keys do not have.
    ['GET', '/sdk/evalx/KEY%20/contexts/CONTEXT', '/sdk/evalx/…/contexts/…', debugLevel],
    ['GET', '/sdk/evalx/no-key-of-here/contexts/CONTEXT', '/sdk/evalx/…/contexts/…', debugLevel],
    ['GET', '/CONTEXT', '/…', infoLevel],
    ['GET', '/KEY/CONTEXT', '/…/…', infoLevel],
    ['GET', '/api/v2/flags/default/new-look', '/api/v2/flags/default/new-look', infoLevel],
  ] as const)
    it(`has no key and nothing of the user of ${method} ${path}`, async () => {
      const asked = path.replace('KEY', clientKey).replace('CONTEXT', encoded).replace('EVENTS', events)
      const ending = new AbortController()
      const requestId = crypto.randomUUID()
      const response = await fetch(`${server.url}/launchdarkly${asked}`, {
        method,
        headers: { authorization: clientKey, 'x-request-id': requestId, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '[]' } : {}),
        signal: ending.signal,
      })
      ending.abort()
      assert.ok(response.status > 0)
      const line = await until(
        async () => lines.find(one => one.msg === 'request' && one.requestId === requestId),
        found => found !== undefined,
      )
      assert.deepEqual([line?.path, line?.level], [`/launchdarkly${shown}`, level])
      for (const secret of [clientKey, encoded, events, email]) assert.ok(!said.join('').includes(secret), secret)
    })

  it('has no part of any path but the words of the protocol, which is decided without knowing the path', () => {
    const { shownPath } = launchDarklyProtocol
    assert.equal(shownPath?.('/launchdarkly/new/way/eyJraW5k'), '/launchdarkly/…/…/…')
    assert.equal(shownPath?.('/launchdarkly//eval//eyJraW5k'), '/launchdarkly//eval//…')
  })
})
