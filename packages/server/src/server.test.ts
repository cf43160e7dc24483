import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { DankaiServer } from './create-server.ts'
import { type Answer, adminKey, ask, openTestHouse, type TestHouse, until } from './testing/test-server.ts'

let house: TestHouse
/** On loopback, where a local program needs no key. */
let local: DankaiServer
/** On every address, where everybody does. */
let open: DankaiServer

before(async () => {
  house = await openTestHouse()
  local = await house.open()
  open = await house.open({ host: '0.0.0.0' })
})
after(() => house.close())

const api = (method: string, path: string, options: Parameters<typeof ask>[3] = {}): Promise<Answer> =>
  ask(`http://127.0.0.1:${open.port}`, method, path, options)

/** fetch does not let a Host header be chosen. */
function withHost(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

async function makeKey(kind: string, change: Record<string, unknown> = {}): Promise<string> {
  const { body } = await api('POST', '/v1/keys', {
    body: { kind, principal: `robot-${kind}`, name: 'test', ...change },
  })
  return body.secret
}

describe('who may ask', () => {
  it('is everybody with a good key on an open address, and nobody without', async () => {
    assert.equal((await api('GET', '/v1/flags')).status, 200)
    for (const key of [null, 'dk_wrong', `${adminKey}x`]) {
      const { status, body, headers } = await api('GET', '/v1/flags', { key })
      assert.deepEqual([status, body.code, body.type], [401, 'unauthorized', 'urn:dankai:problem:unauthorized'])
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.match(headers.get('www-authenticate') ?? '', /Bearer/)
    }
  })

  it('is a local program without a key, by the names of this machine only', async () => {
    const { port } = local
    for (const [headers, status] of [
      [{}, 200],
      [{ host: `localhost:${port}` }, 200],
      [{ host: `localhost:${port}`, origin: `http://localhost:${port}` }, 200],
      [{ host: 'evil.example' }, 403],
      [{ host: `127.0.0.1.evil.example:${port}` }, 403],
      [{ host: `localhost:${port}`, origin: 'https://evil.example' }, 403],
      [{ host: `localhost:${port}`, origin: 'http://localhost:1' }, 403],
      [{ host: `localhost:${port}`, origin: 'null' }, 403],
      [{ host: 'evil.example', authorization: `Bearer ${adminKey}` }, 200],
      [{ authorization: 'Bearer wrong' }, 401],
    ] as const)
      assert.equal(await withHost(port, '/v1/flags', headers), status, JSON.stringify(headers))
  })

  it('is told what its kind of key may not do', async () => {
    const sdk = await makeKey('sdk-server')
    for (const [method, path] of [
      ['POST', '/v1/emergency'],
      ['POST', '/v1/keys'],
      ['PUT', '/v1/connections/x'],
      ['POST', '/v1/releases'],
      ['GET', '/v1/audit'],
      ['GET', '/'],
    ] as const) {
      const valid: Record<string, unknown> = {
        '/v1/emergency': { stop: true, why: 'x' },
        '/v1/keys': { kind: 'admin', principal: 'x', name: 'x' },
        '/v1/connections/x': { kind: 'sql', settings: {} },
        '/v1/releases': { plan: 'x', version: '1' },
      }
      const { status, body } = await api(method, path, { key: sdk, ...(method === 'GET' ? {} : { body: valid[path] }) })
      assert.deepEqual([path, status, body.code], [path, 403, 'forbidden'])
    }
  })

  it('stays in the project and environment of its key', async () => {
    const staging = await makeKey('ci', { environment: 'staging' })
    await api('PUT', '/v1/flags/only-production', { body: { flag: {} } })
    assert.equal((await api('GET', '/v1/flags/only-production', { key: staging })).status, 404)
    assert.equal((await api('GET', '/v1/flags/only-production?environment=production', { key: staging })).status, 403)
    assert.equal(
      (await api('GET', '/v1/flags', { key: staging, headers: { 'dankai-environment': 'production' } })).status,
      403,
    )
    assert.equal((await api('GET', '/v1/flags/only-production?environment=staging')).status, 404)
  })

  it('is nobody any more once the key is revoked or its principal disabled', async () => {
    const { body: key } = await api('POST', '/v1/keys', { body: { kind: 'ci', principal: 'leaver', name: 'laptop' } })
    assert.equal((await api('GET', '/v1/flags', { key: key.secret })).status, 200)
    assert.equal((await api('DELETE', `/v1/keys/${key.id}`)).status, 204)
    assert.equal((await api('GET', '/v1/flags', { key: key.secret })).status, 401)
    const other = await makeKey('ci', { principal: 'leaver' })
    assert.equal((await api('DELETE', '/v1/principals/leaver')).status, 204)
    assert.equal((await api('GET', '/v1/flags', { key: other })).status, 401)
  })

  it('sees no secret of a key again, and every group with its members', async () => {
    const secret = await makeKey('ci', { principal: 'yuki' })
    const { body } = await api('GET', '/v1/keys?limit=200')
    assert.ok(!JSON.stringify(body).includes(secret))
    const memberships = [{ role: 'release-managers' }, { role: 'on-call', environment: 'staging' }]
    await api('PUT', '/v1/principals/yuki', { body: { memberships } })
    const groups = (await api('GET', '/v1/groups')).body.items
    assert.deepEqual(groups.find(({ role }: { role: string }) => role === 'release-managers').members, ['yuki'])
  })
})

describe('a request that cannot be used', () => {
  for (const [what, method, path, options, status, code] of [
    ['an unknown route', 'GET', '/v1/nothing', {}, 404, 'not-found'],
    ['text that is no JSON', 'POST', '/v1/releases', { body: '{"plan"' }, 400, 'malformed'],
    [
      'a body without a type',
      'POST',
      '/v1/releases',
      { body: 'plan', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported-media-type',
    ],
    ['a field of another type', 'POST', '/v1/releases', { body: { plan: 7, version: '1' } }, 422, 'invalid'],
    [
      'a field nobody knows',
      'POST',
      '/v1/releases',
      { body: { plan: 'x', version: '1', color: 'red' } },
      422,
      'invalid',
    ],
    ['a list without a bound', 'GET', '/v1/flags?limit=100000', {}, 422, 'invalid'],
    ['a release with a strange id', 'GET', "/v1/releases/'; drop table release", {}, 404, 'not-found'],
    [
      'more than a megabyte',
      'POST',
      '/v1/releases',
      { body: JSON.stringify({ plan: 'x'.repeat(1_100_000) }) },
      413,
      'too-large',
    ],
  ] as const)
    it(`is answered with problem+json for ${what}`, async () => {
      const answer = await api(method, path, options)
      assert.deepEqual([answer.status, answer.body.code], [status, code])
      assert.match(answer.headers.get('content-type') ?? '', /problem\+json/)
      assert.equal(answer.body.instance, answer.headers.get('x-request-id'))
      assert.doesNotMatch(JSON.stringify(answer.body), /node_modules|\.ts:|at Object/)
    })

  it('for a body in chunks that is too long as for one whose length is told', async () => {
    const statusFor = async (bytes: number): Promise<number> => {
      const chunks = Array.from({ length: bytes / 1_000 }, () => Buffer.alloc(1_000, ' '))
      const response = await fetch(`${local.url}/v1/releases`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        body: ReadableStream.from([...chunks, Buffer.from('{"color":"red"}')]),
        duplex: 'half',
      })
      await response.text()
      return response.status
    }
    assert.deepEqual([await statusFor(100_000), await statusFor(1_100_000)], [422, 413])
  })

  it('names every wrong field', async () => {
    const { body } = await api('POST', '/v1/emergency', { body: { stop: 'yes' } })
    assert.deepEqual(
      body.errors.map(({ path }: { path: string }) => path),
      ['stop', 'why'],
    )
  })
})

describe('a flag', () => {
  it('is made, read, changed on its version, and removed', async () => {
    const made = await api('PUT', '/v1/flags/dark-mode', { body: { flag: { kind: 'ops', on: false } } })
    assert.deepEqual([made.status, made.body.flag.kind, made.body.flag.on], [200, 'ops', false])
    const etag = made.headers.get('etag') ?? ''
    assert.equal(etag, `"${made.body.flag.version}"`)
    const changed = await api('PUT', '/v1/flags/dark-mode', {
      body: { flag: { on: true } },
      headers: { 'if-match': etag },
    })
    assert.equal(changed.body.flag.on, true)
    const stale = await api('PUT', '/v1/flags/dark-mode', {
      body: { flag: { on: false } },
      headers: { 'if-match': etag },
    })
    assert.deepEqual([stale.status, stale.body.code, stale.body.present.flag.on], [409, 'conflict', true])
    assert.equal((await api('PUT', '/v1/flags/dark-mode', { body: { flag: {} } })).status, 409)
    const now = changed.headers.get('etag') ?? ''
    assert.equal((await api('DELETE', '/v1/flags/dark-mode', { headers: { 'if-match': now } })).status, 204)
    assert.equal((await api('GET', '/v1/flags/dark-mode')).status, 404)
  })

  it('is refused when it contradicts itself', async () => {
    const { status, body } = await api('PUT', '/v1/flags/odd', { body: { flag: { onVariant: 'nobody' } } })
    assert.deepEqual([status, body.errors[0].path], [422, 'onVariant'])
  })

  it('leaves an audit entry that names who, what and why', async () => {
    await api('PUT', '/v1/flags/audited', { body: { flag: {}, why: 'because' } })
    const { body } = await api('GET', '/v1/audit?subject=audited&project=default&environment=production')
    assert.deepEqual([body.items[0].by, body.items[0].action, body.items[0].why], ['admin', 'set flag', 'because'])
  })

  it('is listed in bounded pages', async () => {
    for (const key of ['page-a', 'page-b', 'page-c'])
      await api('PUT', `/v1/flags/${key}?environment=paging`, { body: { flag: {} } })
    const keys: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await api('GET', `/v1/flags?environment=paging&limit=2${cursor}`)
      keys.push(...body.items.map((item: { flag: { key: string } }) => item.flag.key))
      if (body.next === null) break
      cursor = `&cursor=${encodeURIComponent(body.next)}`
    }
    assert.deepEqual(keys, ['page-a', 'page-b', 'page-c'])
  })
})

