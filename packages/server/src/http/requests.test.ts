import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { DankaiServer } from '../create-server.ts'
import { type FlagPlace, openFlagPlace } from '../testing/flag-place.ts'
import { type Answer, adminKey, ask, openTestHouse, type TestHouse } from '../testing/test-server.ts'
import { isKnownTag } from './etag.ts'
import { isTooDeep, jsonDepthMax } from './json-body.ts'

let house: TestHouse
let server: DankaiServer
let place: FlagPlace

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  place = await openFlagPlace(server.url, 'requests')
  await place.setFlag('here', {})
})
after(() => house.close())

type Options = Parameters<typeof ask>[3]
const api = (method: string, path: string, options: Options = {}): Promise<Answer> =>
  ask(server.url, method, path, options)

/** What people read, whichever the protocol. */
const saidIn = ({ body }: Answer): string => body.detail ?? body.message ?? body.errorDetails ?? ''

const deep = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + close.repeat(levels)

describe('the place that a request names', () => {
  const stop = { stop: true, why: 'a test of names', flag: 'here' }
  const asks: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ['GET', '/v1/flags'],
    ['PUT', '/v1/flags/named', { flag: {} }],
    ['GET', '/v1/audit'],
    ['POST', '/v1/emergency', stop],
    ['GET', '/v1/bootstrap'],
    ['POST', '/ofrep/v1/evaluate/flags', {}],
    ['POST', '/ofrep/v1/evaluate/flags/here', {}],
    ['GET', '/flagd/flags.json'],
    ['GET', '/launchdarkly/sdk/latest-all'],
    ['GET', '/unleash/api/client/features'],
  ]
  const names: readonly (readonly [name: string, found: string])[] = [
    ['a'.repeat(101), 'found 101 characters, expected at most 100 characters'],
    ['', 'found 0 characters, expected at least 1 characters'],
    ['a\nb', 'found "a\\nb", expected letters, digits, ".", "_" and "-"'],
    ['a b', 'found "a b", expected letters, digits, ".", "_" and "-"'],
  ]

  it('is refused in one way when it is no name, by every protocol, from query and header alike', async () => {
    for (const [method, path, body] of asks)
      for (const [name, found] of names)
        for (const from of ['query', 'header']) {
          // A header holds no line end, and Unleash's clients have an attribute of that name in their queries.
          if (from === 'header' ? name.includes('\n') : path.startsWith('/unleash/')) continue
          const asked = from === 'query' ? `${path}?environment=${encodeURIComponent(name)}` : path
          const headers = from === 'query' ? {} : { 'dankai-environment': name }
          const answer = await api(method, asked, { headers, ...(body === undefined ? {} : { body }) })
          const what = `${method} ${path} by ${from}: ${JSON.stringify(answer.body)}`
          assert.equal(answer.status, 400, what)
          assert.ok(saidIn(answer).startsWith(`Cannot act in environment "`), what)
          assert.ok(saidIn(answer).includes(found), what)
        }
    assert.deepEqual((await api('GET', '/v1/flags')).body.items, [], 'nothing was done in production')
  })

  it('is "*" only for an emergency and for the record, and for who may act everywhere', async () => {
    for (const [method, path, body] of asks) {
      const isMeant = path === '/v1/emergency' || path === '/v1/audit'
      const headers = { 'dankai-environment': '*' }
      const { status } = await api(method, path, { headers, ...(body === undefined ? {} : { body }) })
      assert.equal(status, isMeant ? 200 : 400, path)
    }
    const reason = async (): Promise<string> =>
      (await api('POST', '/ofrep/v1/evaluate/flags/here', { key: place.serverKey, body: {} })).body.reason
    assert.equal(await reason(), 'DISABLED')
    const lifted = await api('POST', '/v1/emergency?environment=*', { body: { stop: false, why: 'over' } })
    assert.deepEqual([lifted.status, lifted.body.stops], [200, []])
    assert.equal(await reason(), 'STATIC')
    const key = (
      await api('POST', '/v1/keys', {
        body: { kind: 'ci', principal: 'robot', name: 'requests', environment: 'requests' },
      })
    ).body.secret
    for (const path of ['/v1/emergency', '/v1/audit']) {
      const options = { key, ...(path === '/v1/audit' ? {} : { body: stop }) }
      const { status } = await api(path === '/v1/audit' ? 'GET' : 'POST', `${path}?environment=*`, options)
      assert.equal(status, 403, path)
    }
  })
})

