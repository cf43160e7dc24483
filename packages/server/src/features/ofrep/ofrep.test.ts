import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { FlagdCore } from '@openfeature/flagd-core'
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { ErrorCode, type EvaluationContext, OpenFeature } from '@openfeature/server-sdk'
import { OpenFeature as OpenFeatureWeb, type Provider, ProviderEvents } from '@openfeature/web-sdk'
import { EventSource } from 'undici'
import type { DankaiServer } from '../../create-server.ts'
import { type FlagPlace, openFlagPlace, ruleFor, shareOf } from '../../testing/flag-place.ts'
import { type Answer, ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'

let house: TestHouse
let server: DankaiServer

before(async () => {
  // Browsers have it; in Node the provider takes the global one, too.
  globalThis.EventSource ??= EventSource as never
  house = await openTestHouse()
  server = await house.open()
})
after(async () => {
  await OpenFeature.close()
  await OpenFeatureWeb.close()
  await house.close()
})

const single = (
  place: FlagPlace,
  key: string,
  context: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  ask(server.url, 'POST', `/ofrep/v1/evaluate/flags/${key}`, { key: place.clientKey, body: { context }, headers })
const bulk = (place: FlagPlace, context: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key: place.clientKey, body: { context }, headers })

const variants = { on: 'new', off: 'old', beta: 'beta' }
const half = [
  { variant: 'on', weight: 50_000 },
  { variant: 'off', weight: 50_000 },
]

describe('the OpenFeature server SDK with the OFREP provider, unmodified', () => {
  it('has values of all types, variants, reasons and metadata, and the error codes of what cannot be evaluated', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-server')
    await place.setFlag('new-booking-flow', { ...shareOf(1) })
    await place.setFlag('greeting', { variants, rules: [ruleFor('beta', 'plan', 'beta', 'beta')], ...shareOf(0.3) })
    await place.setFlag('limit', { variants: { on: 10, off: 2 }, targets: [{ variant: 'on', keys: ['aki'] }] })
    await place.setFlag('layout', { variants: { on: { columns: 3 }, off: { columns: 1 } }, kind: 'ops', ...shareOf(1) })
    await place.setFlag('stopped', { ...shareOf(1), killed: true })
    const headers: [string, string][] = [['Authorization', `Bearer ${place.clientKey}`]]
    await OpenFeature.setProviderAndWait('server', new OFREPProvider({ baseUrl: server.url, headers }))
    const client = OpenFeature.getClient('server')

    const flow = await client.getBooleanDetails('new-booking-flow', false, { targetingKey: 'aki' })
    assert.deepEqual([flow.value, flow.variant, flow.reason], [true, 'on', 'STATIC'])
    assert.deepEqual({ ...flow.flagMetadata }, { kind: 'release', version: flow.flagMetadata['version'] })
    const beta = await client.getStringDetails('greeting', '', { targetingKey: 'aki', plan: 'beta' })
    assert.deepEqual([beta.value, beta.reason], ['beta', 'TARGETING_MATCH'])
    const dealt = await client.getStringDetails('greeting', '', { targetingKey: 'aki' })
    assert.deepEqual([dealt.value, dealt.reason], ['new', 'SPLIT'])
    assert.equal(await client.getNumberValue('limit', 0, { targetingKey: 'aki' }), 10)
    assert.deepEqual(await client.getObjectValue('layout', {}, {}), { columns: 3 })
    assert.deepEqual((await client.getBooleanDetails('stopped', true)).reason, 'DISABLED')
    assert.equal(await client.getBooleanValue('stopped', true), false)

    const failing: readonly (readonly [string, EvaluationContext, ErrorCode])[] = [
      ['greeting', {}, ErrorCode.TARGETING_KEY_MISSING],
      ['unknown', {}, ErrorCode.FLAG_NOT_FOUND],
      ['limit', { targetingKey: 'aki' }, ErrorCode.TYPE_MISMATCH],
      ['greeting', { targetingKey: 'aki', cart: 'x'.repeat(1_000_000) }, ErrorCode.INVALID_CONTEXT],
    ]
    for (const [key, context, errorCode] of failing) {
      const found = await client.getStringDetails(key, 'default', context)
      assert.deepEqual([found.value, found.errorCode], ['default', errorCode], key)
    }
  })

  it('is told by 401 and 403 that its key is not good for this', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-keys')
    for (const key of ['dk_unknown', 'not a key']) {
      const { status, body } = await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key, body: {} })
      assert.equal(status, 401)
      assert.deepEqual(Object.keys(body), ['errorDetails'])
    }
    const wrong = await bulk(place, {}, { 'dankai-environment': 'another' })
    assert.deepEqual([wrong.status, Object.keys(wrong.body)], [403, ['errorDetails']])
    const byHeader = { key: null, body: {}, headers: { 'x-api-key': place.clientKey } }
    assert.equal((await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', byHeader)).status, 200)
  })
})

