import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { keyKinds } from '@dankai/contract'
import type { KeyKind } from '@dankai/store'
import type { DankaiServer } from './create-server.ts'
import { ask, openTestHouse, type TestHouse } from './testing/test-server.ts'

/**
 * Which kind of key may ask for what, of every route there is. A route that is not here fails the test: whoever adds one
 * says here who may use it.
 */
const people = ['admin', 'ci'] as const
const admins = ['admin'] as const
const readers = ['admin', 'ci', 'sdk-server'] as const
const servers = ['admin', 'sdk-server'] as const
const clients = ['sdk-client'] as const
const sdks = ['admin', 'sdk-server', 'sdk-client'] as const
const everybody = keyKinds
const nobody = [] as const

const sdk = randomUUID()
const why = 'who may'
const now = Date.now()
const user = Buffer.from('{"kind":"user","key":"aki"}').toString('base64url')

interface Row {
  readonly kinds: readonly KeyKind[]
  /** What follows the path. */
  readonly query?: string
  /** A right one: a wrong body may be refused before the key is looked at. */
  readonly body?: unknown
}
const row = (kinds: readonly KeyKind[], body?: unknown, query = ''): Row => ({ kinds, body, query })

const table: Readonly<Record<string, Row>> = {
  'GET /': row(people),
  'GET /healthz': row(everybody),
  'GET /readyz': row(everybody),
  'GET /metrics': row(people),
  'GET /openapi.json': row(everybody),

  'POST /v1/keys': row(admins, { kind: 'ci', principal: 'robot', name: 'of a test' }),
  'GET /v1/keys': row(admins),
  'DELETE /v1/keys/:id': row(admins),
  'GET /v1/principals': row(people),
  'PUT /v1/principals/:name': row(admins, { kind: 'machine' }),
  'DELETE /v1/principals/:name': row(admins),
  'GET /v1/groups': row(people),
  'GET /v1/audit': row(people),
  'GET /v1/connections': row(people),
  'PUT /v1/connections/:name': row(admins, { kind: 'sql', settings: {}, secrets: { url: 'postgres://db.example/x' } }),
  'DELETE /v1/connections/:name': row(admins),

  'GET /v1/emergency': row(people),
  'POST /v1/emergency': row(people, { stop: false, why }),
  'POST /v1/plans': row(people, { files: [{ file: 'a.yaml', text: '' }], dryRun: true }),
  'GET /v1/plans': row(people),
  'POST /v1/plans/validate': row(people, { files: [{ file: 'a.yaml', text: '' }] }),
  'GET /v1/plans/:name': row(people),
  'POST /v1/releases': row(people, { plan: 'none', version: '1' }),
  'GET /v1/releases': row(people),
  'GET /v1/releases/:id': row(people),
  'GET /v1/releases/:id/plan': row(people),
  'GET /v1/releases/:id/events': row(people),
  'GET /v1/releases/:id/timeline': row(people),
  'POST /v1/releases/:id/actions': row(people, { type: 'reject', step: 'none', why }),
  'POST /v1/releases/:id/amend': row(people, { why }),
  'GET /v1/experiments/:flag': row(people),

  'GET /v1/flags': row(readers),
  'GET /v1/flags/:key': row(readers),
  'PUT /v1/flags/:key': row(people, { flag: {} }),
  'DELETE /v1/flags/:key': row(people),
  'GET /v1/flags/:key/history': row(people),
  'POST /v1/flags/:key/restore': row(people, { version: 1 }),
  'GET /v1/flags/:key/evaluations': row(people),
  'GET /v1/flags/:key/clients': row(people),
  'POST /v1/flags/:key/changes': row(people, { at: now + 3_600_000, flag: { on: true }, why }),
  'POST /v1/flags/:key/stage': row(people, { stage: 'development' }),
  'GET /v1/flags/stale': row(people),
  'POST /v1/flags/import': row(people, { format: 'flagd', data: { flags: {} }, dryRun: true }),
  'GET /v1/flags/export': row(people, undefined, '?format=flagd'),
  'GET /v1/flag-policy': row(people),
  'PUT /v1/flag-policy': row(admins, {}),
  'GET /v1/flag-clients': row(people),
  'GET /v1/flag-changes': row(people),
  'DELETE /v1/flag-changes/:id': row(people),
  'GET /v1/flag-sets': row(people),
  'GET /v1/flag-sets/:plan': row(people),
  'PUT /v1/flag-sets/apply': row(people, { values: {} }),
  'GET /v1/sdks': row(people),
  'POST /v1/cohorts/explain': row(people, { user: 'aki' }),
  'POST /v1/cohorts/preview': row(people, { share: 0.1, quotas: { age: { 20: 1 } }, population: { age: { 20: 1 } } }),

  'GET /v1/stream': row(sdks, undefined, `?sdk=${sdk}&name=test`),
  'GET /v1/bootstrap': row(sdks),
  'POST /v1/acknowledgements': row(sdks, { sdk, name: 'test', version: 0, appliedAt: now }),
  'POST /v1/acknowledgements/goodbye': row(sdks, { sdk }),
  'POST /v1/samples': row(sdks, { sdk, batch: 1, sentAt: now, samples: [] }),
  'POST /v1/exposures': row(sdks, { sdk, batch: 1, sentAt: now, exposures: [], outcomes: [] }),
  'POST /otlp/v1/metrics': row(readers, { resourceMetrics: [] }),

  'GET /flagd/flags.json': row(servers),
  'GET /flagd/stream': row(servers),

  'GET /unleash/api/client/features': row(servers),
  'GET /unleash/api/client/streaming': row(servers),
  'POST /unleash/api/client/register': row(servers, {}),
  'POST /unleash/api/client/metrics': row(servers, { bucket: { toggles: {} } }),
  'GET /unleash/api/frontend': row(sdks),
  'POST /unleash/api/frontend': row(sdks, { context: {} }),
  'POST /unleash/api/frontend/register': row(sdks, {}),
  'POST /unleash/api/frontend/metrics': row(sdks, { bucket: { toggles: {} } }),
  'POST /unleash/api/frontend/client/register': row(sdks, {}),
  'POST /unleash/api/frontend/client/metrics': row(sdks, { bucket: { toggles: {} } }),
  // A page asks whether it may ask.
  'OPTIONS /unleash/api/frontend': row(everybody),
  'OPTIONS /unleash/api/frontend/*': row(everybody),
  'OPTIONS /ofrep/v1/*': row(everybody),
  // Whoever has a ticket may listen; no key is one.
  'GET /ofrep/v1/events/:ticket': row(nobody),

  'GET /launchdarkly/sdk/latest-all': row(servers),
  'GET /launchdarkly/all': row(servers),
  'POST /launchdarkly/bulk': row(servers, []),
  'POST /launchdarkly/diagnostic': row(everybody, {}),
  ...ofPages('sdk/evalx/:key', ['/contexts/:context?', '/users/:context?', '/context', '/user'], clients),
  ...ofPages('msdk/evalx', ['/contexts/:context?', '/users/:context?', '/context', '/user'], sdks),
  ...ofPages('eval', ['/:key/:context?'], clients),
  ...ofPages('meval', ['/:context?'], sdks),
  'GET /launchdarkly/ping/:key': row(clients),
  'GET /launchdarkly/mping': row(sdks),
  'POST /launchdarkly/events/bulk/:key': row(clients, []),
  'POST /launchdarkly/events/diagnostic/:key': row(clients, {}),
  'POST /launchdarkly/mobile': row(sdks, []),
  'POST /launchdarkly/mobile/events': row(sdks, []),
  'POST /launchdarkly/mobile/events/bulk': row(sdks, []),
  'POST /launchdarkly/mobile/events/diagnostic': row(everybody, {}),
  'GET /launchdarkly/a/:image': row(clients, undefined, '?d=W10'),
  'GET /launchdarkly/sdk/goals/:key': row(clients),
  'OPTIONS /launchdarkly/*': row(everybody),
  'GET /launchdarkly/api/v2/flags/:project/:key{.+}': row(readers),
  'PATCH /launchdarkly/api/v2/flags/:project/:key{.+}': row(people, []),
}

