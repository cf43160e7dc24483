import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Condition, type Evaluation, evaluateFlag, type FlagDefinition, FlagSet, type Serve } from '@dankai/flags'
import serverSide from '@launchdarkly/node-server-sdk'
import fc from 'fast-check'
import { initialize, type LDClient, type LDContext, type LDOptions } from 'launchdarkly-node-client-sdk'
import type { DankaiServer } from '../../create-server.ts'
import { ruleFor, shareOf } from '../../testing/flag-place.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'

/** Random, and printed, so that a failure can be repeated: DANKAI_SEED=… node --test … */
const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

let house: TestHouse
let server: DankaiServer
let base: string
const clients: { close(): unknown }[] = []
/** Where the SDK keeps the keys it invents. */
const folder = mkdtempSync(join(tmpdir(), 'dankai-launchdarkly-'))

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  base = `${server.url}/launchdarkly`
})
after(async () => {
  await Promise.all(clients.map(client => client.close()))
  await house.close()
  rmSync(folder, { recursive: true, force: true })
})

const silent = { error() {}, warn() {}, info() {}, debug() {} }

function startClient(key: string, context: LDContext, options: LDOptions = {}, at = base): LDClient {
  const client = initialize(key, context, {
    baseUrl: at,
    streamUrl: at,
    eventsUrl: at,
    logger: silent,
    diagnosticOptOut: true,
    localStoragePath: folder,
    streamReconnectDelay: 20,
    // Events are sent when a test says so.
    flushInterval: 3_600_000,
    ...options,
  })
  clients.push(client)
  return client
}

async function openClient(key: string, context: LDContext, options: LDOptions = {}, at = base): Promise<LDClient> {
  const client = startClient(key, context, options, at)
  // Without a time-out, which would keep its timer after all is done.
  await client.waitForInitialization()
  return client
}

/** What comes with the next event of that name. */
function heard(client: LDClient, event: string): Promise<readonly unknown[]> {
  return new Promise(resolve => {
    const hear = (...given: unknown[]): void => {
      client.off(event, hear)
      resolve(given)
    }
    client.on(event, hear)
  })
}

const messageOf = (error: unknown): string => (error as Error).message

/** An environment of its own for each test, with a key for pages and one for servers. */
async function environment(name: string) {
  const keyOf = async (kind: string): Promise<string> => {
    const options = { body: { kind, principal: 'trips', name: `${name}-${kind}`, environment: name } }
    return (await ask(server.url, 'POST', '/v1/keys', options)).body.secret
  }
  const call = (method: string, path: string, body?: unknown, version?: number): Promise<Answer> =>
    ask(server.url, method, `${path}?environment=${name}`, {
      ...(body === undefined ? {} : { body }),
      ...(version === undefined ? {} : { headers: { 'if-match': String(version) } }),
    })
  const versions = new Map<string, number>()
  return {
    name,
    scope: { project: 'default', environment: name },
    clientKey: await keyOf('sdk-client'),
    serverKey: await keyOf('sdk-server'),
    call,
    async setFlag(key: string, flag: Partial<FlagDefinition>, client = true): Promise<FlagDefinition> {
      const given = { flag, care: { client } }
      const { status, body } = await call('PUT', `/v1/flags/${key}`, given, versions.get(key))
      assert.equal(status, 200, JSON.stringify(body))
      versions.set(key, body.flag.version)
      return body.flag
    },
    async deleteFlag(key: string): Promise<void> {
      assert.equal((await call('DELETE', `/v1/flags/${key}`, undefined, versions.get(key))).status, 204)
      versions.delete(key)
    },
    async stop(flag: string, stop: boolean): Promise<void> {
      assert.equal((await call('POST', '/v1/emergency', { stop, flag, why: 'on fire' })).status, 200)
    },
    /** How often each variant was evaluated, once there is anything. */
    async evaluations(flag: string): Promise<Readonly<Record<string, number>>> {
      const read = async () => (await call('GET', `/v1/flags/${flag}/evaluations`)).body.items
      const items: readonly { variant: string; count: number }[] = await until(read, ({ length }) => length > 0)
      return Object.fromEntries(items.map(({ variant, count }) => [variant, count]))
    },
  }
}