const planText = (name: string, change = ''): string => `kind: ReleasePlan
name: ${name}
service: trips
exposure:
  - flag: { name: ${name}-flag }
before:
  - { approve: release-managers }
phases:
  - { name: canary, expose: 10%, hold: 1h }
  - { name: all, expose: 100%, hold: open }
rollback:
  - { name: back, within: 5m, do: [{ expose: 0% }] }
${change}`

const apply = (name: string, change = '', options: Record<string, unknown> = {}): Promise<Answer> =>
  api('POST', '/v1/plans', {
    body: { files: [{ file: `plans/${name}.yaml`, text: planText(name, change) }], ...options },
  })

describe('plans', () => {
  it('are applied once: the same files again change nothing', async () => {
    const preview = await apply('idempotent', '', { dryRun: true })
    assert.equal(preview.body.changes[0].change, 'created')
    assert.equal((await api('GET', '/v1/plans/idempotent')).status, 404)
    assert.equal((await apply('idempotent')).body.changes[0].change, 'created')
    assert.deepEqual((await apply('idempotent')).body.changes[0].diff, [])
    const changed = await apply('idempotent', 'title: 新しい計画')
    assert.deepEqual(
      [changed.body.changes[0].change, changed.body.changes[0].diff.at(-1)],
      ['changed', '+ title: 新しい計画'],
    )
    const { body } = await api('GET', '/v1/plans/idempotent')
    assert.deepEqual([body.title, body.version, body.service], ['新しい計画', 2, 'trips'])
  })

  it('are refused as a whole, with file, line and column of every problem, in the language asked for', async () => {
    const files = [
      { file: 'good.yaml', text: planText('all-or-nothing') },
      { file: 'bad.yaml', text: planText('broken', 'rollbackWhen:\n  - eror_rate > 5%\n') },
    ]
    const { status, body } = await api('POST', '/v1/plans', { body: { files, locale: 'ja' } })
    assert.deepEqual([status, body.code], [422, 'invalid'])
    const problem = body.problems.find(({ severity }: { severity: string }) => severity === 'error')
    assert.deepEqual([problem.file, problem.line], ['bad.yaml', 14])
    assert.match(problem.message, /eror_rate.*ません/)
    assert.equal((await api('GET', '/v1/plans/all-or-nothing')).status, 404)
    const check = await api('POST', '/v1/plans/validate', { body: { files } })
    assert.deepEqual([check.status, check.body.ok], [200, false])
  })

  it('are kept one by one, whatever file they came in', async () => {
    const text = `${planText('first-of-two')}---\n${planText('second-of-two')}`
    await api('POST', '/v1/plans', { body: { files: [{ file: 'both.yaml', text }] } })
    assert.equal((await api('GET', '/v1/plans/second-of-two')).body.text, planText('second-of-two'))
    assert.equal((await api('GET', '/v1/plans/first-of-two')).body.text, planText('first-of-two'))
  })

  it('are judged with what they name and what names them, and with nothing else', async () => {
    const checklist = (items: string) => `kind: Checklist\nname: smoke\nitems:\n${items}`
    const send = (text: string) => api('POST', '/v1/plans', { body: { files: [{ file: 'some.yaml', text }] } })
    const checked = planText('checked').replace('before:', 'before:\n  - { checklist: smoke }')
    assert.equal((await send(`${checklist('  - { confirm: it runs }')}\n---\n${checked}`)).status, 200)
    const needing = (name: string, needed: string) =>
      planText(name).replace('before:', `before:\n  - { needs: ${needed} }`)
    assert.equal((await send(needing('needing', 'checked'))).status, 200)
    assert.equal((await send(needing('needing-more', 'needing'))).status, 200)
    assert.match((await send(needing('lost', 'nowhere'))).body.detail, /plan "nowhere"/)
    assert.match(
      (await send(needing('checked', 'needing-more'))).body.detail,
      /needing-more → needing → checked → needing-more/,
    )
    const broken = await send(checklist('  - { needs: nowhere }'))
    assert.deepEqual([broken.status, broken.body.problems[0].file], [422, 'some.yaml'])
    assert.equal((await api('POST', '/v1/releases', { body: { plan: 'needing-more', version: '1' } })).status, 201)
  })
})