/** Answered beneath the framework, so that its list does not have them. */
const direct: Readonly<Record<string, Row>> = {
  'POST /ofrep/v1/evaluate/flags': row(sdks, { context: {} }),
  'POST /ofrep/v1/evaluate/flags/:key': row(sdks, { context: {} }),
}

/** With a context in the path, and as the body of REPORT. */
function ofPages(prefix: string, ends: readonly string[], kinds: readonly KeyKind[]): Readonly<Record<string, Row>> {
  const paths = ends.map(end => `/launchdarkly/${prefix}${end}`)
  const get = paths.map(path => [`GET ${path}`, row(kinds)] as const)
  return Object.fromEntries([...get, ...paths.map(path => [`REPORT ${path}`, row(kinds, {})] as const)])
}

let house: TestHouse
let server: DankaiServer
const keys = new Map<KeyKind, string>()

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  for (const kind of keyKinds) {
    const { body } = await ask(server.url, 'POST', '/v1/keys', { body: { kind, principal: kind, name: kind } })
    keys.set(kind, body.secret)
  }
})
after(() => house.close())

/** Names stand for things that are not there, so that nothing is done to anything. */
function addressOf(path: string, key: string): string {
  const [, version = ''] = /^\/(v1|launchdarkly\/api)/.exec(path) ?? []
  return path
    .replace(/:key\b(\{\.\+\})?/, version === '' && path.startsWith('/launchdarkly') ? key : 'none')
    .replace(':image', `${key}.gif`)
    .replace(':context?', user)
    .replace(':id', randomUUID())
    .replace(':project', 'default')
    .replace(/:\w+/, 'none')
    .replace('*', 'any')
}