describe('a JSON body', () => {
  const readers = (): readonly (readonly [method: string, path: string, wrap: (json: string) => string])[] => [
    ['PUT', '/v1/flags/deep', json => `{"flag":{"variants":{"on":${json},"off":false}}}`],
    ['POST', '/v1/flags/import', json => `{"format":"flagd","why":null,"data":${json}}`],
    ['POST', '/v1/samples', json => json],
    ['POST', '/ofrep/v1/evaluate/flags', json => `{"context":{"of":${json}}}`],
    ['POST', '/ofrep/v1/evaluate/flags/here', json => `{"context":{"of":${json}}}`],
    ['POST', '/unleash/api/client/register', json => json],
    ['POST', '/unleash/api/frontend', json => `{"context":${json}}`],
    ['POST', '/launchdarkly/bulk', json => json],
    ['REPORT', '/launchdarkly/msdk/evalx/context', json => `{"kind":"user","key":"a","of":${json}}`],
    ['PATCH', '/launchdarkly/api/v2/flags/default/here', json => json],
    ['POST', '/otlp/v1/metrics', json => `{"resourceMetrics":${json}}`],
  ]
  const send = async (
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) => {
    const given = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', ...headers }
    const answer = await fetch(server.url + path, { method, body, headers: given })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  it('is read to a depth of 100, and refused deeper in the form of each protocol', async () => {
    const operators = (levels: number): string => deep(levels, '{"!":', '}').replace(':}', ':1}')
    for (const [method, path, wrap] of readers()) {
      // OFREP takes no more than 256 KB.
      const [lists, objects] = path.startsWith('/ofrep/') ? [100_000, 40_000] : [200_000, 50_000]
      for (const json of [deep(lists), operators(objects)]) {
        const answer = await send(method, path, wrap(json))
        const what = `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 300)}`
        assert.equal(answer.status, 400, what)
        assert.match(saidIn(answer), /found JSON nested deeper than 100 levels, expected at most 100/, what)
      }
      const { status } = await send(method, path, wrap(deep(90)))
      assert.ok(status < 500, `${path} ${status}`)
    }
  })

  it('that is none is said to be none, in the same words for every protocol', async () => {
    for (const [method, path] of readers())
      for (const text of ['{', '[1,]']) {
        const answer = await send(method, path, text)
        const what = `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 300)}`
        assert.equal(answer.status, 400, what)
        assert.match(saidIn(answer), /^Cannot read the request: found no JSON, expected/, what)
      }
  })

  it('may come packed with gzip, and holds no more than a plain one', async () => {
    const headers = { 'content-encoding': 'gzip' }
    const packed = (text: string | Buffer) => new Uint8Array(gzipSync(text))
    const large = packed(Buffer.alloc(17 * 1_048_576, ' '))
    const largest = packed(Buffer.alloc(33 * 1_048_576, ' '))
    for (const [method, path, wrap] of readers()) {
      if (path.startsWith('/ofrep/')) continue
      const plain = await send(method, path, wrap('[]'))
      const answer = await send(method, path, packed(wrap('[]')), headers)
      const again = path === '/v1/flags/deep' ? [200, 409] : [plain.status]
      assert.ok(again.includes(answer.status), `${path}: ${plain.status} ${answer.status}`)
      const tooLarge = await send(method, path, path.startsWith('/otlp/') ? largest : large, headers)
      assert.equal(tooLarge.status, 413, `${path}: ${JSON.stringify(tooLarge.body)}`)
      assert.match(saidIn(tooLarge), /^Cannot read the request: found more than \d+ bytes, expected at most so many/)
      const broken = await send(method, path, 'no gzip', headers)
      assert.equal(broken.status, 400)
      assert.match(saidIn(broken), /^Cannot read the request: found broken data, expected gzip/)
      const other = await send(method, path, 'x', { 'content-encoding': 'br' })
      assert.equal(other.status, 415)
      assert.match(saidIn(other), /found content-encoding "br", expected gzip or none/)
    }
  })

  it('is not looked for in a request that has none, whatever its type says', async () => {
    const headers = { 'content-type': 'application/json' }
    assert.equal((await api('GET', '/v1/flags', { headers })).status, 200)
    assert.equal((await api('DELETE', '/v1/flags/nothing', { headers })).status, 409)
  })

  it('is too deep exactly when its brackets are, those within texts not counted', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
    const text = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', ']', '}', 'a') })
    const levels = fc.array(fc.oneof(fc.constant(null), text), {
      minLength: jsonDepthMax - 4,
      maxLength: jsonDepthMax + 4,
    })
    fc.assert(
      fc.property(levels, text, fc.jsonValue(), (names, word, inner) => {
        const value = names.reduce<unknown>(
          (nested, name) => (name === null ? [word, nested, {}] : { [name]: nested, word }),
          inner,
        )
        assert.equal(isTooDeep(JSON.stringify(value, null, names.length % 3)), depthOf(value) > jsonDepthMax)
      }),
    )
  })
})