const ranking: Partial<FlagDefinition> = {
  kind: 'experiment',
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
const aki = { kind: 'user', key: 'aki' }

const text = fc.constantFrom('free', 'pro', '42', 'team-a')
const attributes = fc.record(
  { plan: fc.oneof(text, fc.constantFrom(42, true)), tags: fc.array(text, { minLength: 1, maxLength: 3 }) },
  { requiredKeys: [] },
)
const userKey = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map(index => `user-${index}`),
  fc.constantFrom('東京', 'a/b+c?'),
)
const user = fc.tuple(userKey, attributes).map(([key, more]) => ({ key, ...more }))
const ofUser = (one: { readonly key: string }, kind: string | readonly string[], anonymous = false) => ({
  ...one,
  kind,
  anonymous,
  targetingKey: one.key,
})

/** As the SDK is given it, and as it is evaluated here. */
const contexts = fc.oneof(
  user.map(one => [{ kind: 'user', ...one }, ofUser(one, 'user')] as const),
  user.map(one => [{ kind: 'user', ...one, anonymous: true }, ofUser(one, 'user', true)] as const),
  user.map(({ key, ...custom }) => [{ key, custom }, ofUser({ key, ...custom }, 'user')] as const),
  user.map(one => [{ kind: 'multi', user: one, device: { key: 'd' } }, ofUser(one, ['user', 'device'])] as const),
  fc.constant([{ kind: 'organisation', key: 'acme', plan: 'pro' }, { kind: ['organisation'] }] as const),
)

const variants = { red: 'red', green: { shade: [1, null] }, blue: 7, none: false }
const variant = fc.constantFrom('red', 'green', 'blue', 'none')
const serving: fc.Arbitrary<Serve> = fc.oneof(
  variant.map(one => ({ variant: one })),
  fc
    .record({ hundredths: fc.integer({ min: 0, max: 1_000 }), experiment: fc.boolean() })
    .map(({ hundredths, experiment }): Serve => {
      const split = [
        { variant: 'red', weight: hundredths * 100 },
        { variant: 'green', weight: 100_000 - hundredths * 100 },
      ]
      return { split, by: null, seed: null, experiment }
    }),
)
const condition: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constantFrom('plan', 'tags', 'targetingKey', 'kind', 'anonymous'),
  operator: fc.constantFrom('is', 'startsWith', 'contains'),
  values: fc.array(fc.oneof(text, fc.constantFrom('user', 'device', 'true', 'user-1', '東')), {
    minLength: 1,
    maxLength: 2,
  }),
  negated: fc.boolean(),
})
const part = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: 100 }).map(percent => percent / 100),
)
const definitions = fc.array(
  fc.record({
    on: fc.constantFrom(true, true, true, false),
    algorithm: fc.constantFrom('dankai', 'launchdarkly', 'unleash', 'flagd'),
    asks: fc.option(variant),
    target: userKey,
    rules: fc.array(fc.record({ when: fc.array(condition, { maxLength: 2 }), share: part, serve: serving }), {
      maxLength: 2,
    }),
    share: part,
    otherwise: serving,
  }),
  { minLength: 1, maxLength: 4 },
)

/** LaunchDarkly's words for a reason, written down anew. */
function reasonFor({ reason, ruleId, inExperiment }: Evaluation, { rules }: FlagDefinition): object {
  const experiment = inExperiment ? { inExperiment } : {}
  const ruleIndex = rules.findIndex(({ id }) => id === ruleId)
  if (reason === 'OFF') return { kind: 'OFF' }
  if (reason === 'ERROR') return { kind: 'ERROR', errorKind: 'USER_NOT_SPECIFIED' }
  if (reason === 'PREREQUISITE_FAILED') return { kind: reason, prerequisiteKey: ruleId?.replace('prerequisite:', '') }
  if (reason === 'TARGETED') return { kind: 'TARGET_MATCH' }
  return ruleIndex < 0
    ? { kind: 'FALLTHROUGH', ...experiment }
    : { kind: 'RULE_MATCH', ruleIndex, ruleId, ...experiment }
}