describe('the OpenFeature web SDK with the OFREP web provider, unmodified', () => {
  it('hears of a change by the event stream and asks again, and learns by 304 that nothing changed', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-web')
    await place.setFlag('banner', { variants, ...shareOf(0) })
    const asked: { status: number; tag: string | null; known: string | null }[] = []
    const provider = new OFREPWebProvider({
      baseUrl: server.url,
      headers: [['Authorization', `Bearer ${place.clientKey}`]],
      pollInterval: 0,
      cacheMode: 'disabled',
      async fetchImplementation(input: string | URL | Request, init?: RequestInit) {
        const request = new Request(input, init)
        const response = await fetch(request)
        const { headers, status } = response
        asked.push({ status, tag: headers.get('etag'), known: request.headers.get('if-none-match') })
        return response
      },
    })
    await OpenFeatureWeb.setContext({ targetingKey: 'aki' })
    await OpenFeatureWeb.setProviderAndWait('web', provider as Provider)
    const client = OpenFeatureWeb.getClient('web')
    assert.deepEqual(
      [client.getStringValue('banner', ''), client.getStringDetails('banner', '').reason],
      ['old', 'STATIC'],
    )
    const changed = (): Promise<void> =>
      new Promise(resolve => {
        const listener = (): void => {
          client.removeHandler(ProviderEvents.ConfigurationChanged, listener)
          resolve()
        }
        client.addHandler(ProviderEvents.ConfigurationChanged, listener)
      })

    const raised = changed()
    await place.setFlag('banner', { variants, ...shareOf(1) })
    await raised
    assert.equal(client.getStringValue('banner', ''), 'new')

    const removed = changed()
    await place.removeFlag('banner')
    await removed
    assert.equal(client.getStringDetails('banner', 'gone').errorCode, ErrorCode.FLAG_NOT_FOUND)

    // The stream's first event has the client ask once more; nothing had changed then.
    const unchanged = asked.filter(({ status }) => status === 304)
    assert.ok(asked.every(({ status }) => status === 200 || status === 304))
    assert.ok(unchanged.every(({ known, tag }) => known !== null && known === tag))
    await OpenFeatureWeb.clearProviders()
  })
})