describe('a tag', () => {
  it('is known by whoever sends it, weak or in a list, wherever there are tags', async () => {
    for (const path of [
      '/v1/bootstrap',
      '/launchdarkly/sdk/latest-all',
      '/unleash/api/client/features',
      '/unleash/api/frontend',
      '/flagd/flags.json',
    ]) {
      const options = { key: place.serverKey }
      const tag = (await api('GET', path, options)).headers.get('etag') ?? ''
      assert.match(tag, /^"[\w-]+"$/, path)
      for (const known of [tag, `W/${tag}`, `"another", W/${tag}`, '*']) {
        const { status, headers } = await api('GET', path, { ...options, headers: { 'if-none-match': known } })
        assert.deepEqual([status, headers.get('etag')], [304, tag], `${path} ${known}`)
      }
      const other = await api('GET', path, { ...options, headers: { 'if-none-match': `"another", ${tag}x` } })
      assert.equal(other.status, 200, path)
    }
    assert.equal(isKnownTag(undefined, '"a"'), false)
  })
})

describe('a refusal', () => {
  it('says what was found and what is expected, and carries the id of its request', async () => {
    const told = await api('POST', '/v1/keys', {
      key: place.serverKey,
      body: { kind: 'ci', principal: 'a', name: 'b' },
    })
    assert.equal(
      told.body.detail,
      'Cannot use this key here: found one of kind "sdk-server", expected admin. Ask an admin for one.',
    )
    const headers = { 'x-request-id': 'asked-by-me' }
    const direct = await api('POST', '/ofrep/v1/evaluate/flags', { key: 'dk_unknown', body: {}, headers })
    assert.deepEqual([direct.status, direct.headers.get('x-request-id')], [401, 'asked-by-me'])
    const made = await api('POST', '/ofrep/v1/evaluate/flags', { key: 'dk_unknown', body: {} })
    assert.match(made.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    const unknown = await api('POST', '/ofrep/v1/evaluate/flags/not_there', { key: place.serverKey, body: {} })
    assert.equal(unknown.status, 404)
    assert.match(unknown.body.errorDetails, /^Cannot find flag "not_there": found none of this name/)
  })
})