async function start(name: string, change = '', options: Record<string, unknown> = {}): Promise<Answer> {
  assert.equal((await apply(name, change)).status, 200)
  return api('POST', '/v1/releases', { body: { plan: name, version: '1.6.0', ...options } })
}

/** Reads until the release is so; the engine decides within moments. */
async function untilRelease(id: string, isEnough: (release: Answer['body']) => boolean): Promise<Answer['body']> {
  return until(async () => (await api('GET', `/v1/releases/${id}`)).body, isEnough)
}

describe('a release', () => {
  it('starts, says what it waits for, moves its flag when approved, and is rolled back by a person', async () => {
    const started = await start('walk')
    assert.deepEqual([started.status, started.headers.get('location')], [201, `/v1/releases/${started.body.id}`])
    const { id } = started.body
    const waiting = await untilRelease(id, ({ status }) => status.waitingOn[0]?.kind === 'approval')
    assert.deepEqual([waiting.status.waitingOn[0].role, waiting.status.desired.share], ['release-managers', 0])

    const acted = await api('POST', `/v1/releases/${id}/actions`, { body: { type: 'approve', why: 'looks good' } })
    assert.equal(acted.status, 200)
    const held = await untilRelease(id, ({ status }) => status.waitingOn[0]?.kind === 'hold')
    assert.deepEqual([held.status.phase.name, held.hands[0].share, held.hands[0].reached], ['canary', 0.1, true])
    const { body: flag } = await api('GET', '/v1/flags/walk-flag')
    assert.deepEqual([flag.flag.exposure.share, flag.claimedBy], [0.1, id])

    await api('POST', `/v1/releases/${id}/actions`, { body: { type: 'rollback', why: 'a doubt' } })
    const back = await untilRelease(id, release => !release.live)
    assert.equal(back.status.stage, 'rolledBack')
    assert.equal((await api('GET', '/v1/flags/walk-flag')).body.flag.exposure.share, 0)

    const events = (await api('GET', `/v1/releases/${id}/events`)).body.items.map(
      ({ body }: { body: { type: string } }) => body.type,
    )
    for (const type of [
      'ReleaseStarted',
      'GateAnswered',
      'PhaseEntered',
      'ExposureReached',
      'RollbackStarted',
      'RolledBack',
    ])
      assert.ok(events.includes(type), type)
    const late = await api('POST', `/v1/releases/${id}/actions`, { body: { type: 'resume' } })
    assert.deepEqual([late.status, late.body.code, late.body.present.status.stage], [409, 'not-possible', 'rolledBack'])
  })

  it('answers an action on a stale sight with its present state', async () => {
    const { body: release } = await start('stale-sight')
    const action = { type: 'approve', expected: { phase: 'all', seq: null } }
    const { status, body } = await api('POST', `/v1/releases/${release.id}/actions`, { body: action })
    assert.deepEqual([status, body.code, body.present.status.stage], [409, 'stale', 'starting'])
  })

  it('is refused while another live release holds its hand, which is named', async () => {
    const { body: first } = await start('holder')
    const { status, body } = await api('POST', '/v1/releases', { body: { plan: 'holder', version: '2' } })
    assert.deepEqual([status, body.code, body.holder, body.hand], [409, 'held', first.id, 'flag:holder-flag'])
  })

  it('keeps its flag from being changed by hand, unless the glass is broken with a reason', async () => {
    const { body: release } = await start('claimed')
    await api('POST', `/v1/releases/${release.id}/actions`, { body: { type: 'approve' } })
    await untilRelease(release.id, ({ status }) => status.waitingOn[0]?.kind === 'hold')
    const { headers } = await api('GET', '/v1/flags/claimed-flag')
    const change = (extra: object) =>
      api('PUT', '/v1/flags/claimed-flag', {
        body: { flag: { on: false }, ...extra },
        headers: { 'if-match': headers.get('etag') ?? '' },
      })
    const refused = await change({})
    assert.deepEqual([refused.status, refused.body.code, refused.body.release], [409, 'claimed', release.id])
    assert.equal((await change({ breakGlass: true })).status, 422)
    assert.equal((await change({ breakGlass: true, why: 'on fire' })).body.flag.on, false)
    const { body: audit } = await api('GET', '/v1/audit?subject=claimed-flag&environment=production')
    assert.deepEqual([audit.items[0].action, audit.items[0].why], ['break glass over flag', 'on fire'])
  })

  for (const [what, change, expected] of [
    ['a runner', 'followUp:\n  - { run: ./smoke.sh }\n', /Cannot run a command at "default": found no runner/],
    ['a connection', 'followUp:\n  - { http: POST push/queue/pause }\n', /found no connection "push"/],
    ['a database', 'followUp:\n  - { sql: select 1, at: reports }\n', /Cannot run SQL at "reports"/],
    [
      'a channel',
      'channels: { team: "slack:#team" }\nalerts:\n  - { if: errors > 5, to: team, severity: high }\nmetrics: { errors: { count: errors } }\n',
      /channel "team".*serves "slack:#team"/,
    ],
    [
      'a source of metrics',
      'metrics: { errors: { source: datadog, query: "sum:errors{*}" } }\n',
      /metric "errors": found source "datadog"/,
    ],
    ['a label', '', /found label "no-such-word"/],
  ] as const)
    it(`is refused by name without ${what}`, async () => {
      const name = `without-${what.replaceAll(' ', '-')}`
      const { status, body } = await start(name, change, what === 'a label' ? { labels: ['no-such-word'] } : {})
      assert.deepEqual([status, body.code], [409, 'not-live'])
      assert.match(body.missing.join('\n'), expected)
    })

  it('runs a command through the runner an admin made, and keeps what it said', async () => {
    const settings = { cwd: process.cwd(), programs: [process.execPath] }
    const connection = await api('PUT', '/v1/connections/default', {
      body: { kind: 'run', settings, secrets: { TOKEN: 's3cret' } },
    })
    assert.deepEqual([connection.status, connection.body.secretNames], [200, ['TOKEN']])
    assert.ok(!JSON.stringify((await api('GET', '/v1/connections')).body).includes('s3cret'))
    const step = `before:\n  - { name: smoke, run: "${process.execPath} -e 'process.exit(process.env.TOKEN === \\"s3cret\\" ? 0 : 1)'" }\n`
    const text = planText('commands').replace('before:\n  - { approve: release-managers }\n', step)
    assert.equal((await api('POST', '/v1/plans', { body: { files: [{ file: 'c.yaml', text }] } })).status, 200)
    const { body: release } = await api('POST', '/v1/releases', { body: { plan: 'commands', version: '1' } })
    await untilRelease(release.id, ({ status }) => status.phase?.name === 'canary')
    const { body } = await api('GET', `/v1/releases/${release.id}/events`)
    const ended = body.items.find((event: { body: { type: string } }) => event.body.type === 'StepEnded')
    assert.equal(ended.body.outcome, 'done')
  })

  it('is amended with the plan as applied now: tightened by anybody, loosened by who approved, nothing else', async () => {
    const rule = (limit: string) =>
      `metrics: { errors: { count: errors } }\nrollbackWhen: [{ if: errors > ${limit} in 1m, then: rollback now }]\n`
    const { body: release } = await start('amended', rule('9'))
    const robot = await makeKey('ci', { principal: 'amender' })
    const amend = (key: string | undefined, change: object = {}) =>
      api('POST', `/v1/releases/${release.id}/amend`, {
        ...(key === undefined ? {} : { key }),
        body: { why: 'seen too much', ...change },
      })
    assert.match((await amend(robot)).body.detail, /found no difference/)
    await apply('amended', rule('5'))
    assert.equal((await amend(robot, { expected: { seq: 999 } })).body.code, 'stale')
    const tightened = await amend(robot)
    assert.deepEqual([tightened.status, tightened.body.revision], [200, 2])
    await apply('amended', rule('50'))
    const refused = await amend(robot)
    assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden'])
    assert.match(refused.body.detail, /without release-managers/)
    assert.equal((await amend(undefined)).body.revision, 3)
    await api('POST', '/v1/plans', {
      body: { files: [{ file: 'x', text: planText('amended', rule('50')).replace('10%', '20%') }] },
    })
    const other = await amend(undefined)
    assert.deepEqual([other.status, other.body.code], [409, 'not-possible'])
    const { body } = await api('GET', `/v1/releases/${release.id}/events`)
    const amendments = body.items.filter((event: { body: { type: string } }) => event.body.type === 'PlanAmended')
    assert.deepEqual(
      amendments.map((event: { body: { by: string } }) => event.body.by),
      ['amender', 'admin'],
    )
  })

  it('tells of itself on a live timeline, and resumes after the last event heard', async () => {
    const { body: release } = await start('timeline')
    const heard = await readTimeline(release.id, 0, events => events.some(({ body }) => body.type === 'GateOpened'))
    assert.deepEqual(
      heard.map(({ seq }) => seq),
      heard.map((_, index) => index + 1),
    )
    const last = heard.at(-1)?.seq ?? 0
    const more = readTimeline(release.id, last, events => events.some(({ body }) => body.type === 'PhaseEntered'))
    await api('POST', `/v1/releases/${release.id}/actions`, { body: { type: 'approve' } })
    assert.equal((await more)[0]?.seq, last + 1)
  })
})