describe('the OFREP endpoints', () => {
  it('answers with a tag of what is served and the context, and 304 without a body to whoever has it', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-tags')
    await place.setFlag('one', { variants, otherwise: { split: half, by: null, seed: null, experiment: true } })
    const first = await bulk(place, { targetingKey: 'aki' })
    const tag = first.headers.get('etag') ?? ''
    assert.match(tag, /^"[\w-]{27}"$/)
    assert.deepEqual(first.body.flags.length, 1)
    const known = await bulk(place, { targetingKey: 'aki' }, { 'if-none-match': `"x", W/${tag}` })
    assert.deepEqual([known.status, known.body, known.headers.get('etag')], [304, '', tag])
    assert.equal((await bulk(place, { targetingKey: 'mei' }, { 'if-none-match': tag })).status, 200)
    await place.setFlag('one', { variants, ...shareOf(1) })
    const after = await bulk(place, { targetingKey: 'aki' }, { 'if-none-match': tag })
    assert.deepEqual([after.status, after.body.flags[0].value], [200, 'new'])
    assert.notEqual(after.headers.get('etag'), tag)
    // A stop has no version of the flags, and yet another tag.
    const stop = { body: { stop: true, why: 'a test', flag: 'one' } }
    const stopped = await ask(server.url, 'POST', `/v1/emergency?environment=${place.environment}`, stop)
    assert.equal(stopped.status, 200, JSON.stringify(stopped.body))
    const now = await bulk(place, { targetingKey: 'aki' }, { 'if-none-match': after.headers.get('etag') ?? '' })
    assert.deepEqual([now.status, now.body.flags[0].value, now.body.flags[0].reason], [200, 'old', 'DISABLED'])
  })

  it('never says DEFAULT, names each flag that cannot be evaluated, and gives the others', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-reasons')
    await place.setFlag('share', { variants, ...shareOf(0.5) })
    await place.setFlag('all', { variants, ...shareOf(1) })
    await place.setFlag('off', { variants, on: false })
    await place.setFlag('rest', { variants, otherwise: { variant: 'beta' } })
    await place.setFlag('asks', { variants, ...shareOf(1), prerequisites: [{ flag: 'off', variants: ['on'] }] })
    const reasons = async (context: object): Promise<object> => {
      const { body } = await bulk(place, context)
      return Object.fromEntries(
        body.flags.map((flag: { key: string; reason?: string; errorCode?: string }) => [
          flag.key,
          flag.reason ?? flag.errorCode,
        ]),
      )
    }
    const rest = { all: 'STATIC', asks: 'UNKNOWN', off: 'DISABLED', rest: 'STATIC' }
    assert.deepEqual(await reasons({ targetingKey: 'aki' }), { ...rest, share: 'SPLIT' })
    assert.deepEqual(await reasons({}), { ...rest, share: 'TARGETING_KEY_MISSING' })
  })

  it('has an answer and a code for every body, and goes on after contexts of a megabyte and cut-off requests', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-bodies')
    await place.setFlag('one', { variants, rules: [ruleFor('r', '__proto__', 'x', 'beta')], ...shareOf(1) })
    const send = (body: string, path = '/one'): Promise<Answer> =>
      ask(server.url, 'POST', `/ofrep/v1/evaluate/flags${path}`, { key: place.clientKey, body })
    const table: readonly (readonly [body: string, status: number, code: string | null])[] = [
      ['', 400, 'PARSE_ERROR'],
      ['{', 400, 'PARSE_ERROR'],
      ['[]', 400, 'PARSE_ERROR'],
      ['null', 400, 'PARSE_ERROR'],
      ['{}', 200, null],
      ['{"context":null}', 400, 'INVALID_CONTEXT'],
      ['{"context":[1]}', 400, 'INVALID_CONTEXT'],
      ['{"context":{"__proto__":"x","constructor":1}}', 200, null],
      [`{"context":{"a":"${'x'.repeat(1_100_000)}"}}`, 400, 'INVALID_CONTEXT'],
      [`{"context":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`, 400, 'PARSE_ERROR'],
      [`{"context":{"a":${'['.repeat(98)}${']'.repeat(98)}}}`, 200, null],
    ]
    for (const [body, status, code] of table) {
      for (const path of ['/one', '']) {
        const found = await send(body, path)
        const told = `${body.slice(0, 40)} ${path}`
        assert.deepEqual([found.status, found.body.errorCode ?? null], [status, code], told)
        if (status === 400) assert.equal(found.body.key, path === '' ? undefined : 'one', told)
      }
    }
    const unknown = await send('{}', `/${'k'.repeat(5_000)}`)
    assert.deepEqual([unknown.status, unknown.body.errorCode, unknown.body.key.length], [404, 'FLAG_NOT_FOUND', 256])
    await new Promise<void>(resolve => {
      const socket = connect(server.port, '127.0.0.1', () => {
        const head = `POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${place.clientKey}\r\ncontent-length: 100\r\n\r\n{"con`
        socket.write(head, () => socket.destroy())
      })
      socket.once('close', () => resolve())
    })
    assert.equal((await single(place, 'one', {})).body.value, 'new')
  })

  it('judges each key of a connection by itself, and a revoked one at once, however often it was good on it', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-connection')
    const other = await openFlagPlace(server.url, 'ofrep-connection-other')
    await place.setFlag('one', { variants, ...shareOf(1) })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    const statusOn = (authorization: string, path = '/ofrep/v1/evaluate/flags/one'): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { authorization, 'content-type': 'application/json' }
        const asked = request(server.url + path, { method: 'POST', agent, headers }, answer => {
          answer.resume().once('end', () => resolve(answer.statusCode))
        })
        asked.once('socket', socket => sockets.add(socket)).once('error', reject)
        asked.end('{"context":{"targetingKey":"aki"}}')
      })
    const key = `Bearer ${place.clientKey}`
    const spoken = [key, key, `Bearer ${other.clientKey}`, place.clientKey, 'Bearer dk_unknown', 'Bearer', key]
    const statuses: (number | undefined)[] = []
    for (const authorization of spoken) statuses.push(await statusOn(authorization))
    assert.deepEqual(statuses, [200, 200, 404, 200, 401, 401, 200])
    const { items } = (await ask(server.url, 'GET', '/v1/keys')).body
    const { id } = items.find(({ name }: { name: string }) => name === 'ofrep-connection-sdk-client')
    assert.equal((await ask(server.url, 'DELETE', `/v1/keys/${id}`)).status, 204)
    assert.equal(await statusOn(key), 401)
    // The middleware of all other routes asks the same authenticator over the same connection.
    assert.equal(await statusOn(key, '/v1/samples'), 401)
    assert.equal(sockets.size, 1)
    agent.destroy()
  })

  it('finds flags by encoded names, knows no other paths and methods, and counts answers by their status', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-paths')
    await place.setFlag('a.b', { variants, ...shareOf(1) })
    const post = (path: string): Promise<Answer> =>
      ask(server.url, 'POST', `/ofrep/v1/evaluate/${path}`, { key: place.clientKey, body: {} })
    const table: readonly (readonly [path: string, status: number, code: string | null | undefined])[] = [
      ['flags/a%2Eb', 200, undefined],
      ['flags/a.b?x=1', 200, undefined],
      ['flags?x=1', 200, undefined],
      ['flags/%E0%A4%A', 404, 'FLAG_NOT_FOUND'],
      ['flags/', 404, undefined],
      ['flags/a.b/c', 404, undefined],
      ['flagsx', 404, undefined],
    ]
    for (const [path, status, code] of table) {
      const found = await post(path)
      assert.deepEqual([found.status, found.body.errorCode], [status, code], path)
    }
    assert.equal((await ask(server.url, 'PUT', '/ofrep/v1/evaluate/flags/a.b', { body: {} })).status, 404)
    await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key: 'dk_unknown', body: {} })
    const figures = (await ask(server.url, 'GET', '/metrics')).body
    for (const [route, status] of [
      ['/ofrep/v1/evaluate/flags/{key}', 200],
      ['/ofrep/v1/evaluate/flags/{key}', 404],
      ['/ofrep/v1/evaluate/flags', 401],
    ])
      assert.ok(
        figures.includes(`dankai_http_request_seconds_count{method="POST",route="${route}",status="${status}"}`),
      )
  })

  it('lets pages of other sites ask with a key, and gives streams to nobody without a ticket', async () => {
    const place = await openFlagPlace(server.url, 'ofrep-pages')
    const asking = await ask(server.url, 'OPTIONS', '/ofrep/v1/evaluate/flags', {
      key: null,
      headers: { origin: 'https://triptrip.com', 'access-control-request-method': 'POST' },
    })
    assert.deepEqual([asking.status, asking.headers.get('access-control-allow-origin')], [204, '*'])
    const page = { origin: 'https://triptrip.com' }
    assert.equal((await bulk(place, {}, page)).headers.get('access-control-allow-origin'), '*')
    const keyless = { key: null, body: {}, headers: page }
    assert.equal((await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', keyless)).status, 403)
    for (const ticket of ['x', 'W10.AAAA', `${'A'.repeat(2_000)}.${'A'.repeat(22)}`])
      assert.equal((await ask(server.url, 'GET', `/ofrep/v1/events/${ticket}`, { key: null })).status, 401)
  })
})