const without = (some: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] =>
  [...some].filter(one => !others.has(one))

/** What a key of the wrong kind is told, whatever the protocol. */
const isRefused = (status: number, text: string): boolean =>
  status === 403 && /key of kind|found one of kind|kind \\?"/.test(text)

async function refuses(route: string, { kinds, body, query = '' }: Row, key: string): Promise<boolean> {
  const [method = '', path = ''] = route.split(' ')
  const ending = new AbortController()
  const response = await fetch(`${server.url}${addressOf(path, key)}${query}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: ending.signal,
  })
  if (kinds.length === 0) return response.status === 401
  assert.notEqual(response.status, 401, `${route} knows the key`)
  assert.ok(response.status < 500, `${route} answers ${response.status}`)
  // A stream begins with its headers, and does not end.
  const isStream = response.headers.get('content-type')?.includes('event-stream') === true
  const text = isStream ? '' : await response.text()
  ending.abort()
  return isRefused(response.status, text)
}

describe('every route', () => {
  it('is in the table of who may ask for it, and the table has no other', async () => {
    const served = new Set(server.routes.map(({ method, path }) => `${method} ${path}`))
    const known = new Set(Object.keys(table))
    assert.deepEqual({ missing: without(served, known), gone: without(known, served) }, { missing: [], gone: [] })
    const { body } = await ask(server.url, 'GET', '/openapi.json')
    const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    )
    assert.ok(described.length > 0)
    assert.deepEqual(without(new Set(described), known), [])
  })

  for (const [route, one] of [...Object.entries(table), ...Object.entries(direct)])
    it(`${route} answers keys of kind ${one.kinds.join(', ') || '(none)'} and refuses all others`, async () => {
      const answered: KeyKind[] = []
      for (const kind of keyKinds) if (!(await refuses(route, one, keys.get(kind) ?? ''))) answered.push(kind)
      assert.deepEqual(answered.toSorted(), one.kinds.toSorted())
    })
})