interface TimelineEvent {
  readonly seq: number
  readonly body: { readonly type: string }
}

async function readTimeline(id: string, after: number, isEnough: (events: readonly TimelineEvent[]) => boolean) {
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${adminKey}`, 'last-event-id': String(after) }
  const response = await fetch(`http://127.0.0.1:${open.port}/v1/releases/${id}/timeline`, {
    headers,
    signal: leaving.signal,
  })
  const events: TimelineEvent[] = []
  let text = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks)
      if (block.startsWith('event: event')) events.push(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ''))
    if (isEnough(events)) break
  }
  leaving.abort()
  return events
}

describe('the server itself', () => {
  it('describes its whole API as OpenAPI 3.1', async () => {
    const { body } = await api('GET', '/openapi.json')
    assert.equal(body.openapi, '3.1.0')
    for (const path of [
      '/v1/plans',
      '/v1/releases/{id}/actions',
      '/v1/flags/{key}',
      '/v1/samples',
      '/v1/emergency',
      '/v1/stream',
    ])
      assert.ok(body.paths[path], path)
    for (const schema of ['Release', 'Problem', 'Flag', 'ActionRequest'])
      assert.ok(body.components.schemas[schema], schema)
  })

  it('is ready, counts, and shows a page in the language of its reader', async () => {
    assert.equal((await api('GET', '/readyz', { key: null })).body.status, 'ready')
    assert.match((await api('GET', '/metrics')).body, /dankai_http_request_seconds_count/)
    const page = async (language: string) =>
      (await api('GET', '/', { headers: { 'accept-language': language } })).body as string
    assert.match(await page('ja,en;q=0.5'), /<html lang="ja">.*リリース/s)
    assert.match(await page('fr, en-GB;q=0.8, ja;q=0.1'), /<html lang="en">/)
  })

  it('escapes what people wrote into plans', async () => {
    await start('markup', 'title: "<script>alert(1)</script>"')
    const { body } = await api('GET', '/')
    assert.doesNotMatch(body, /<script>/)
    assert.match(body, /&#60;script&#62;/)
  })

  it('stops once, however often it is told', async () => {
    const server = await house.open()
    await Promise.all([server.stop(), server.stop(), server.stop()])
    await assert.rejects(fetch(server.url))
  })
})