describe(`the client-side SDK of LaunchDarkly, unmodified (seed ${seed})`, () => {
  it('F-043 F-044 starts with a context of any kind, and is told values and reasons of it', async () => {
    const place = await environment('lc-start')
    await place.setFlag('booking', {
      variants: { on: 'new', off: 'old', beta: 'beta' },
      targets: [{ variant: 'beta', keys: ['aki'] }],
      rules: [ruleFor('by-plan', 'custom.plan', 'premium', 'on'), ruleFor('visitors', 'anonymous', 'true', 'beta')],
    })
    const premium = { key: 'ben', plan: 'premium' }
    const cases: readonly (readonly [LDContext, string, object])[] = [
      [aki, 'beta', { kind: 'TARGET_MATCH' }],
      [{ kind: 'user', ...premium }, 'new', { kind: 'RULE_MATCH', ruleIndex: 0, ruleId: 'by-plan' }],
      [{ key: 'ben', custom: { plan: 'premium' } }, 'new', { kind: 'RULE_MATCH', ruleIndex: 0, ruleId: 'by-plan' }],
      [
        { kind: 'multi', user: premium, device: { key: 'd' } },
        'new',
        { kind: 'RULE_MATCH', ruleIndex: 0, ruleId: 'by-plan' },
      ],
      [{ kind: 'user', anonymous: true }, 'beta', { kind: 'RULE_MATCH', ruleIndex: 1, ruleId: 'visitors' }],
      [{ kind: 'device', key: 'd', plan: 'premium' }, 'old', { kind: 'FALLTHROUGH' }],
    ]
    for (const [context, value, reason] of cases) {
      for (const useReport of [false, true]) {
        const client = await openClient(place.clientKey, context, { evaluationReasons: true, useReport })
        const found = client.variationDetail('booking', 'default')
        assert.deepEqual([found.value, found.reason], [value, reason], JSON.stringify(context))
      }
    }
    const plain = await openClient(place.clientKey, aki)
    assert.deepEqual(plain.allFlags(), { booking: 'beta' })
    assert.deepEqual(plain.variationDetail('booking'), { value: 'beta', variationIndex: 2, reason: null })
    assert.deepEqual(plain.variationDetail('unknown', 'default').reason, { kind: 'ERROR', errorKind: 'FLAG_NOT_FOUND' })
  })

  it('F-044 F-059 has for any flags and contexts what the server evaluates: value, reason and experiment', async () => {
    const place = await environment('lc-law')
    const client = await openClient(place.clientKey, aki, { evaluationReasons: true, sendEvents: false })
    const reporting = await openClient(place.clientKey, aki, {
      evaluationReasons: true,
      sendEvents: false,
      useReport: true,
    })
    const seen = new Set<string>()
    const check = fc.asyncProperty(
      definitions,
      fc.array(contexts, { minLength: 6, maxLength: 6 }),
      async (given, askers) => {
        const flags: FlagDefinition[] = []
        for (const [index, { asks, target, rules, share: ofAll, ...flag }] of given.entries())
          flags.push(
            await place.setFlag(`flag-${index}`, {
              ...flag,
              variants,
              offVariant: 'red',
              onVariant: 'green',
              prerequisites: asks === null || index === 0 ? [] : [{ flag: `flag-${index - 1}`, variants: [asks] }],
              targets: [{ variant: 'blue', keys: [target] }],
              rules: rules.map((one, place) => ({ id: `rule-${place}`, by: null, seed: null, ...one })),
              ...shareOf(ofAll),
            }),
          )
        const set = new FlagSet(flags)
        for (const [context, evaluated] of askers) {
          await Promise.all([client.identify(structuredClone(context)), reporting.identify(structuredClone(context))])
          for (const flag of flags) {
            const expected = evaluateFlag(set.find(flag.key)!, evaluated)
            const reason = reasonFor(expected, flag)
            seen.add(Object.values(reason).join(' '))
            for (const one of [client, reporting]) {
              const found = one.variationDetail(flag.key, 'none')
              assert.deepEqual([found.value, found.reason], [expected.value, reason], JSON.stringify([context, flags]))
            }
          }
        }
      },
    )
    await fc.assert(check, { numRuns: 30, seed, interruptAfterTimeLimit: 8_000, endOnFailure: true })
    for (const kind of [
      'OFF',
      'TARGET_MATCH',
      'RULE_MATCH',
      'FALLTHROUGH',
      'FALLTHROUGH true',
      'PREREQUISITE_FAILED',
      'ERROR',
    ])
      assert.ok(
        [...seen].some(one => one.startsWith(kind)),
        `${kind} in ${[...seen].join(', ')}`,
      )
  })

  it('F-058 follows another user by identify(), and keeps the old one when the new one cannot be asked for', async () => {
    const place = await environment('lc-identify')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'on')] })
    const client = await openClient(place.clientKey, aki, { streaming: true })
    assert.equal(client.variation('booking'), false)
    const changed = heard(client, 'change:booking')
    assert.deepEqual(await client.identify({ kind: 'user', key: 'mei', plan: 'vip' }), { booking: true })
    assert.deepEqual(await changed, [true, false])
    await assert.rejects(client.identify({ kind: 'user', key: 'ben' }, 'hash'), /403/)
    assert.deepEqual([client.getContext().key, client.variation('booking')], ['mei', true])
    // The stream is now the other user's.
    const lost = heard(client, 'change:booking')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'off')] })
    assert.deepEqual(await lost, [false, true])
  })

  for (const useReport of [false, true])
    it(`F-043 hears changes, deletions and emergency stops as its own change events${useReport ? ', asking by REPORT' : ''}`, async () => {
      const place = await environment(`lc-stream-${useReport}`)
      await place.setFlag('booking', shareOf(0))
      await place.setFlag('other', shareOf(1))
      const client = await openClient(place.clientKey, aki, { useReport, evaluationReasons: true })
      const hears = async (act: () => Promise<unknown>, key: string, change: readonly unknown[]): Promise<void> => {
        // To listen opens the stream, and to stop listening closes it.
        const changed = heard(client, `change:${key}`)
        await act()
        assert.deepEqual(await changed, change)
      }
      await hears(() => place.setFlag('booking', shareOf(1)), 'booking', [true, false])
      client.setStreaming(true)
      await hears(() => place.stop('booking', true), 'booking', [false, true])
      assert.deepEqual(client.variationDetail('booking').reason, { kind: 'OFF' })
      await hears(() => place.stop('booking', false), 'booking', [true, false])
      await hears(() => place.setFlag('later', shareOf(1)), 'later', [true, undefined])
      await hears(() => place.deleteFlag('booking'), 'booking', [undefined, true])
      assert.equal(client.variationDetail('booking', 'gone').reason?.errorKind, 'FLAG_NOT_FOUND')
      const all = heard(client, 'change')
      await place.setFlag('other', shareOf(0))
      assert.deepEqual(await all, [{ other: { current: false, previous: true } }])
    })

  it('F-073 begins with what a server SDK evaluated for the page (bootstrap), and follows changes from there', async () => {
    const place = await environment('lc-bootstrap')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'on')] })
    await place.setFlag('other', shareOf(1))
    const ofServer = serverSide.init(place.serverKey, {
      baseUri: base,
      streamUri: base,
      eventsUri: base,
      logger: silent,
      diagnosticOptOut: true,
    })
    clients.push(ofServer)
    const vip = { kind: 'user', key: 'mei', plan: 'vip' }
    await ofServer.waitForInitialization({ timeout: 20 })
    const state = await ofServer.allFlagsState(vip, { withReasons: true, clientSideOnly: true })
    const client = await openClient(place.clientKey, vip, { bootstrap: state.toJSON() })
    assert.deepEqual(client.allFlags(), { booking: true, other: true })
    assert.deepEqual(client.variationDetail('booking').reason, { kind: 'RULE_MATCH', ruleIndex: 0, ruleId: 'vip' })
    const changes: unknown[] = []
    client.on('change', change => changes.push(change))
    const changed = heard(client, 'change:booking')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'off')] })
    await changed
    assert.deepEqual(changes, [{ booking: { current: false, previous: true } }], 'what is the same is no change')
    for (const [isForClients, values] of [
      [false, { booking: false, other: true }],
      [true, { booking: false, other: true, later: true }],
      [false, { booking: false, other: true }],
    ] as const) {
      const told = once(ofServer, 'update:later')
      await place.setFlag('later', shareOf(1), isForClients)
      await told
      const marked = await ofServer.allFlagsState(vip, { clientSideOnly: true })
      assert.deepEqual(marked.allValues(), values, 'servers hand on what is marked for clients')
    }
  })

  it('takes contexts of 10,000 characters in the path, and any others by REPORT', async () => {
    const place = await environment('lc-long')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'on')] })
    const vip = (note: string) => ({ kind: 'user', key: 'mei', plan: 'vip', note })
    const fits = vip('x'.repeat(10_000 - JSON.stringify(vip('')).length))
    const wide = vip('駅'.repeat(10_000))
    for (const [context, options] of [
      [fits, { streaming: true }],
      [wide, { streaming: true, useReport: true }],
      [vip('x'.repeat(200_000)), { streaming: true, useReport: true }],
    ] as const) {
      const client = await openClient(place.clientKey, context, options)
      assert.equal(client.variation('booking', null), true)
      const changed = heard(client, 'change:booking')
      await place.setFlag('booking', shareOf(0))
      assert.deepEqual(await changed, [false, true])
      await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'on')] })
    }
    const refused = startClient(place.clientKey, wide)
    await assert.rejects(refused.waitForInitialization(), /431/)
  })

  it('F-056 F-059 tells what was evaluated, whom an experiment assigned and what they did, each counted once', async () => {
    const place = await environment('lc-events')
    await place.setFlag('gate', shareOf(1))
    await place.setFlag('booking', { ...shareOf(1), prerequisites: [{ flag: 'gate', variants: ['on'] }] })
    await place.setFlag('search', ranking)
    for (let index = 0; index < 20; index++) {
      const user = { key: `user-${index}` }
      const context = index % 2 === 0 ? { kind: 'user', ...user } : { kind: 'multi', user, device: { key: 'd' } }
      const client = await openClient(place.clientKey, context, { allAttributesPrivate: index % 3 === 0 })
      for (let times = 0; times < 2; times++) client.variation('search', 'control')
      client.variation('booking', false)
      if (index < 5) client.track('booked', null, 3)
      await client.flush()
    }
    const { exposures } = server.store
    const assigned = await exposures.variants(place.scope, 'search')
    assert.equal(
      assigned.reduce((sum, { users }) => sum + users, 0),
      20,
      'each user once',
    )
    const outcomes = await exposures.outcomes(place.scope, 'search', 'booked')
    assert.deepEqual(
      [outcomes.reduce((all, { converted }) => all + converted, 0), outcomes.reduce((all, { sum }) => all + sum, 0)],
      [5, 15],
    )
    const counted = await place.evaluations('search')
    assert.deepEqual(
      [Object.keys(counted).toSorted(), Object.values(counted).reduce((a, b) => a + b)],
      [['control', 'ml'], 40],
    )
    assert.deepEqual(await place.evaluations('booking'), { on: 20 })
    assert.deepEqual(
      await place.evaluations('gate'),
      { on: 20 },
      'a prerequisite counts with the flag that asked for it',
    )
  })

  it('counts the values that identify() and the stream bring as evaluated, as its own servers do', async () => {
    const place = await environment('lc-brought')
    await place.setFlag('booking', { rules: [ruleFor('vip', 'plan', 'vip', 'on')] })
    const client = await openClient(place.clientKey, aki, { streaming: true })
    client.variation('booking')
    await client.identify({ kind: 'user', key: 'mei', plan: 'vip' })
    const changed = heard(client, 'change:booking')
    await place.setFlag('booking', shareOf(0))
    await changed
    await client.flush()
    assert.deepEqual(await place.evaluations('booking'), { on: 1, off: 2 })
  })

  it('may tell of itself: diagnostic events are taken', async () => {
    const { clientKey } = await environment('lc-diagnostic')
    await openClient(clientKey, aki, { diagnosticOptOut: false, wrapperName: 'react', application: { id: 'trips' } })
    const metrics = async () => (await ask(server.url, 'GET', '/metrics')).body as string
    const line = /_count\{method="POST",route="\/launchdarkly\/events\/diagnostic\/:key",status="(\d+)"\} 1/
    const [, status] = line.exec(await until(metrics, found => line.test(found))) ?? []
    assert.equal(status, '202')
  })

  it('says that there is no such environment when its key is unknown, and what else is wrong by status', async () => {
    const place = await environment('lc-wrong')
    const unknown = startClient('no-such-key', aki)
    const failed = heard(unknown, 'error')
    await assert.rejects(unknown.waitForInitialization(), { name: 'LaunchDarklyInvalidEnvironmentIdError' })
    assert.match(messageOf((await failed)[0]), /Environment not found\. Double check .*client-side ID/)
    assert.equal(unknown.variation('booking', 'default'), 'default')
    unknown.track('booked')
    const dropped = heard(unknown, 'error')
    await unknown.flush()
    assert.match(messageOf((await dropped)[0]), /Received error 404 for event posting - giving up permanently/)

    await assert.rejects(startClient(place.serverKey, aki).waitForInitialization(), /403/)
    await assert.rejects(
      startClient(place.clientKey, { kind: 'kind', key: 'a' }).waitForInitialization(),
      /400|invalid/i,
    )
  })

  it('is refused when it sends a hash (secure mode), and its stream gives up', async () => {
    const { clientKey } = await environment('lc-hash')
    const refused = startClient(clientKey, aki, { hash: 'a1b2' })
    await assert.rejects(refused.waitForInitialization(), /Error fetching flag settings: 403/)
    const gaveUp = new Promise<string>(resolve => {
      const logger = { ...silent, error: (message: string) => resolve(message) }
      startClient(clientKey, aki, { hash: 'a1b2', bootstrap: {}, streaming: true, logger })
    })
    assert.match(await gaveUp, /giving up permanently/)
    const context = Buffer.from(JSON.stringify(aki)).toString('base64url')
    const { status, body } = await ask(base, 'GET', `/sdk/evalx/${clientKey}/contexts/${context}?h=a1b2`, { key: null })
    assert.deepEqual([status, body.code], [403, 'forbidden'])
    assert.match(
      body.message,
      /^Cannot verify the hash of the context: .* Leave out the option "hash" \(secure mode\)\.$/,
    )
  })

  it('starts without a server and has its values when there is one, and follows a server that comes back', async () => {
    const place = await environment('lc-away')
    await place.setFlag('booking', shareOf(0))
    const first = await house.open()
    const { port } = first
    const at = `${first.url}/launchdarkly`
    const followed = await openClient(place.clientKey, aki, { streaming: true }, at)
    assert.equal(followed.variation('booking'), false)
    await first.stop()

    const late = startClient(place.clientKey, aki, {}, at)
    const failed = heard(late, 'failed')
    await assert.rejects(late.waitForInitialization(), /network error/)
    assert.match(messageOf((await failed)[0]), /ECONNREFUSED/)
    assert.equal(late.variation('booking', 'default'), 'default')
    const waiting = await openClient(place.clientKey, aki, { bootstrap: {}, streaming: true }, at)
    assert.equal(waiting.variation('booking', 'default'), 'default')

    const came = [heard(followed, 'change:booking'), heard(waiting, 'change:booking')]
    await place.setFlag('booking', shareOf(1))
    await house.open({ port })
    assert.deepEqual(await Promise.all(came), [
      [true, false],
      [true, undefined],
    ])
    assert.deepEqual(await late.identify(aki), { booking: true })
    assert.equal(late.variation('booking', 'default'), true)
  })
})

