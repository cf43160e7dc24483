import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { completeCare, createMemoryStore, type StoredFlag } from '@dankai/store'
import launchDarkly, { type LDClient, type LDContext, type LDOptions } from '@launchdarkly/node-server-sdk'
import type { DankaiServer } from '../../create-server.ts'
import { createLogger } from '../../http/log.ts'
import { Environments } from '../../serving/environments.ts'
import { createFlagEvaluations } from '../../serving/flag-evaluations.ts'
import { ruleFor, shareOf } from '../../testing/flag-place.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'
import { createEventIntake } from './launchdarkly-events.ts'

let house: TestHouse
let server: DankaiServer
let base: string
const clients: LDClient[] = []

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  base = `${server.url}/launchdarkly`
})
after(async () => {
  for (const client of clients) client.close()
  await house.close()
})

const silent = { error() {}, warn() {}, info() {}, debug() {} }

async function openClient(key: string, options: LDOptions = {}): Promise<LDClient> {
  const client = launchDarkly.init(key, {
    baseUri: base,
    streamUri: base,
    eventsUri: base,
    logger: silent,
    diagnosticOptOut: true,
    ...options,
  })
  clients.push(client)
  await client.waitForInitialization({ timeout: 20 })
  return client
}

/** An environment of its own for each test, with a key of each kind. */
async function environment(name: string) {
  const keyOf = async (kind: string): Promise<string> => {
    const options = { body: { kind, principal: 'trips', name: `${name}-${kind}`, environment: name } }
    return (await ask(server.url, 'POST', '/v1/keys', options)).body.secret
  }
  const call = (method: string, path: string, body?: unknown, version?: number): Promise<Answer> =>
    ask(server.url, method, `${path}${path.includes('?') ? '&' : '?'}environment=${name}`, {
      ...(body === undefined ? {} : { body }),
      ...(version === undefined ? {} : { headers: { 'if-match': String(version) } }),
    })
  return {
    name,
    serverKey: await keyOf('sdk-server'),
    clientKey: await keyOf('sdk-client'),
    call,
    async setFlag(key: string, flag: Partial<FlagDefinition>): Promise<number> {
      const { body: present } = await call('GET', `/v1/flags/${key}`)
      const seed = flag.algorithm === 'launchdarkly' ? { seed: `${key}.4f1a` } : {}
      const { status, body } = await call(
        'PUT',
        `/v1/flags/${key}`,
        { flag: { ...seed, ...flag }, care: { client: true } },
        present.flag?.version,
      )
      assert.equal(status, 200, JSON.stringify(body))
      return body.flag.version
    },
    /** LaunchDarkly's REST API, with the key as its scripts send it. */
    rest: (method: string, flag: string, body?: unknown, headers: Record<string, string> = {}, query = '') =>
      ask(base, method, `/api/v2/flags/default/${flag}?env=${name}${query}`, {
        key: null,
        ...(body === undefined ? {} : { body }),
        headers: { authorization: 'dk_admin_key_of_the_tests', ...headers },
      }),
  }
}

/** The raw wire of one stream, read as text. */
async function openStream(path: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  const response = await fetch(base + path, { signal: abort.signal, headers })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    async hear(pattern: RegExp): Promise<void> {
      while (!pattern.test(text)) text += (await reader.read()).value ?? assert.fail(`ended after ${text}`)
      text = ''
    },
    close: () => abort.abort(),
  }
}

const semantic = { 'content-type': 'application/json; domain-model=launchdarkly.semanticpatch' }

/** Half of the users for each ranking, by LaunchDarkly's buckets. */
const rankingExperiment: Partial<FlagDefinition> = {
  kind: 'experiment',
  algorithm: 'launchdarkly',
  variants: { control: 'control', ml: 'ml_ranking' },
  offVariant: 'control',
  onVariant: 'ml',
  otherwise: {
    split: [
      { variant: 'control', weight: 50_000 },
      { variant: 'ml', weight: 50_000 },
    ],
    by: null,
    seed: null,
    experiment: true,
  },
}

