import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type BookingFlags, flagsOfVersion } from '../core/booking-flags.ts'
import { featuresOf } from '../core/features.ts'
import type { ApiVersion } from '../core/version.ts'
import { createCatalogue } from '../store/catalogue.ts'
import { startTripsApi, type TripsApiOptions } from './trips-api.ts'

const NOW = Date.parse('2026-01-20T01:00:00Z')
const catalogue = createCatalogue()
const plan = catalogue.plans[0]!
const started: { close(): Promise<void> }[] = []
after(() => Promise.all(started.map(api => api.close())))

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is looked at field by field.
  readonly body: any
}

async function startApi(version: ApiVersion, options: Partial<TripsApiOptions> = {}) {
  const crashes: number[] = []
  const api = await startTripsApi({
    version,
    port: 0,
    hostname: '127.0.0.1',
    track: 'canary',
    control: { hostname: '127.0.0.1', port: 0 },
    now: () => NOW,
    crash: () => void crashes.push(1),
    ...options,
  })
  started.push(api)
  const url = `http://127.0.0.1:${api.port}`
  const door = `http://127.0.0.1:${api.controlPort}`
  return {
    crashes,
    get: (path: string, headers: Record<string, string> = {}) =>
      ask(`${url}${path}`, { headers: { 'x-user-id': 'u-1', ...headers } }),
    send: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      ask(`${url}${path}`, {
        method,
        headers: { 'x-user-id': 'u-1', 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    faults: (body: unknown, method = 'PUT') =>
      ask(`${door}/faults`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    onUserPort: (path: string, method: string) =>
      ask(`${url}${path}`, { method, headers: { 'content-type': 'application/json' }, body: '{}' }),
    door,
  }
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

const old = await startApi('v1.5.0')
const recent = await startApi('v1.6.0')
const booking = { planId: plan.id, date: '2026-03-02', travellers: 2 }

test('v1.5.0 books in the old flow, v1.6.0 in the new one with payment and confirmation (V-001 V-012 V-013 F-062)', async () => {
  const legacy = await old.send('POST', '/api/v1/bookings/create', booking)
  assert.equal(legacy.status, 201)
  assert.deepEqual(
    [legacy.body.booking.flow, legacy.body.booking.paymentId, legacy.body.confirmation],
    ['legacy', null, undefined],
  )
  const found = await recent.send('POST', '/api/v1/bookings/create', booking)
  assert.equal(found.status, 201)
  assert.equal(found.body.booking.flow, 'new')
  assert.match(found.body.booking.paymentId, /^pay_[0-9a-f]{16}$/)
  assert.equal(found.body.confirmation.totalYen, found.body.booking.totalYen)
  assert.equal(found.body.confirmation.cancelFreeUntil, '2026-02-27')
  assert.equal(found.headers.get('x-served-version'), 'v1.6.0')
})

test('a booking that cannot be made says why, as a problem and never as a stack trace (V-001)', async () => {
  const create = (body: unknown, headers: Record<string, string> = {}) =>
    recent.send('POST', '/api/v1/bookings/create', body, headers)
  const rows: readonly [what: string, answer: Promise<Answer>, status: number, code: string][] = [
    ['no JSON', create('{'), 400, 'invalid-json'],
    ['no body', create(''), 400, 'invalid-json'],
    ['a wrong field', create({ ...booking, travellers: 0 }), 400, 'invalid-input'],
    ['a field too many', create({ ...booking, admin: true }), 400, 'invalid-input'],
    ['no real day', create({ ...booking, date: '2026-02-30' }), 400, 'invalid-input'],
    ['an unknown plan', create({ ...booking, planId: crypto.randomUUID() }), 404, 'not-found'],
    ['a past day', create({ ...booking, date: '2026-01-19' }), 422, 'date-out-of-range'],
    ['a huge body', create(`{"planId":"${'x'.repeat(20_000)}"}`), 413, 'body-too-large'],
    ['no user', recent.onUserPort('/api/v1/bookings/create', 'POST'), 401, 'user-unknown'],
    ['an empty user', create(booking, { 'x-user-id': '' }), 400, 'invalid-input'],
    ['no such route', recent.send('POST', '/api/v1/bookings/nothing', booking), 404, 'not-found'],
  ]
  for (const [what, pending, status, code] of rows) {
    const found = await pending
    assert.deepEqual([found.status, found.body.code], [status, code], what)
    assert.equal(found.headers.get('content-type'), 'application/problem+json', what)
    assert.equal(found.body.status, status, what)
    assert.doesNotMatch(JSON.stringify(found.body), /\bat .*\.ts|node_modules/, what)
  }
  const wrong = await create({ date: 1 })
  assert.deepEqual(
    wrong.body.errors.map((error: { path: string }) => error.path),
    ['planId', 'date', 'travellers'],
  )
})

test('the last seats are sold once (V-001)', async () => {
  const day = { ...booking, date: '2026-05-01', travellers: 10 }
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => recent.send('POST', '/api/v1/bookings/create', day)),
  )
  const sold = answers.filter(answer => answer.status === 201).length
  assert.equal(sold, Math.floor(plan.seats_per_day / 10))
  assert.ok(answers.every(answer => answer.status === 201 || answer.body.code === 'sold-out'))
})

test('bookable plans are searched for a day, with the seats left on it (V-001)', async () => {
  const asked = `/api/v1/bookings/search?q=${encodeURIComponent(plan.title)}&date=2026-06-01`
  const before = await recent.get(asked)
  assert.deepEqual([before.status, before.body.algorithm, before.body.total], [200, 'control', 1])
  assert.equal(before.body.results[0].freeSeats, plan.seats_per_day)
  await recent.send('POST', '/api/v1/bookings/create', { ...booking, date: '2026-06-01' })
  assert.equal((await recent.get(asked)).body.results[0].freeSeats, plan.seats_per_day - 2)
  assert.equal((await recent.get('/api/v1/bookings/search?q=x')).status, 400)
})

test('the version check answers with the fields of the document (V-002 B-049 B-056)', async () => {
  for (const api of [old, recent]) {
    const found = await api.get('/api/v1/app/version-check', { 'X-App-Version': '1.4.0', 'X-Platform': 'ios' })
    assert.deepEqual(found.body, {
      forceUpdate: true,
      recommendedUpdate: true,
      message: '重要なセキュリティアップデートがあります。最新版に更新してください。',
      storeUrl: 'https://apps.apple.com/app/triptrip/id123456789',
      minimumVersion: '1.5.0',
      recommendedVersion: '1.6.0',
    })
  }
})

test('the search gained an optional parameter: without it both versions answer in one shape, with it only v1.6.0 suggests (V-003 V-012)', async () => {
  const plain = '/api/v1/search?q=%E6%B8%A9%E6%B3%89&limit=5'
  const [before, now] = [await old.get(plain), await recent.get(plain)]
  assert.deepEqual(Object.keys(before.body), Object.keys(now.body))
  assert.deepEqual(before.body.results.map(idOf), now.body.results.map(idOf))
  assert.equal(before.body.total, now.body.total)
  assert.ok(before.body.total > 5)
  assert.equal((await old.get(`${plain}&suggestions=true`)).body.suggestions, undefined)
  const suggested = await recent.get(`${plain}&suggestions=true`)
  assert.deepEqual(suggested.body.results, now.body.results)
  assert.equal(suggested.body.suggestions.length, 5)
  assert.equal((await recent.get(`${plain}&suggestions=perhaps`)).status, 400)
  assert.equal((await recent.get('/api/v1/search?limit=51')).status, 400)
})

test('suggestions follow the favourites of the user (V-012)', async () => {
  const liked = catalogue.plans.filter(any => any.category_id === catalogue.categories[2]?.id).slice(0, 2)
  const headers = { 'x-user-id': 'gourmet' }
  for (const any of liked)
    assert.equal((await recent.send('PUT', `/api/v1/favourites/${any.id}`, undefined, headers)).status, 204)
  const found = await recent.get('/api/v1/suggestions?limit=3', headers)
  assert.ok(
    found.body.suggestions.every(
      (one: { trip: { category: { name: string } } }) => one.trip.category.name === 'グルメ',
    ),
  )
  assert.deepEqual(await recent.get('/api/v1/suggestions?limit=3', headers).then(again => again.body), found.body)
  assert.equal((await old.get('/api/v1/suggestions', headers)).status, 404)
})

test('the listing shows and filters categories in v1.6.0; v1.5.0 knows none (V-008)', async () => {
  const { categories } = (await recent.get('/api/v1/trips/categories')).body
  assert.deepEqual(categories, catalogue.categories)
  const wanted = categories[0]!.id
  const listed = (await recent.get(`/api/v1/trips?categoryId=${wanted}&limit=50`)).body
  assert.equal(listed.total, catalogue.plans.filter(any => any.category_id === wanted).length)
  assert.ok(listed.trips.every((trip: { category: { id: string } }) => trip.category.id === wanted))
  const all = await allTrips(recent)
  assert.equal(all.length, catalogue.plans.length)
  assert.ok(all.some(trip => trip.category === null))
  assert.equal((await old.get('/api/v1/trips/categories')).status, 404)
  assert.ok((await allTrips(old)).every(trip => !('category' in trip)))
})

test('v1.6.0 shows every plan on the map, v1.5.0 not those without coordinates (V-014)', async () => {
  const missing = catalogue.plans.filter(any => any.latitude === null).length
  assert.ok(missing > 0)
  assert.equal((await allTrips(old)).filter(trip => trip.map === null).length, missing)
  assert.equal((await allTrips(recent)).filter(trip => trip.map === null).length, 0)
})

test('prices move with bookings in v1.6.0 and stand still in v1.5.0 (V-012)', async () => {
  const priceOf = async (api: typeof old) => (await api.get(`/api/v1/trips/${plan.id}/price?date=2026-07-01`)).body
  const [oldBefore, newBefore] = [await priceOf(old), await priceOf(recent)]
  for (const api of [old, recent])
    await api.send('POST', '/api/v1/bookings/create', { ...booking, date: '2026-07-01', travellers: 10 })
  assert.deepEqual([oldBefore.isRealTime, newBefore.isRealTime], [false, true])
  assert.equal((await priceOf(old)).totalYen, oldBefore.totalYen)
  assert.ok((await priceOf(recent)).totalYen > newBefore.totalYen)
  assert.equal((await recent.get(`/api/v1/trips/${crypto.randomUUID()}/price?date=2026-07-01`)).status, 404)
})

test('favourites are shared by a link that shows what was marked then, without saying by whom (V-012)', async () => {
  const headers = { 'x-user-id': 'sharer' }
  assert.equal((await recent.send('POST', '/api/v1/favourites/share', {}, headers)).body.code, 'nothing-to-share')
  await recent.send('PUT', `/api/v1/favourites/${plan.id}`, undefined, headers)
  const shared = await recent.send('POST', '/api/v1/favourites/share', {}, headers)
  assert.deepEqual([shared.status, shared.body.count, shared.body.expiresAt], [201, 1, '2026-02-19'])
  await recent.send('DELETE', `/api/v1/favourites/${plan.id}`, undefined, headers)
  assert.deepEqual((await recent.get('/api/v1/favourites', headers)).body.favourites, [])
  const seen = await recent.get(`/api/v1/favourites/shared/${shared.body.token}`, { 'x-user-id': 'friend' })
  assert.deepEqual(seen.body.favourites.map(idOf), [plan.id])
  assert.doesNotMatch(JSON.stringify(seen.body), /sharer/)
  assert.equal((await recent.get('/api/v1/favourites/shared/nothing')).status, 404)
  assert.equal((await old.send('POST', '/api/v1/favourites/share', {}, headers)).status, 404)
})

test('notification settings are one switch in v1.5.0 and fine in v1.6.0 (V-013)', async () => {
  assert.deepEqual((await old.get('/api/v1/me/notification-settings')).body, { enabled: true })
  assert.equal((await old.send('PUT', '/api/v1/me/notification-settings', { enabled: false })).status, 204)
  assert.deepEqual((await old.get('/api/v1/me/notification-settings')).body, { enabled: false })
  const chosen = { ...(await recent.get('/api/v1/me/notification-settings')).body, quietHours: { from: 22, to: 7 } }
  assert.equal((await recent.send('PUT', '/api/v1/me/notification-settings', chosen)).status, 204)
  assert.deepEqual((await recent.get('/api/v1/me/notification-settings')).body, chosen)
  assert.equal(
    (await recent.send('PUT', '/api/v1/me/notification-settings', { ...chosen, quietHours: { from: 24, to: 7 } }))
      .status,
    400,
  )
})

test('verifying an email is visible in both versions while the column moves (V-009)', async () => {
  for (const api of [old, recent]) {
    assert.equal((await api.get('/api/v1/me')).body.emailVerified, false)
    assert.equal((await api.send('POST', '/api/v1/me/verify-email')).body.emailVerified, true)
    assert.equal((await api.get('/api/v1/me')).body.emailVerified, true)
  }
})

test('the health check names version and track, and fails when the process is made unhealthy (V-011 X-009)', async () => {
  const healthy = await recent.get('/health')
  assert.deepEqual(
    [healthy.status, healthy.body.status, healthy.body.version, healthy.body.track],
    [200, 'healthy', 'v1.6.0', 'canary'],
  )
  await recent.faults({ unhealthy: true })
  const sick = await recent.get('/health')
  assert.deepEqual([sick.status, sick.body.status, sick.body.checks.process], [503, 'unhealthy', 'failing'])
  await recent.faults({}, 'PUT')
  assert.equal((await recent.get('/health')).status, 200)
})

test('faults are switched at their own door only, fully replaced each time, and checked', async () => {
  const api = await startApi('v1.6.0')
  const none = { errors: 0, latencyMs: 0, crash: false, unhealthy: false }
  assert.deepEqual((await api.faults({ errors: 1, unhealthy: true })).body, { ...none, errors: 1, unhealthy: true })
  assert.equal((await api.get('/api/v1/trips')).status, 500)
  assert.deepEqual((await api.faults({ latencyMs: 1 })).body, { ...none, latencyMs: 1 })
  assert.equal((await api.get('/api/v1/trips')).status, 200)
  for (const wrong of [{ errors: 2 }, { latencyMs: -1 }, { latencyMs: 1e9 }, { crash: 'yes' }, { other: 1 }, []]) {
    assert.equal((await api.faults(wrong)).status, 400, JSON.stringify(wrong))
  }
  assert.equal(
    (
      await ask(`${api.door}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'text/plain' },
        body: '{"errors":1}',
      })
    ).status,
    415,
  )
  assert.equal((await api.onUserPort('/faults', 'PUT')).status, 404)
  assert.deepEqual((await ask(`${api.door}/faults`, {})).body, { ...none, latencyMs: 1 })
  assert.deepEqual((await ask(`${api.door}/faults`, { method: 'DELETE' })).body, none)
})

test('half of the errors asked for are seen, and latency is waited for', async () => {
  const api = await startApi('v1.5.0', { faults: { errors: 0.5, latencyMs: 0, crash: false, unhealthy: false } })
  const statuses = await Promise.all(
    Array.from({ length: 200 }, () => api.get('/api/v1/trips?limit=1').then(answer => answer.status)),
  )
  const failed = statuses.filter(status => status === 500).length
  assert.ok(failed > 70 && failed < 130, `${failed} of 200`)
  await api.faults({ latencyMs: 80 })
  const startedAt = performance.now()
  await api.get('/api/v1/trips?limit=1')
  assert.ok(performance.now() - startedAt >= 79)
})

test('the crash fault ends the process at the next request of a user, not at a health check', async () => {
  const api = await startApi('v1.6.0')
  await api.faults({ crash: true })
  await api.get('/health')
  assert.deepEqual(api.crashes, [])
  await api.get('/api/v1/trips')
  assert.deepEqual(api.crashes, [1])
})

test('with a flag service the routes choose flow and algorithm by the user, record the search, and stop payments (F-062..F-068)', async () => {
  const tracked: [string, object][] = []
  const asked: unknown[] = []
  let isPaymentEnabled = true
  const flags: BookingFlags = {
    ...flagsOfVersion(featuresOf('v1.6.0')),
    usesNewBookingFlow: async user => {
      asked.push(user)
      return user.custom?.plan === 'premium'
    },
    isPaymentEnabled: async () => isPaymentEnabled,
    searchVariant: async user => ({ variant: user.key === 'u-1' ? 'ml_ranking' : 'novel', inExperiment: true }),
  }
  const api = await startApi('v1.6.0', {
    flags,
    analytics: { track: (event, properties) => void tracked.push([event, properties]) },
  })
  const headers = { 'x-user-email': 'a@triptrip.com', 'x-user-plan': 'premium', 'x-user-country': 'JP' }
  assert.equal((await api.send('POST', '/api/v1/bookings/create', booking, headers)).body.booking.flow, 'new')
  assert.equal((await api.send('POST', '/api/v1/bookings/create', booking)).body.booking.flow, 'legacy')
  assert.deepEqual(asked, [
    { key: 'u-1', email: 'a@triptrip.com', custom: { plan: 'premium', country: 'JP' } },
    { key: 'u-1', custom: {} },
  ])
  isPaymentEnabled = false
  const stopped = await api.send('POST', '/api/v1/bookings/create', booking, headers)
  assert.deepEqual([stopped.status, stopped.body.detail], [503, 'Payment processing is temporarily disabled'])
  const search = '/api/v1/bookings/search?date=2026-03-01&limit=3'
  assert.equal((await api.get(search)).body.algorithm, 'ml_ranking')
  assert.equal((await api.get(search, { 'x-user-id': 'u-2' })).body.algorithm, 'control')
  assert.deepEqual(tracked[0] ?? null, [
    'search_performed',
    { userId: 'u-1', searchAlgorithmVariant: 'ml_ranking', inExperiment: true },
  ])
  assert.equal(tracked.length, 2)
})

test('a bug in a store is a 500 without a word about it, and an unhealthy process', async () => {
  const { createMemoryStore } = await import('../store/memory-store.ts')
  const store = createMemoryStore(catalogue)
  let isBroken = false
  const plans = () => (isBroken ? Promise.reject(new Error('secret table')) : store.plans())
  const api = await startApi('v1.6.0', { store: { ...store, plans } })
  isBroken = true
  const found = await api.get('/api/v1/trips')
  assert.deepEqual([found.status, found.body.code], [500, 'internal'])
  assert.doesNotMatch(JSON.stringify(found.body), /secret/)
  assert.equal((await api.get('/health')).body.checks.store, 'failing')
})

function idOf(trip: { readonly id: string }): string {
  return trip.id
}

async function allTrips(api: typeof old): Promise<readonly Record<string, unknown>[]> {
  const pages = await Promise.all(
    [0, 50, 100, 150, 200].map(offset => api.get(`/api/v1/trips?limit=50&offset=${offset}`)),
  )
  return pages.flatMap(page => page.body.trips)
}
