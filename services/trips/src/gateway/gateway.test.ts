import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, get, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createDankaiClient } from '@dankai/sdk'
import { listenWith } from '../http/listen.ts'
import { shareOf, startLocalControlPlane } from '../testing/local-control-plane.ts'
import { type GatewayTimings, startGateway } from './gateway.ts'
import { createGatewayDoor } from './gateway-door.ts'
import { routeUser, type Track } from './route-user.ts'
import { createTrafficExposition, reportToAll } from './traffic-exposition.ts'
import { createTrafficReport } from './traffic-report.ts'

const FLAG = 'new-booking-flow'
const started: (() => unknown)[] = []
after(() => Promise.all(started.map(close => close())))

const upstreamNamed =
  (version: string): RequestListener =>
  (incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming
      .on('data', chunk => chunks.push(chunk))
      .on('end', () => {
        outgoing.writeHead(200, { 'x-served-version': version, 'content-type': 'application/json' })
        outgoing.end(
          JSON.stringify({
            version,
            method: incoming.method,
            url: incoming.url,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
  }

async function startUpstream(answer: RequestListener): Promise<Server> {
  const server = createServer((incoming, outgoing) =>
    incoming.url === '/health' ? health(outgoing) : answer(incoming, outgoing),
  )
  const health: (outgoing: Parameters<RequestListener>[1]) => void = outgoing =>
    void outgoing.writeHead(200, { 'x-served-version': 'v1.6.0' }).end()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  started.push(() => endServer(server))
  return server
}

function endServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

function urlOf(server: Server): URL {
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

interface Count {
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  readonly n: number
}

/** Keeps what was reported and lets a test wait for it. */
function createSink() {
  const counts: Count[] = []
  const events = new EventEmitter()
  const matches = (count: Count, series: string, labels: Record<string, string>) =>
    count.series === series && Object.entries(labels).every(([name, value]) => count.labels[name] === value)
  const sum = (series: string, labels: Record<string, string> = {}) =>
    counts.filter(count => matches(count, series, labels)).reduce((total, count) => total + count.n, 0)
  return {
    count: (series: string, labels: Readonly<Record<string, string>>, n: number) => {
      counts.push({ series, labels, n })
      events.emit('count')
    },
    duration: () => {},
    counts,
    sum,
    until: async (holds: () => boolean) => {
      while (!holds()) await once(events, 'count')
    },
  }
}

async function startWith(
  upstreams: Readonly<Record<Track, URL>>,
  { isCanaryUser = (id: string) => id.startsWith('c'), timings = {} as Partial<GatewayTimings> } = {},
) {
  const sink = createSink()
  const gateway = await startGateway({
    port: 0,
    hostname: '127.0.0.1',
    upstreams,
    isCanaryUser,
    report: createTrafficReport(sink, 'trips'),
    timings,
  })
  started.push(() => gateway.close())
  const url = `http://127.0.0.1:${gateway.port}`
  return {
    url,
    sink,
    gateway,
    ask: (userId: string, init: RequestInit = {}) =>
      fetch(`${url}/any?x=1`, {
        ...init,
        headers: { 'x-user-id': userId, ...(init.headers as Record<string, string>) },
      }),
  }
}

test('each user has one track: by the flag, by x-canary whatever the flag says, and by a cookie where no header names them (X-012)', () => {
  const isCanary = (id: string) => id === 'anna'
  const rows: readonly [headers: Record<string, string>, userId: string | null, track: Track][] = [
    [{ 'x-user-id': 'anna' }, 'anna', 'canary'],
    [{ 'x-user-id': 'bert' }, 'bert', 'stable'],
    [{ 'x-user-id': 'bert', 'x-canary': 'true' }, 'bert', 'canary'],
    [{ 'x-user-id': 'bert', 'x-canary': 'TRUE' }, 'bert', 'stable'],
    [{ cookie: 'a=b; triptrip_user=anna; c=d' }, 'anna', 'canary'],
    [{ 'x-user-id': 'bert', cookie: 'triptrip_user=anna' }, 'bert', 'stable'],
    [{ cookie: 'other_triptrip_user=anna' }, null, 'stable'],
    [{ 'x-user-id': 'an na' }, null, 'stable'],
    [{ 'x-user-id': 'x'.repeat(129) }, null, 'stable'],
    [{}, null, 'stable'],
  ]
  for (const [headers, userId, track] of rows) {
    const found = routeUser(headers, isCanary)
    assert.deepEqual([found.isNewUser, found.track], [userId === null, track], JSON.stringify(headers))
    if (userId !== null) assert.equal(found.userId, userId)
    else assert.match(found.userId, /^[0-9a-f-]{36}$/)
  }
})

test('a request goes through whole, and the answer says which track and version served it', async () => {
  const [stable, canary] = [await startUpstream(upstreamNamed('v1.5.0')), await startUpstream(upstreamNamed('v1.6.0'))]
  const { ask, sink } = await startWith({ stable: urlOf(stable), canary: urlOf(canary) })
  for (const [user, track, version] of [
    ['c-1', 'canary', 'v1.6.0'],
    ['s-1', 'stable', 'v1.5.0'],
  ] as const) {
    const answer = await ask(user, { method: 'POST', body: 'to pay: 1 ¥', headers: { 'x-app-version': '1.6.0' } })
    assert.deepEqual(
      [answer.headers.get('x-served-track'), answer.headers.get('x-served-version'), answer.headers.get('set-cookie')],
      [track, version, null],
    )
    const seen = (await answer.json()) as { method: string; url: string; body: string; headers: Record<string, string> }
    assert.deepEqual([seen.method, seen.url, seen.body], ['POST', '/any?x=1', 'to pay: 1 ¥'])
    assert.deepEqual(
      [seen.headers['x-user-id'], seen.headers['x-app-version'], seen.headers['x-forwarded-for']],
      [user, '1.6.0', '127.0.0.1'],
    )
    await sink.until(() => sink.sum('http_requests', { service: 'trips', track, version, status: '200' }) === 1)
  }
})

test('a user without a name gets one and keeps it', async () => {
  const upstream = await startUpstream(upstreamNamed('v1.5.0'))
  const { url } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const first = await fetch(url)
  const cookie = first.headers.get('set-cookie')!
  assert.match(cookie, /^triptrip_user=[0-9a-f-]{36}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/)
  const second = await fetch(url, { headers: { cookie: cookie.split(';')[0]! } })
  assert.equal(second.headers.get('set-cookie'), null)
  const seen = (await second.json()) as { headers: Record<string, string> }
  assert.equal(`triptrip_user=${seen.headers['x-user-id']}`, cookie.split(';')[0])
  await first.arrayBuffer()
})

test('headers of one connection stay there', async () => {
  const upstream = await startUpstream(upstreamNamed('v1.5.0'))
  const { gateway } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const headers = {
    connection: 'close, x-secret-hop',
    'x-secret-hop': '1',
    te: 'trailers',
    'keep-alive': 'timeout=1',
    'x-kept': '1',
  }
  const answer = await new Promise<IncomingMessage>(resolve => get({ port: gateway.port, headers }, resolve))
  const seen = JSON.parse((await answer.toArray()).join('')) as { headers: Record<string, string> }
  assert.deepEqual(
    [seen.headers['x-secret-hop'], seen.headers.te, seen.headers['keep-alive'], seen.headers['x-kept']],
    [undefined, undefined, undefined, '1'],
  )
})

test('a body in chunks stays the body of its own request, whatever the method', async () => {
  const upstream = await startUpstream(upstreamNamed('v1.5.0'))
  const { gateway, sink } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const smuggled = 'GET /secret HTTP/1.1\r\nhost: x\r\n\r\n'
  for (const method of ['DELETE', 'GET', 'POST']) {
    const asked = request({ port: gateway.port, method, path: '/outer', headers: { 'transfer-encoding': 'chunked' } })
    asked.end(smuggled)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const seen = JSON.parse((await answer.toArray()).join(''))
    assert.deepEqual([seen.url, seen.body], ['/outer', smuggled], method)
  }
  await sink.until(() => sink.sum('http_requests', { status: '200' }) === 3)
})

test('what breaks is counted on its own track as the user saw it, and the other track serves on', async t => {
  // Until an upstream answers, its time is up when the test says so, and for nobody who is only slow.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const upstreamTimeoutMs = 500
  const stable = await startUpstream(upstreamNamed('v1.5.0'))
  const behaviours: Record<string, RequestListener> = {
    fails: (_, outgoing) => void outgoing.writeHead(503).end(),
    hangs: () => t.mock.timers.tick(upstreamTimeoutMs),
    'stops halfway': (_, outgoing) => void outgoing.writeHead(200, { 'content-length': '100' }).write('half'),
    resets: incoming => void incoming.socket.destroy(),
    'breaks off': (_, outgoing) =>
      void outgoing.writeHead(200, { 'content-length': '100' }).write('half', () => outgoing.destroy()),
  }
  const rows: readonly [behaviour: string, seen: number | 'broken', counted: string][] = [
    ['fails', 503, '503'],
    ['hangs', 504, '504'],
    ['stops halfway', 'broken', '504'],
    ['resets', 502, '502'],
    ['breaks off', 'broken', '502'],
  ]
  const canary = await startUpstream((incoming, outgoing) =>
    behaviours[String(incoming.headers['x-behaviour'])]!(incoming, outgoing),
  )
  const { ask, sink } = await startWith(
    { stable: urlOf(stable), canary: urlOf(canary) },
    { timings: { upstreamTimeoutMs } },
  )
  for (const [behaviour, seen, counted] of rows) {
    const before = sink.sum('http_requests', { track: 'canary', status: counted })
    const answer = await ask('c-1', { headers: { 'x-behaviour': behaviour } })
    const read = answer.arrayBuffer().then(
      () => answer.status as number | 'broken',
      () => 'broken' as const,
    )
    assert.equal(await read, seen, behaviour)
    assert.equal(answer.headers.get('x-served-track'), 'canary')
    await sink.until(() => sink.sum('http_requests', { track: 'canary', status: counted }) === before + 1)
  }
  assert.equal((await ask('s-1')).status, 200)
  assert.equal(sink.sum('http_requests'), rows.length + 1)
})

test('a canary that is down is 502 on the canary track, probed as failing, and served again when it is back', async () => {
  const stable = await startUpstream(upstreamNamed('v1.5.0'))
  const canary = await startUpstream(upstreamNamed('v1.6.0'))
  const upstreams = { stable: urlOf(stable), canary: urlOf(canary) }
  const { ask, sink, gateway } = await startWith(upstreams, { timings: { probeEveryMs: 5, probeTimeoutMs: 60_000 } })
  await sink.until(() => gateway.health().canary.isHealthy && gateway.health().stable.isHealthy)
  assert.equal(sink.sum('health_check_failures'), 0)
  assert.ok(
    sink.counts.some(count => count.series === 'health_check_failures' && count.labels.track === 'canary'),
    'zeros are reported',
  )
  await endServer(canary)
  await sink.until(() => sink.sum('health_check_failures', { service: 'trips', track: 'canary' }) >= 4)
  const answer = await ask('c-1')
  assert.deepEqual(
    [answer.status, answer.headers.get('content-type'), answer.headers.get('x-served-track')],
    [502, 'application/problem+json', 'canary'],
  )
  assert.equal(((await answer.json()) as { code: string }).code, 'upstream-unreachable')
  await sink.until(() => sink.sum('http_requests', { track: 'canary', version: 'v1.6.0', status: '502' }) === 1)
  assert.equal(sink.sum('health_check_failures', { track: 'stable' }), 0)
  const back = createServer(upstreamNamed('v1.6.0'))
  await new Promise<void>(resolve => back.listen(Number(upstreams.canary.port), '127.0.0.1', resolve))
  started.push(() => endServer(back))
  await sink.until(() => gateway.health().canary.isHealthy)
  assert.equal((await ask('c-1')).status, 200)
})

test('an upstream that answers its health check too late fails it', async () => {
  const silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  started.push(() => endServer(silent))
  const stable = await startUpstream(upstreamNamed('v1.5.0'))
  const { sink } = await startWith(
    { stable: urlOf(stable), canary: urlOf(silent) },
    { timings: { probeEveryMs: 5, probeTimeoutMs: 20 } },
  )
  await sink.until(() => sink.sum('health_check_failures', { track: 'canary' }) >= 2)
})

test('a user who leaves early is counted as 499, takes the upstream request along, and blames nobody', async () => {
  const arrivals = new EventEmitter()
  const upstream = await startUpstream((incoming, outgoing) => void arrivals.emit('request', incoming, outgoing))
  const { gateway, sink } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const leave = async (method: string, stage: 'before' | 'during') => {
    const before = sink.sum('http_requests', { status: '499' })
    const asked = request({
      port: gateway.port,
      method,
      headers: { 'x-user-id': 's-1', ...(method === 'POST' ? { 'content-length': 1_000 } : {}) },
    })
    asked.on('error', () => {})
    if (method === 'POST') asked.write('half')
    else asked.end()
    const [incoming, outgoing] = await once(arrivals, 'request')
    const closed = new Promise(resolve => incoming.socket.on('close', resolve))
    if (stage === 'during') {
      outgoing.writeHead(200, { 'content-length': 1_000 }).write('half')
      const [answer] = await once(asked, 'response')
      await once(answer, 'data')
    }
    asked.destroy()
    await closed
    await sink.until(() => sink.sum('http_requests', { status: '499' }) === before + 1)
  }
  await leave('GET', 'before')
  await leave('GET', 'during')
  await leave('POST', 'before')
  assert.equal(sink.sum('http_requests'), 3)
})

test('the flag decides who is canary, follows every change within one acknowledgement, and falls back to stable without flags', async () => {
  const plane = await startLocalControlPlane()
  started.push(() => plane.close())
  const dankai = createDankaiClient({
    url: plane.url,
    key: 'key',
    name: 'gateway',
    service: 'trips',
    flushEveryMs: 100,
  })
  started.push(() => dankai.close())
  const [stable, canary] = [await startUpstream(upstreamNamed('v1.5.0')), await startUpstream(upstreamNamed('v1.6.0'))]
  const report = createTrafficReport(dankai, 'trips')
  const isCanaryUser = (userId: string) => dankai.isEnabled(FLAG, { targetingKey: userId }, false)
  const gateway = await startGateway({
    port: 0,
    hostname: '127.0.0.1',
    upstreams: { stable: urlOf(stable), canary: urlOf(canary) },
    isCanaryUser,
    report,
  })
  started.push(() => gateway.close())
  const users = Array.from({ length: 60 }, (_, index) => `user-${index}`)
  const canaryUsers = async () => {
    const tracks = await Promise.all(
      users.map(user =>
        fetch(`http://127.0.0.1:${gateway.port}/`, { headers: { 'x-user-id': user } }).then(async answer => [
          user,
          answer.headers.get('x-served-track'),
          await answer.text(),
        ]),
      ),
    )
    return new Set(tracks.filter(([, track]) => track === 'canary').map(([user]) => user))
  }
  assert.equal((await canaryUsers()).size, 0)
  await dankai.ready()
  assert.equal((await canaryUsers()).size, 0)
  await plane.setFlag({ key: FLAG, exposure: shareOf(0.25) }, 1)
  const quarter = await canaryUsers()
  assert.ok(quarter.size > 3 && quarter.size < 30, `${quarter.size} of 60`)
  assert.deepEqual(await canaryUsers(), quarter)
  await plane.setFlag({ key: FLAG, exposure: shareOf(0.5) }, 1)
  const half = await canaryUsers()
  assert.ok(half.size > quarter.size && [...quarter].every(user => half.has(user)))
  await plane.setFlag({ key: FLAG, exposure: shareOf(1), killed: true }, 1)
  assert.equal((await canaryUsers()).size, 0)
  await dankai.flush()
  const served = quarter.size * 2 + half.size
  assert.equal(
    plane.sumOf('http_requests', { service: 'trips', track: 'canary', version: 'v1.6.0', status: '200' }),
    served,
  )
  assert.equal(plane.sumOf('http_requests'), users.length * 6)
  assert.equal(plane.sumOf('http_duration', { track: 'canary' }), served)
})

test('restarts are reported at a door of the gateway that users cannot reach (T-014)', async () => {
  const upstream = await startUpstream(upstreamNamed('v1.5.0'))
  const { url, sink } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const door = await listenWith(
    createGatewayDoor(createTrafficReport(sink, 'trips'), { status: () => ({ flags: 'fresh' }), metrics: () => '' }),
    { port: 0, hostname: '127.0.0.1' },
  )
  started.push(() => door.close())
  const tell = (base: string, body: object) =>
    fetch(`${base}/restarts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  assert.equal((await tell(`http://127.0.0.1:${door.port}`, { track: 'canary', times: 2 })).status, 204)
  assert.equal((await tell(`http://127.0.0.1:${door.port}`, { track: 'green' })).status, 400)
  assert.equal(sink.sum('container_restarts', { service: 'trips', track: 'canary' }), 2)
  assert.equal(((await (await tell(url, { track: 'canary' })).json()) as { url: string }).url, '/restarts')
  assert.equal(sink.sum('container_restarts'), 2)
  assert.deepEqual(await (await fetch(`http://127.0.0.1:${door.port}/status`)).json(), { flags: 'fresh' })
})

test('a scraper reads the traffic under the names and tags of the dashboards (V-005 V-006 V-007)', () => {
  let at = 0
  const exposition = createTrafficExposition(() => at)
  const report = reportToAll([exposition])
  const serve = (track: Track, status: number, durationMs: number) =>
    report.served({ track, version: 'v1.6.0', status, durationMs })
  for (let ms = 1; ms <= 200; ms += 1) serve('canary', ms > 190 ? 500 : 200, ms)
  serve('stable', 404, 7.5)
  report.probed('canary', false)
  report.restarted('canary', 2)
  const canary = 'track="canary",service="triptrip-api",deployment="triptrip-api-canary"'
  const stable = 'track="stable",service="triptrip-api",deployment="triptrip-api"'
  const lines = exposition.render().split('\n')
  for (const line of [
    `triptrip_http_request_count{${canary},status_class="2xx"} 190`,
    `triptrip_http_request_count{${canary},status_class="5xx"} 10`,
    `triptrip_http_request_count{${stable},status_class="4xx"} 1`,
    `triptrip_http_request_duration_99percentile{${canary}} 198.000`,
    `triptrip_http_request_duration_99percentile{${stable}} 7.500`,
    `triptrip_health_check_failures_total{${canary}} 1`,
    `triptrip_container_restarts_total{${canary}} 2`,
    `triptrip_container_restarts_total{${stable}} 0`,
  ]) {
    assert.ok(lines.includes(line), line)
  }
  at = 60_001
  assert.doesNotMatch(exposition.render(), /99percentile\{/)
  for (let n = 0; n < 10_000; n += 1) serve('stable', 200, 1)
  assert.match(exposition.render(), /99percentile\{track="stable",[^}]*\} 1\.000/)
})

test('closing answers what is under way and does not wait for connections that are kept open', async () => {
  const arrivals = new EventEmitter()
  const upstream = await startUpstream((incoming, outgoing) => void arrivals.emit('request', incoming, outgoing))
  const { gateway, ask } = await startWith({ stable: urlOf(upstream), canary: urlOf(upstream) })
  const arrival = once(arrivals, 'request')
  const answer = ask('s-1')
  const [, outgoing] = await arrival
  const closed = gateway.close()
  outgoing.writeHead(200).end('done')
  assert.equal(await (await answer).text(), 'done')
  const answeredAt = performance.now()
  await closed
  assert.ok(performance.now() - answeredAt < 5_000, 'a kept connection would hold it back for 5 s')
  await assert.rejects(ask('s-1'))
})