describe('what LaunchDarkly’s SDK for browsers needs beside that', () => {
  const encoded = (found: unknown): string => Buffer.from(JSON.stringify(found)).toString('base64url')
  const page = { origin: 'https://trips.example' }

  it('may ask from pages of any site, with its own headers, by GET, REPORT and POST', async () => {
    const { clientKey } = await environment('lc-pages')
    const context = encoded(aki)
    const events = { 'x-launchdarkly-event-schema': '4', 'x-launchdarkly-payload-id': 'one' }
    const own = {
      'x-launchdarkly-user-agent': 'JSClient/3.9.0',
      'x-launchdarkly-wrapper': 'react/3',
      'x-launchdarkly-tags': 'application-id/trips',
    }
    const requests: readonly (readonly [string, string, Record<string, string>, unknown, number])[] = [
      ['GET', `/sdk/evalx/${clientKey}/contexts/${context}`, own, undefined, 200],
      ['GET', `/sdk/evalx/${clientKey}/users/${context}?withReasons=true`, own, undefined, 200],
      ['REPORT', `/sdk/evalx/${clientKey}/context`, own, aki, 200],
      ['REPORT', `/sdk/evalx/${clientKey}/contexts`, own, aki, 200],
      ['GET', `/sdk/goals/${clientKey}`, own, undefined, 200],
      ['POST', `/events/bulk/${clientKey}`, { ...own, ...events }, [], 202],
      ['POST', `/events/diagnostic/${clientKey}`, own, { kind: 'diagnostic-combined' }, 202],
      ['GET', `/sdk/evalx/unknown/contexts/${context}`, own, undefined, 404],
      ['GET', `/sdk/evalx/${clientKey}/contexts/e30`, own, undefined, 400],
    ]
    for (const [method, path, headers, body, status] of requests) {
      const sent = [...Object.keys(headers), ...(body === undefined ? [] : ['content-type'])]
      const preflight = await ask(base, 'OPTIONS', path, {
        key: null,
        headers: {
          ...page,
          'access-control-request-method': method,
          'access-control-request-headers': sent.toSorted().join(','),
        },
      })
      const allowed = (name: string): readonly string[] =>
        (preflight.headers.get(`access-control-allow-${name}`) ?? '').toLowerCase().split(', ')
      assert.deepEqual([preflight.status, allowed('origin')], [204, ['*']], path)
      assert.ok(allowed('methods').includes(method.toLowerCase()), `${method} ${path}`)
      for (const name of sent) assert.ok(allowed('headers').includes(name), `${name} ${path}`)
      const found = await ask(base, method, path, {
        key: null,
        headers: { ...page, ...headers },
        ...(body === undefined ? {} : { body }),
      })
      assert.deepEqual([found.status, found.headers.get('access-control-allow-origin')], [status, '*'], path)
      if (status < 300) assert.equal(found.headers.get('access-control-expose-headers'), 'Date')
    }
    assert.deepEqual((await ask(base, 'GET', `/sdk/goals/${clientKey}`, { key: null })).body, [])
  })

  it('may follow a stream that only says that something changed, as browsers cannot send a context with theirs', async () => {
    const place = await environment('lc-ping')
    await place.setFlag('booking', shareOf(0))
    // What all of LaunchDarkly's JavaScript SDKs share, with a platform whose streams are those of a browser.
    const requireAsSdk = createRequire(createRequire(import.meta.url).resolve('launchdarkly-node-client-sdk'))
    const platform = { ...requireAsSdk('./nodePlatform')({}), eventSourceAllowsReport: false, localStorage: undefined }
    const urls = { baseUrl: base, streamUrl: base, eventsUrl: base }
    const options = { ...urls, useReport: true, streaming: true, sendEvents: false, logger: silent }
    const browser = requireAsSdk('launchdarkly-js-sdk-common').initialize(place.clientKey, aki, options, platform, {})
    const client: LDClient = browser.client
    clients.push(client)
    browser.start()
    await client.waitForInitialization()
    for (const [act, change] of [
      [() => place.setFlag('booking', shareOf(1)), [true, false]],
      [() => place.stop('booking', true), [false, true]],
      [() => place.stop('booking', false), [true, false]],
      [() => place.deleteFlag('booking'), [undefined, true]],
    ] as const) {
      const changed = heard(client, 'change:booking')
      await act()
      assert.deepEqual(await changed, change)
    }

    const abort = new AbortController()
    const headers = { ...page, authorization: place.clientKey }
    const response = await fetch(`${base}/mping`, { signal: abort.signal, headers })
    assert.deepEqual(
      ['content-type', 'access-control-allow-origin'].map(name => response.headers.get(name)),
      ['text/event-stream; charset=utf-8', '*'],
    )
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    assert.match((await reader.read()).value ?? '', /^event: ping\n/)
    abort.abort()
    assert.equal((await ask(base, 'GET', '/ping/unknown', { key: null })).status, 404)
  })

  it('may tell what happened by loading an image', async () => {
    const place = await environment('lc-image')
    await place.setFlag('booking', shareOf(1))
    const summary = { kind: 'summary', features: { booking: { counters: [{ variation: 0, count: 3 }] } } }
    const load = (key: string, events: string) => fetch(`${base}/a/${key}.gif?d=${events}`, { headers: page })
    for (const events of [encoded([summary]), 'broken', '']) {
      const image = await load(place.clientKey, events)
      const bytes = Buffer.from(await image.arrayBuffer())
      assert.deepEqual(
        [image.status, image.headers.get('content-type'), bytes.subarray(0, 6).toString('latin1')],
        [200, 'image/gif', 'GIF89a'],
      )
    }
    assert.deepEqual(await place.evaluations('booking'), { on: 3 })
    assert.equal((await load('unknown', encoded([summary]))).status, 404)
    assert.equal((await load(place.serverKey, encoded([summary]))).status, 403)
  })
})