describe('flagd-core, unmodified, with what an environment serves to flagd', () => {
  const silent = { error() {}, warn() {}, info() {}, debug() {} }

  it('reads the file over HTTP, is told by 304 that nothing changed, and hears of changes by the stream', async () => {
    const place = await openFlagPlace(server.url, 'flagd')
    await place.setFlag('followed', { algorithm: 'flagd', ...shareOf(0.4) })
    await place.setFlag('refused', { ...shareOf(0.4) })
    const read = (headers: Record<string, string> = {}): Promise<Answer> =>
      ask(server.url, 'GET', '/flagd/flags.json', { key: place.serverKey, headers })
    const { body, headers } = await read()
    assert.deepEqual(Object.keys(body.flags), ['followed'])
    const core = new FlagdCore(undefined, silent)
    core.setConfigurations(JSON.stringify(body))
    for (let index = 0; index < 200; index++) {
      const context = { targetingKey: `user-${index}` }
      const { value } = core.resolveBooleanEvaluation('followed', false, context, silent)
      assert.equal(value, (await single(place, 'followed', context)).body.value, context.targetingKey)
    }
    const tag = headers.get('etag') ?? ''
    const known = await read({ 'if-none-match': tag })
    assert.deepEqual([known.status, known.body], [304, ''])
    assert.equal((await ask(server.url, 'GET', '/flagd/flags.json', { key: place.clientKey })).status, 403)

    const stop = new AbortController()
    const stream = await fetch(`${server.url}/flagd/stream`, {
      headers: { authorization: `Bearer ${place.serverKey}` },
      signal: stop.signal,
    })
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    const next = async (): Promise<{ flags: Record<string, unknown> }> => {
      let text = ''
      while (!/\ndata: .*\n\n/.test(text)) text += (await reader.read()).value
      return JSON.parse(/\ndata: (.*)\n\n/.exec(text)?.[1] ?? '')
    }
    assert.deepEqual(Object.keys((await next()).flags), ['followed'])
    const told = next()
    await place.setFlag('refused', { ...shareOf(1) })
    assert.deepEqual(Object.keys((await told).flags).toSorted(), ['followed', 'refused'])
    stop.abort()
    assert.equal((await read({ 'if-none-match': tag })).status, 200)
  })
})