describe('the server SDK of LaunchDarkly, unmodified', () => {
  it('F-043 F-044 streams: values, reasons, targets, rules, segments, prerequisites, and changes by its own update event', async () => {
    const place = await environment('ld-stream')
    await place.setFlag('gate', { algorithm: 'launchdarkly', ...shareOf(1) })
    await place.setFlag('new-booking-flow', {
      algorithm: 'launchdarkly',
      variants: { on: 'new', off: 'old', beta: 'beta' },
      prerequisites: [{ flag: 'gate', variants: ['on'] }],
      targets: [{ variant: 'beta', keys: ['aki'] }],
      rules: [
        ruleFor('by-plan', 'plan', 'premium', 'on'),
        {
          ...ruleFor('by-segment', 'plan', '', 'on'),
          when: [{ attribute: '', operator: 'inSegment', values: ['staff'], negated: false }],
        },
      ],
      segments: { staff: { include: {}, keys: ['mei'] } },
    })
    const client = await openClient(place.serverKey)
    const detail = (context: LDContext) => client.variationDetail('new-booking-flow', context, 'default')
    const cases: readonly (readonly [LDContext, string, object])[] = [
      [{ key: 'aki' }, 'beta', { kind: 'TARGET_MATCH' }],
      [{ kind: 'user', key: 'ben', plan: 'premium' }, 'new', { kind: 'RULE_MATCH', ruleId: 'by-plan', ruleIndex: 0 }],
      [{ key: 'ben', custom: { plan: 'premium' } }, 'new', { kind: 'RULE_MATCH', ruleId: 'by-plan', ruleIndex: 0 }],
      [{ key: 'mei' }, 'new', { kind: 'RULE_MATCH', ruleId: 'by-segment', ruleIndex: 1 }],
      [{ key: 'ben' }, 'old', { kind: 'FALLTHROUGH' }],
    ]
    for (const [context, value, reason] of cases) {
      const found = await detail(context)
      assert.deepEqual([found.value, found.reason], [value, reason], JSON.stringify(context))
    }

    const changed = once(client, 'update:new-booking-flow')
    await place.setFlag('gate', { algorithm: 'launchdarkly', on: false })
    await changed
    const failed = await detail({ key: 'aki' })
    assert.deepEqual([failed.value, failed.reason], ['old', { kind: 'PREREQUISITE_FAILED', prerequisiteKey: 'gate' }])

    await place.setFlag('new-booking-flow', { algorithm: 'launchdarkly' })
    const removed = once(client, 'update:gate')
    const version = (await place.call('GET', '/v1/flags/gate')).body.flag.version
    assert.equal((await place.call('DELETE', '/v1/flags/gate', undefined, version)).status, 204)
    await removed
    assert.equal((await client.variationDetail('gate', { key: 'aki' }, 'gone')).reason.errorKind, 'FLAG_NOT_FOUND')

    const made = once(client, 'update:later')
    await place.setFlag('later', shareOf(1))
    await made
    assert.equal(await client.variation('later', { key: 'aki' }, false), true)
  })

  it('F-056 F-058 F-059 runs the code of the documents as written: isEnabled, getVariation, getExperimentVariant', async () => {
    const place = await environment('ld-documents')
    await place.setFlag('new-booking-flow', shareOf(1))
    await place.setFlag('search-algorithm-variant', rankingExperiment)
    const ldClient = await openClient(place.serverKey)
    const toLDUser = (user: { key: string; email?: string; custom?: { plan?: string } }) => ({ ...user })
    assert.equal(await ldClient.variation('new-booking-flow', toLDUser({ key: 'aki' }), false), true)
    assert.equal(await ldClient.variation('unknown-flag', toLDUser({ key: 'aki' }), false), false)
    const seen = new Set<string>()
    for (let index = 0; index < 40; index++) {
      const detail = await ldClient.variationDetail(
        'search-algorithm-variant',
        toLDUser({ key: `user-${index}` }),
        'control',
      )
      assert.equal(detail.reason?.inExperiment ?? false, true)
      seen.add(detail.value)
    }
    assert.deepEqual([...seen].toSorted(), ['control', 'ml_ranking'])
  })

  it('polls with a tag, and is answered 304 while nothing changed', async () => {
    const place = await environment('ld-poll')
    await place.setFlag('ops', { kind: 'ops', ...shareOf(1) })
    const client = await openClient(place.serverKey, { stream: false })
    assert.equal(await client.variation('ops', { key: 'aki' }, false), true)

    const poll = (etag?: string) =>
      ask(base, 'GET', '/sdk/latest-all', {
        key: null,
        headers: { authorization: place.serverKey, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      })
    const first = await poll()
    assert.deepEqual(Object.keys(first.body), ['flags', 'segments'])
    const etag = first.headers.get('etag') ?? ''
    assert.equal((await poll(etag)).status, 304)
    await place.setFlag('ops', { kind: 'ops', on: false })
    const third = await poll(etag)
    assert.deepEqual([third.status, third.body.flags.ops.on], [200, false])
    assert.ok(third.body.flags.ops.version > first.body.flags.ops.version)
  })

  it('hears an emergency stop and its end as updates, though neither is a new version of the flag', async () => {
    const place = await environment('ld-stop')
    await place.setFlag('booking', shareOf(1))
    const client = await openClient(place.serverKey)
    const serves = async (wanted: boolean, act: () => Promise<unknown>): Promise<void> => {
      await act()
      // One change may be told twice: what the second telling of the one before says is not waited for.
      for (;;) {
        const updated = once(client, 'update:booking')
        if ((await client.variation('booking', { key: 'aki' }, null)) === wanted) return
        await updated
      }
    }
    const emergency = (stop: boolean) => async () => {
      const { status, body } = await place.call('POST', '/v1/emergency', { stop, flag: 'booking', why: 'on fire' })
      assert.equal(status, 200, JSON.stringify(body))
    }
    await serves(false, emergency(true))
    await serves(true, emergency(false))
    await serves(false, emergency(true))
  })

  it('does not get a flag whose users it would choose otherwise, until that flag takes its buckets', async () => {
    const place = await environment('ld-refused')
    await place.setFlag('dealt', shareOf(0.5))
    const client = await openClient(place.serverKey)
    const missing = await client.variationDetail('dealt', { key: 'aki' }, 'none')
    assert.deepEqual([missing.value, missing.reason.errorKind], ['none', 'FLAG_NOT_FOUND'])
    const followed = once(client, 'update:dealt')
    await place.setFlag('dealt', { algorithm: 'launchdarkly', ...shareOf(0.5) })
    await followed
    const keys = Array.from({ length: 200 }, (_, index) => `user-${index}`)
    const values = await Promise.all(keys.map(key => client.variation('dealt', { key }, null)))
    const evaluated = await Promise.all(
      keys.map(async key => {
        const context = Buffer.from(JSON.stringify({ kind: 'user', key })).toString('base64url')
        return (await ask(base, 'GET', `/sdk/evalx/${place.clientKey}/contexts/${context}`, { key: null })).body.dealt
          .value
      }),
    )
    assert.deepEqual(values, evaluated)
    assert.ok(values.includes(true) && values.includes(false))
  })

  it('polls again by itself and tells what changed as an update', async t => {
    const place = await environment('ld-poll-again')
    await place.setFlag('ops', { kind: 'ops', ...shareOf(1) })
    // The shortest interval of the SDK is 30 s: the test has the clock for timers of an interval that nothing else has.
    const pollInterval = 4_321
    const polls: (() => void)[] = []
    const setTimer = globalThis.setTimeout
    const caught = (call: () => void, ms: number, ...rest: []): NodeJS.Timeout => {
      if (!(ms > pollInterval * 990 && ms <= pollInterval * 1_000)) return setTimer(call, ms, ...rest)
      polls.push(call)
      return setTimer(() => {}, 0)
    }
    t.mock.method(globalThis, 'setTimeout', caught)
    const polled = await openClient(place.serverKey, { stream: false, pollInterval })
    await place.setFlag('ops', { kind: 'ops', on: false })
    const updated = once(polled, 'update:ops')
    const [poll] = polls
    assert.ok(poll, 'a poll is due')
    poll()
    await updated
    assert.equal(await polled.variation('ops', { key: 'aki' }, null), false)
  })

  it('keeps up with a cohort that is dealt by its own buckets as its share grows', async () => {
    const place = await environment('ld-cohort')
    const flag = (part: number): Partial<FlagDefinition> => ({
      algorithm: 'launchdarkly',
      segments: { testers: { include: { beta: ['true'] } } },
      exposure: { share: 0, shadow: false, cohorts: [{ segment: 'testers', share: part, mix: null }] },
    })
    await place.setFlag('dealt', flag(0.2))
    const client = await openClient(place.serverKey)
    const keys = Array.from({ length: 300 }, (_, index) => `user-${index}`)
    const chosen = async (): Promise<readonly string[]> => {
      const values = await Promise.all(
        keys.map(key => client.variation('dealt', { kind: 'user', key, beta: true }, null)),
      )
      assert.equal(await client.variation('dealt', { kind: 'user', key: 'user-1', beta: false }, null), false)
      return keys.filter((_, index) => values[index] === true)
    }
    const before = await chosen()
    const updated = once(client, 'update:dealt')
    await place.setFlag('dealt', flag(0.6))
    await updated
    const later = await chosen()
    assert.ok(before.length > 30 && before.length < 100 && later.length > 130 && later.length < 230)
    assert.deepEqual(
      before.filter(key => !later.includes(key)),
      [],
      'whoever was in stays in',
    )
  })

  it('F-059 tells whom an experiment assigned and what they did, and both are compared by variant', async () => {
    const place = await environment('ld-experiment')
    await place.setFlag('search', rankingExperiment)
    const client = await openClient(place.serverKey)
    for (let index = 0; index < 20; index++) {
      const user = { kind: 'user', key: `user-${index}` }
      for (let times = 0; times < 2; times++) await client.variation('search', user, 'control')
      if (index < 5) client.track('booked', user, null, 3)
    }
    await client.flush()
    const scope = { project: 'default', environment: place.name }
    const { exposures } = server.store
    const users = (await exposures.variants(scope, 'search')).map(
      ({ variant, users: number }) => [variant, number] as const,
    )
    assert.equal(
      users.reduce((sum, [, number]) => sum + number, 0),
      20,
      'each user once',
    )
    assert.deepEqual(users.map(([variant]) => variant).toSorted(), ['control', 'ml'])
    const outcomes = await exposures.outcomes(scope, 'search', 'booked')
    assert.deepEqual(
      [
        outcomes.reduce((sum, { converted }) => sum + converted, 0),
        outcomes.reduce((total, { sum }) => total + sum, 0),
      ],
      [5, 15],
    )
  })

  it('is told with 401 in LaunchDarkly’s words when its key is wrong, and gives up', async () => {
    const wrong = await ask(base, 'GET', '/sdk/latest-all', { key: null, headers: { authorization: 'sdk-wrong' } })
    assert.deepEqual(
      [wrong.status, wrong.body.code, Object.keys(wrong.body)],
      [401, 'unauthorized', ['code', 'message', 'id']],
    )
    await assert.rejects(openClient('sdk-wrong'), /401|failed/i)
    const { clientKey } = await environment('ld-keys')
    const rules = await ask(base, 'GET', '/sdk/latest-all', { key: null, headers: { authorization: clientKey } })
    assert.deepEqual([rules.status, rules.body.code], [403, 'forbidden'])
  })

  it('reports what it evaluated once, though a payload comes twice', async () => {
    const place = await environment('ld-events')
    await place.setFlag('counted', shareOf(1))
    const client = await openClient(place.serverKey)
    for (let index = 0; index < 3; index++) await client.variation('counted', { key: `user-${index}` }, false)
    await client.flush()
    const lastSeen = async () => (await place.call('GET', '/v1/flags/counted')).body
    await until(lastSeen, ({ lastEvaluatedAt }) => lastEvaluatedAt !== null)

    const summary = (payload: string, count: number) =>
      ask(base, 'POST', '/bulk', {
        key: null,
        headers: {
          authorization: place.serverKey,
          'x-launchdarkly-payload-id': payload,
          'x-launchdarkly-event-schema': '4',
        },
        body: [
          { kind: 'index', creationDate: 1, context: { kind: 'user', key: 'aki' } },
          {
            kind: 'summary',
            startDate: 1,
            endDate: Date.now() + 3_600_000,
            features: {
              counted: { counters: [{ variation: 0, count, version: 1 }] },
              invented: { counters: [{ count: 1 }] },
            },
          },
        ],
      })
    for (const payload of ['one', 'one', 'two']) assert.equal((await summary(payload, 5)).status, 202)
    const { lastEvaluatedAt } = await lastSeen()
    assert.ok(lastEvaluatedAt <= Date.now() + 1_000, 'a clock that is ahead tells no future')
    const unreadable = await ask(base, 'POST', '/bulk', {
      key: null,
      headers: { authorization: place.serverKey, 'content-type': 'application/json' },
      body: '{',
    })
    assert.deepEqual([unreadable.status, unreadable.body.code], [400, 'invalid_request'])
    const diagnostic = { key: null, headers: { authorization: place.serverKey }, body: { kind: 'diagnostic-init' } }
    assert.equal((await ask(base, 'POST', '/diagnostic', diagnostic)).status, 202)
  })

  it('may pack what it reports: gzip is read, and what is broken, too long or packed otherwise is refused by name', async () => {
    const place = await environment('ld-packed')
    await place.setFlag('packed', shareOf(1))
    const client = await openClient(place.serverKey, { enableEventCompression: true })
    for (let index = 0; index < 7; index++) await client.variation('packed', { key: `user-${index}` }, false)
    await client.flush()
    const uses = async () => (await place.call('GET', '/v1/flags/packed/evaluations')).body.items
    const [use] = await until(uses, ({ length }) => length > 0)
    assert.deepEqual([use.variant, use.count], ['on', 7])

    const send = async (path: string, key: string, encoding: string, body: Uint8Array<ArrayBuffer>) => {
      const headers = { authorization: key, 'content-type': 'application/json', 'content-encoding': encoding }
      const response = await fetch(base + path, { method: 'POST', headers, body })
      return [response.status, await response.text()] as const
    }
    const events = gzipSync(JSON.stringify([{ kind: 'summary', features: { packed: { counters: [{ count: 1 }] } } }]))
    for (const [path, key] of [
      ['/bulk', place.serverKey],
      ['/mobile', place.clientKey],
    ] as const)
      assert.deepEqual(await send(path, key, 'gzip', events), [202, ''])
    const tooLong = gzipSync(Buffer.alloc(9 * 1_048_576, ' '))
    assert.ok(tooLong.length < 20_000)
    for (const [encoding, body, status, message] of [
      ['gzip', new Uint8Array(Buffer.from('[]')), 400, /Cannot read the request: found broken data, expected gzip/],
      ['gzip', events.subarray(0, 20), 400, /Cannot read the request: found broken data, expected gzip/],
      ['gzip', gzipSync('{'), 400, /Cannot read the request: found no JSON/],
      ['gzip', tooLong, 413, /Cannot read the request: found more than 8388608 bytes/],
      ['br', events, 415, /Cannot read the request: found content-encoding \\"br\\", expected gzip or none/],
    ] as const) {
      const [found, text] = await send('/bulk', place.serverKey, encoding, body)
      assert.equal(found, status, text)
      assert.match(text, message)
    }
  })

  it('is counted by what summaries say, each payload once', async () => {
    const scope = { project: 'default', environment: 'counted' }
    const definition = defineFlag({ key: 'counted', version: 1 })
    const stored = { ...scope, ...{ key: 'counted', version: 1, definition, heldBy: null, generation: 0 } }
    const flag: StoredFlag = { ...stored, changedAt: 0, care: completeCare(null), fullSince: null }
    const source = { readSince: async () => ({ version: 1, flags: [flag], removed: [] }), subscribe: () => () => {} }
    const environments = new Environments(source, createLogger('silent'))
    const store = createMemoryStore({ clock: { now: () => 1_000 } })
    const evaluations = createFlagEvaluations(store.flagUsage, createLogger('silent'))
    const counts = async () => {
      await evaluations.flush()
      const uses = await store.flagUsage.list(scope, 'counted')
      return new Map(uses.map(({ variant, count }) => [variant, count]))
    }
    const exposures = {
      async record(): Promise<never> {
        throw new Error('away')
      },
    }
    const view = await environments.of(scope)
    const intake = createEventIntake({ evaluations, now: () => 1_000, store: { exposures } })
    const summary = (count: unknown, variation: unknown = 0, endDate = 900) => ({
      kind: 'summary',
      endDate,
      features: { counted: { counters: [{ variation, count }] }, invented: { counters: [{ variation, count }] } },
    })
    for (const payload of ['one', 'one', 'two']) await intake.take(view, payload, [summary(5), { kind: 'index' }, null])
    await intake.take(view, 'three', [summary(1, null, 5_000), summary(-1), summary('many')])
    await intake.take(view, 'four', { kind: 'no list' })
    assert.equal(evaluations.lastSeenAt(scope, 'counted'), 1_000, 'a clock that is ahead tells no future')
    const told = [['on', 10] as const, [null, 1] as const]
    assert.deepEqual(await counts(), new Map(told))
    assert.equal(evaluations.lastSeenAt(scope, 'invented'), null)

    const assigned = {
      kind: 'feature',
      key: 'counted',
      variation: 0,
      creationDate: 1_000,
      reason: { kind: 'FALLTHROUGH', inExperiment: true },
      context: { kind: 'user', key: 'aki' },
    }
    for (const payload of ['five', 'five'])
      await assert.rejects(intake.take(view, payload, [assigned, summary(1)]), /away/)
    assert.deepEqual(await counts(), new Map(told), 'what could not be stored may come again')
    await evaluations.close()
  })
})

describe('what LaunchDarkly’s clients for browsers ask for', () => {
  const encoded = (context: object): string => Buffer.from(JSON.stringify(context)).toString('base64url')
  const bare = (method: string, path: string, body?: unknown) =>
    ask(base, method, path, { key: null, ...(body === undefined ? {} : { body }) })

  it('are values with reasons, for contexts and users, of every flag whatever its buckets', async () => {
    const place = await environment('ld-browser')
    await place.setFlag('dealt', { ...shareOf(0.5), rules: [ruleFor('vip', 'custom.plan', 'vip', 'on')] })
    const asked = async (path: string): Promise<Answer> => bare('GET', `/sdk/evalx/${place.clientKey}/${path}`)
    const vip = { kind: 'user', key: 'aki', plan: 'vip' }
    const { body, headers } = await asked(`contexts/${encoded(vip)}?withReasons=true`)
    const { value, variation, reason } = body.dealt
    assert.deepEqual([value, variation, reason], [true, 0, { kind: 'RULE_MATCH', ruleIndex: 0, ruleId: 'vip' }])
    assert.equal(headers.get('access-control-allow-origin'), '*')
    const older = await asked(`users/${encoded({ key: 'aki', custom: { plan: 'vip' } })}`)
    assert.deepEqual([older.body.dealt.value, older.body.dealt.reason], [true, undefined])
    const wrong = await asked(`contexts/${encoded({ kind: 'user' })}`)
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'invalid_request'])
    assert.match(wrong.body.message, /no key/)
    const preflight = await fetch(`${base}/sdk/evalx/${place.clientKey}/contexts/x`, { method: 'OPTIONS' })
    assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*'])
    assert.equal((await bare('POST', `/events/bulk/${place.clientKey}`, [])).status, 202)
  })

  it('F-073 F-076 are the same for telephones, which send their key in the header and tell of themselves as well', async () => {
    const place = await environment('ld-phone')
    await place.setFlag('dealt', shareOf(1))
    const context = {
      kind: 'multi',
      user: { key: 'aki', email: '' },
      ld_device: { key: 'd', os: { family: 'Android' } },
    }
    for (const authorization of [place.clientKey, `api_key ${place.clientKey}`]) {
      const headers = { authorization }
      const asked = await ask(base, 'GET', `/msdk/evalx/contexts/${encoded(context)}`, { key: null, headers })
      assert.deepEqual([asked.status, asked.body.dealt.value], [200, true], JSON.stringify(asked.body))
      const reported = await ask(base, 'REPORT', '/msdk/evalx/context', { key: null, headers, body: context })
      assert.deepEqual(reported.body, asked.body)
      assert.equal((await ask(base, 'POST', '/mobile/events/bulk', { key: null, headers, body: [] })).status, 202)
    }
    const stream = await openStream(`/meval/${encoded(context)}`, { authorization: place.clientKey })
    await stream.hear(/event: put\ndata: \{"dealt":\{"value":true/)
    stream.close()
    assert.equal(
      (await bare('GET', `/msdk/evalx/contexts/${encoded(context)}`)).status,
      200,
      'a local program is an admin',
    )
  })

  it('need a key that may be public: none of a server is taken from a path', async () => {
    const place = await environment('ld-public')
    for (const [key, status] of [
      [place.clientKey, 200],
      [place.serverKey, 403],
      ['dk_admin_key_of_the_tests', 403],
      ['unknown', 404],
    ] as const)
      assert.equal(
        (await bare('GET', `/sdk/evalx/${key}/contexts/${encoded({ kind: 'user', key: 'a' })}`)).status,
        status,
        key,
      )
  })

  it('stream as a put for each change of their values', async () => {
    const place = await environment('ld-eval')
    await place.setFlag('shown', shareOf(0))
    const stream = await openStream(`/eval/${place.clientKey}/${encoded({ kind: 'user', key: 'aki' })}`)
    await stream.hear(/event: put\ndata: .*"shown":\{"value":false/)
    await place.setFlag('shown', shareOf(1))
    await stream.hear(/event: put\ndata: .*"shown":\{"value":true/)
    stream.close()
  })
})

describe('LaunchDarkly’s REST API', () => {
  it('switches a flag off while it is stopped in an emergency, and does not switch it on', async () => {
    const place = await environment('ld-rest-stopped')
    await place.setFlag('stopped', shareOf(1))
    const turn = (kind: string) =>
      place.rest('PATCH', 'stopped', { environmentKey: place.name, instructions: [{ kind }] }, semantic)
    const emergency = (stop: boolean) => place.call('POST', '/v1/emergency', { stop, flag: 'stopped', why: 'fire' })
    await emergency(true)
    assert.equal((await turn('turnFlagOff')).status, 200)
    const refused = await turn('turnFlagOn')
    assert.deepEqual(
      [refused.status, refused.body.message],
      [
        409,
        'Cannot change flag "stopped": found an emergency stop in force, expected none before it is switched on. Lift it first: dankai emergency clear.',
      ],
    )
    await emergency(false)
    assert.equal((await turn('turnFlagOn')).status, 200)
  })

  it('R-028 turns a flag off with the command of the runbook, and says who and why in history and audit', async () => {
    const place = await environment('production')
    await place.setFlag('new-booking-flow', shareOf(1))
    const client = await openClient(place.serverKey)
    const updated = once(client, 'update:new-booking-flow')
    const patch = {
      patch: [{ op: 'replace', path: '/environments/production/on', value: false }],
      comment: 'errors rise',
    }
    // As written: no environment but the one in the path of the patch.
    const { status, body } = await ask(base, 'PATCH', '/api/v2/flags/default/new-booking-flow', {
      key: null,
      headers: { authorization: 'dk_admin_key_of_the_tests', 'content-type': 'application/json' },
      body: patch,
    })
    assert.deepEqual([status, body.environments?.production.on], [200, false], JSON.stringify(body))
    await updated
    assert.equal(await client.variation('new-booking-flow', { key: 'aki' }, null), false)
    const { body: history } = await place.call('GET', '/v1/flags/new-booking-flow/history')
    assert.equal(history.items[0].why, 'errors rise')
    const { body: audit } = await place.call('GET', '/v1/audit?subject=new-booking-flow')
    assert.deepEqual([audit.items[0].action, audit.items[0].why], ['patch flag (LaunchDarkly API)', 'errors rise'])
    const { body: flag } = await place.call('GET', '/v1/flags/new-booking-flow')
    assert.deepEqual([flag.flag.on, flag.flag.exposure.share], [false, 1], 'what was not patched stays')
  })

  it('carries out semantic patches, all or none, and shows the result', async () => {
    const place = await environment('ld-semantic')
    await place.setFlag('wide', { variants: { on: true, off: false } })
    const instruct = (instructions: object[], query = '') =>
      place.rest('PATCH', 'wide', { environmentKey: place.name, comment: 'by script', instructions }, semantic, query)
    const clauses = [{ attribute: 'plan', op: 'in', values: ['premium'], negate: false, contextKind: 'user' }]
    const done = await instruct([
      { kind: 'turnFlagOn' },
      { kind: 'addTargets', values: ['aki', 'ben'], variationId: 'on' },
      { kind: 'addRule', clauses, variationId: 'on' },
      { kind: 'updateFallthroughVariationOrRollout', rolloutWeights: { on: 25_000, off: 75_000 } },
    ])
    assert.equal(done.status, 200, JSON.stringify(done.body))
    const { on, targets, rules, fallthrough } = done.body.environments[place.name]
    assert.deepEqual([on, targets[0].values, rules[0].clauses[0].values], [true, ['aki', 'ben'], ['premium']])
    assert.deepEqual(
      fallthrough.rollout.variations.map(({ weight }: { weight: number }) => weight),
      [25_000, 75_000],
    )
    assert.equal((await place.call('GET', '/v1/flags/wide')).body.flag.exposure.share, 0.25)

    const version = done.body._version
    const cases: readonly (readonly [object[], number, RegExp])[] = [
      [[{ kind: 'turnFlagOff' }, { kind: 'removeRule', ruleId: 'gone' }], 404, /no rule "gone"/],
      [[{ kind: 'archiveFlag' }], 422, /"archiveFlag" means nothing here/],
      [[{ kind: 'flyToTheMoon' }], 400, /"flyToTheMoon" is not known/],
      [[{ kind: 'updateOffVariation', variationId: 'purple' }], 400, /no variation "purple"/],
      [[{ kind: 'updateFallthroughVariationOrRollout', rolloutWeights: { on: 1 } }], 400, /sum to 1/],
      [[{ kind: 'removeVariation', variationId: 'on' }], 422, /variant/],
      [[{ kind: 'addTargets', contextKind: 'device', values: ['d'], variationId: 'on' }], 422, /"device"/],
      [[], 400, /no list of 1 to 100 instructions/],
    ]
    for (const [instructions, status, message] of cases) {
      const refused = await instruct(instructions)
      assert.deepEqual([refused.status, typeof refused.body.id], [status, 'string'], JSON.stringify(refused.body))
      assert.match(refused.body.message, message)
    }
    const preview = await instruct([{ kind: 'turnFlagOff' }], '&dryRun=true')
    assert.equal(preview.body.environments[place.name].on, false)
    assert.equal((await place.rest('GET', 'wide')).body._version, version, 'nothing of that was written')
    assert.equal((await place.rest('GET', 'nowhere')).status, 404)
  })

  it('takes JSON Patch and merge patch of its representation, and says conflict when a test fails', async () => {
    const place = await environment('ld-json')
    await place.setFlag('patched', { algorithm: 'launchdarkly', variants: { on: true, off: false }, ...shareOf(0.5) })
    const at = `/environments/${place.name}`
    const moved = await place.rest('PATCH', 'patched', [
      { op: 'test', path: `${at}/on`, value: true },
      { op: 'add', path: `${at}/targets/-`, value: { variation: 1, values: ['mei'] } },
    ])
    assert.equal(moved.status, 200, JSON.stringify(moved.body))
    const merged = await place.rest('PATCH', 'patched', {
      comment: 'everybody',
      merge: { environments: { [place.name]: { fallthrough: { variation: 0, rollout: null } } } },
    })
    assert.equal(merged.status, 200, JSON.stringify(merged.body))
    const { flag } = (await place.call('GET', '/v1/flags/patched')).body
    assert.deepEqual([flag.exposure.share, flag.targets], [1, [{ variant: 'off', keys: ['mei'] }]])
    const cases: readonly (readonly [unknown, number, RegExp])[] = [
      [[{ op: 'test', path: `${at}/on`, value: false }], 409, /test failed/],
      [[{ op: 'replace', path: `${at}/nothing/here`, value: 1 }], 400, /nothing at/],
      [[{ op: 'replace', path: `${at}/salt`, value: 'x' }], 422, /salt" cannot be changed/],
      [[{ op: 'replace', path: '/name', value: 'x' }], 422, /"\/name" cannot be changed/],
      [[{ op: 'replace', path: `${at}/offVariation`, value: 9 }], 400, /no variation 9/],
      [{ environments: { one: {}, other: {} } }, 400, /2 environments/],
    ]
    for (const [patch, status, message] of cases) {
      const refused = await place.rest('PATCH', 'patched', patch)
      assert.equal(refused.status, status, JSON.stringify(refused.body))
      assert.match(refused.body.message, message)
    }
  })

  it('refuses a flag that a live release moves, which SDKs follow step by step, and a key that may not edit', async () => {
    const place = await environment('ld-held')
    await place.setFlag('moved', { algorithm: 'launchdarkly', ...shareOf(0) })
    const client = await openClient(place.serverKey)
    const updates: unknown[] = []
    client.on('update:moved', update => updates.push(update))
    const plan = `kind: ReleasePlan
name: moving
exposure: [{ flag: moved }]
before: [{ approve: release-managers }]
phases: [{ name: canary, expose: 30%, hold: 1h }]
rollback: [{ expose: 0% }]
`
    const applied = await place.call('POST', '/v1/plans', { files: [{ file: 'plan.yaml', text: plan }] })
    assert.ok(applied.status < 300, JSON.stringify(applied.body))
    const started = await place.call('POST', '/v1/releases', { plan: 'moving', version: 'v1' })
    assert.equal(started.status, 201, JSON.stringify(started.body))
    const off = { environmentKey: place.name, instructions: [{ kind: 'turnFlagOff' }] }
    const refused = await place.rest('PATCH', 'moved', off, semantic)
    assert.deepEqual([refused.status, refused.body.code], [409, 'conflict'])
    assert.match(refused.body.message, new RegExp(started.body.id))
    const action = (type: string) =>
      place.call('POST', `/v1/releases/${started.body.id}/actions`, { type, why: 'test' })
    assert.equal((await action('approve')).status, 200)
    const keys = Array.from({ length: 200 }, (_, index) => `user-${index}`)
    const exposed = async (): Promise<number> => {
      const values = await Promise.all(keys.map(key => client.variation('moved', { kind: 'user', key }, null)))
      return values.filter(value => value === true).length
    }
    await until(exposed, number => number > 40 && number < 80)
    await action('rollback')
    await until(exposed, number => number === 0)
    assert.ok(updates.length >= 2)

    const byReader = await place.rest('PATCH', 'moved', off, { ...semantic, authorization: place.serverKey })
    assert.equal(byReader.status, 403)
  })

  it('lets one of two who change a flag at once win, and tells the other of a conflict', async () => {
    const place = await environment('ld-race')
    await place.setFlag('raced', shareOf(0))
    const instruct = (values: string[]) => {
      const instructions = [{ kind: 'addTargets', values, variationId: 'on' }]
      return place.rest('PATCH', 'raced', { environmentKey: place.name, instructions }, semantic)
    }
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => instruct([`user-${index}`])))
    const won = answers.filter(({ status }) => status === 200)
    for (const { status, body } of answers)
      if (status !== 200) assert.deepEqual([status, body.code], [409, 'optimistic_locking_error'])
    const { flag } = (await place.call('GET', '/v1/flags/raced')).body
    assert.equal(flag.targets[0].keys.length, won.length, 'every change that was confirmed is there')
    assert.ok(won.length >= 1)
  })
})
