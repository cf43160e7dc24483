import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compileFlag, defineFlag, evaluateFlag } from '@dankai/flags'
import launchDarkly from '@launchdarkly/node-server-sdk'
import { FlagdCore } from '@openfeature/flagd-core'
import { Pool } from 'undici'
import { Unleash } from 'unleash-client'
import { InMemoryStorageProvider, UnleashClient } from 'unleash-proxy-client'
import type { DankaiServer } from '../../create-server.ts'
import { type FlagPlace, openFlagPlace, ruleFor, shareOf } from '../../testing/flag-place.ts'
import { openRelay } from '../../testing/relay.ts'
import { type Answer, ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'

let house: TestHouse
let server: DankaiServer
const backups = mkdtempSync(join(tmpdir(), 'dankai-unleash-'))
const closing: (() => void)[] = []

before(async () => {
  house = await openTestHouse()
  server = await house.open()
})
after(async () => {
  for (const close of closing) close()
  await house.close()
  rmSync(backups, { recursive: true, force: true })
})

const silent = { error() {}, warn() {}, info() {}, debug() {} }

type Options = Partial<ConstructorParameters<typeof Unleash>[0]>

function openClient(key: string, options: Options = {}): Unleash {
  const client = new Unleash({
    url: `${server.url}/unleash/api/`,
    appName: 'trips',
    customHeaders: { Authorization: key },
    backupPath: backups,
    refreshInterval: 50,
    metricsInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    ...options,
  })
  closing.push(() => {
    client.destroy()
    // A request that is on its way when its client ends may fail, and the client has taken its own listeners off.
    const { repository } = client as unknown as { readonly repository: EventEmitter }
    repository.on('error', () => {})
  })
  client.on('error', () => {})
  return client
}

function openFrontend(key: string, options: object = {}): UnleashClient {
  const client = new UnleashClient({
    url: `${server.url}/unleash/api/frontend`,
    clientKey: key,
    appName: 'triptrip-web',
    refreshInterval: 0,
    disableMetrics: true,
    storageProvider: new InMemoryStorageProvider(),
    fetch,
    ...options,
  })
  closing.push(() => client.stop())
  return client
}

const unleash = { algorithm: 'unleash' } as const
const variants = { on: 'new', off: 'old', beta: { size: 2 } }

async function fill(place: FlagPlace): Promise<void> {
  await place.setFlag('new-booking-flow', { ...unleash, ...shareOf(1) })
  await place.setFlag('refused', { ...shareOf(0.5) })
  await place.setFlag('search', {
    ...unleash,
    kind: 'experiment',
    variants,
    rules: [
      ruleFor('beta', 'plan', 'beta', 'beta'),
      {
        ...ruleFor('staff', 'plan', 'x', 'on'),
        when: [{ attribute: '', operator: 'inSegment', values: ['staff'], negated: false }],
      },
    ],
    segments: { staff: { include: { team: ['tokyo'] } } },
    prerequisites: [{ flag: 'new-booking-flow', variants: ['on'] }],
  })
}

const context = (userId: string, properties: Record<string, string> = {}) => ({ userId, properties })

/** One change may be told twice, and of two the first may come alone. */
async function hears(client: Unleash, isSo: () => boolean): Promise<void> {
  while (!isSo()) await once(client, 'changed')
}

for (const mode of ['polling', 'streaming'] as const) {
  describe(`unleash-client, unmodified, ${mode}`, () => {
    it('evaluates what it is served, hears of changes, stops and removals, and of nothing it could not follow', async () => {
      const place = await openFlagPlace(server.url, `unleash-${mode}`)
      await fill(place)
      const client = openClient(place.serverKey, {
        appName: `trips-${mode}`,
        ...(mode === 'streaming' ? { experimentalMode: { type: 'streaming' } } : {}),
      })
      await once(client, 'synchronized')
      const variantFor = (properties: Record<string, string>) => {
        const { name, enabled, payload } = client.getVariant('search', context('aki', properties))
        return enabled ? [name, payload?.value] : [name]
      }
      assert.equal(client.isEnabled('new-booking-flow', context('aki')), true)
      assert.deepEqual(variantFor({ plan: 'beta' }), ['beta', '{"size":2}'])
      assert.deepEqual(variantFor({ team: 'tokyo' }), ['on', 'new'])
      assert.deepEqual(variantFor({ team: 'osaka' }), ['disabled'])
      assert.deepEqual(
        client
          .getFeatureToggleDefinitions()
          .map(({ name }) => name)
          .toSorted(),
        ['new-booking-flow', 'search'],
      )

      await place.setFlag('search', { ...unleash, variants, rules: [ruleFor('b', 'plan', 'beta', 'on')] })
      await hears(client, () => variantFor({ plan: 'beta' })[0] === 'on')
      assert.deepEqual([variantFor({ plan: 'beta' }), variantFor({ team: 'tokyo' })], [['on', 'new'], ['disabled']])

      const stop = { body: { stop: true, why: 'a test', flag: 'new-booking-flow' } }
      assert.equal((await ask(server.url, 'POST', `/v1/emergency?environment=${place.environment}`, stop)).status, 200)
      await hears(client, () => !client.isEnabled('new-booking-flow', context('aki')))

      await place.removeFlag('search')
      await hears(client, () => client.getFeatureToggleDefinition('search') === undefined)

      await place.setFlag('refused', { ...shareOf(1) })
      await hears(client, () => client.isEnabled('refused', context('aki')))
    })
  })
}

describe('unleash-client, unmodified', () => {
  it('hears only what it missed when its stream was cut, and everything from an instance that knows nothing of it', async () => {
    const place = await openFlagPlace(server.url, 'unleash-cut')
    await fill(place)
    const relay = await openRelay(server.url)
    const client = openClient(place.serverKey, {
      url: `${relay.url}/unleash/api/`,
      appName: 'trips-cut',
      experimentalMode: { type: 'streaming' },
    })
    await once(client, 'synchronized')
    const comesBack = async (to: string, change: () => Promise<unknown>, isSo: () => boolean): Promise<string> => {
      relay.cut()
      await change()
      relay.goOn(to)
      await hears(client, isSo)
      return relay.heard
    }
    const change = async () => {
      await place.setFlag('new-booking-flow', { ...unleash, ...shareOf(0) })
      await place.removeFlag('search')
    }
    const missed = await comesBack(server.url, change, () => client.getFeatureToggleDefinitions().length === 1)
    assert.match(missed, /last-event-id: [0-9a-f]{8}-\d+\r\n/i)
    assert.deepEqual(
      [...missed.matchAll(/^event: (.*)$/gm)].map(([, name]) => name),
      ['unleash-updated', 'unleash-updated'],
    )
    assert.equal(client.isEnabled('new-booking-flow', context('aki')), false)
    assert.deepEqual(
      client.getFeatureToggleDefinitions().map(({ name }) => name),
      ['new-booking-flow'],
    )
    const other = await house.open()
    const everything = await comesBack(
      other.url,
      () => place.setFlag('new-booking-flow', { ...unleash, ...shareOf(1) }),
      () => client.isEnabled('new-booking-flow', context('aki')),
    )
    assert.deepEqual(
      [...everything.matchAll(/^event: (.*)$/gm)].map(([, name]) => name),
      ['unleash-connected'],
    )
    assert.equal(client.isEnabled('new-booking-flow', context('aki')), true)
    client.destroy()
    await relay.close()
  })

  it('registers, sends counts that are kept for each variant, and stops when its key is not good', async () => {
    const place = await openFlagPlace(server.url, 'unleash-counts')
    await fill(place)
    const client = openClient(place.serverKey, { appName: 'counting', disableMetrics: false, metricsInterval: 60_000 })
    await Promise.all([once(client, 'registered'), once(client, 'synchronized')])
    for (let index = 0; index < 3; index++) client.isEnabled('new-booking-flow', context('aki'))
    client.getVariant('search', context('aki', { plan: 'beta' }))
    client.getVariant('search', context('aki'))
    const sent = once(client, 'sent')
    await client.flushMetrics()
    await sent
    const usage = async (key: string): Promise<Record<string, number>> => {
      const { status, body } = await place.call('GET', `/v1/flags/${key}/evaluations`)
      assert.equal(status, 200, JSON.stringify(body))
      return Object.fromEntries(
        body.items.map(({ variant, count }: { variant: string; count: number }) => [variant, count]),
      )
    }
    assert.deepEqual([await usage('new-booking-flow'), await usage('search')], [{ on: 3 }, { beta: 1, off: 1 }])

    const wrong = openClient('dk_unknown', { appName: 'wrong' })
    const [problem] = await once(wrong, 'error')
    assert.match(String(problem), /responded 401/)
  })

  it('learns by 304 that nothing changed', async () => {
    const place = await openFlagPlace(server.url, 'unleash-304')
    await fill(place)
    const client = openClient(place.serverKey, { appName: 'unchanged' })
    await once(client, 'unchanged')
    const read = (headers: Record<string, string>): Promise<Answer> =>
      ask(server.url, 'GET', '/unleash/api/client/features', { key: place.serverKey, headers })
    const tag = (await read({})).headers.get('etag') ?? ''
    assert.deepEqual(
      [(await read({ 'if-none-match': tag })).status, (await read({ 'if-none-match': '"x"' })).status],
      [304, 200],
    )
    await place.setFlag('new-booking-flow', { ...unleash, ...shareOf(0) })
    assert.equal((await read({ 'if-none-match': tag })).status, 200)
  })
})

describe('unleash-proxy-client, unmodified', () => {
  it('is told the true answers for its context, by GET and by POST, those of flags that Unleash could not deal included', async () => {
    const place = await openFlagPlace(server.url, 'unleash-frontend')
    await fill(place)
    await place.setFlag('refused', { ...shareOf(0.5) })
    for (const usePOSTrequests of [false, true]) {
      const client = openFrontend(place.clientKey, { usePOSTrequests })
      await client.updateContext({ userId: 'aki', properties: { plan: 'beta' } })
      await client.start()
      assert.equal(client.isEnabled('new-booking-flow'), true)
      const { name, payload } = client.getVariant('search')
      assert.deepEqual([name, payload], ['beta', { type: 'json', value: '{"size":2}' }])
      const flag = compileFlag(defineFlag({ key: 'refused', ...shareOf(0.5) }))
      for (let index = 0; index < 20; index++) {
        await client.updateContext({ userId: `user-${index}` })
        const ours = evaluateFlag(flag, { targetingKey: `user-${index}` }).value
        assert.equal(client.isEnabled('refused'), ours, `user-${index}`)
      }
    }
  })

  it('reports what it asked for, and hears by its error event that its key is not good', async () => {
    const place = await openFlagPlace(server.url, 'unleash-frontend-counts')
    await fill(place)
    const client = openFrontend(place.clientKey, {
      disableMetrics: false,
      metricsInterval: 600,
      metricsIntervalInitial: 0,
    })
    await client.start()
    client.isEnabled('new-booking-flow')
    client.isEnabled('new-booking-flow')
    await client.sendMetrics()
    const { body } = await place.call('GET', '/v1/flags/new-booking-flow/evaluations')
    assert.deepEqual(
      body.items.map(({ variant, count }: { variant: string; count: number }) => [variant, count]),
      [['on', 2]],
    )
    const { error } = console
    console.error = () => {}
    try {
      const wrong = openFrontend('dk_unknown')
      const told = once(wrong as never, 'error')
      await wrong.start()
      assert.deepEqual(await told, [{ type: 'HttpError', code: 401 }])
    } finally {
      console.error = error
    }
  })
})

describe('the Unleash endpoints', () => {
  it('answers what goes wrong in the form of Unleash, whatever is sent', async () => {
    const place = await openFlagPlace(server.url, 'unleash-wrong')
    const table: readonly (readonly [
      method: string,
      path: string,
      key: string,
      body: string | null,
      status: number,
      name: string,
    ])[] = [
      ['GET', '/client/features', 'dk_unknown', null, 401, 'AuthenticationRequired'],
      ['GET', '/client/features', place.clientKey, null, 403, 'NoAccessError'],
      ['GET', '/client/nothing', place.serverKey, null, 404, 'NotFoundError'],
      ['POST', '/client/metrics', place.serverKey, '{', 400, 'BadDataError'],
      ['POST', '/frontend', place.clientKey, '{', 400, 'BadDataError'],
      [
        'POST',
        '/frontend',
        place.clientKey,
        `{"context":{"userId":"${'x'.repeat(1_100_000)}"}}`,
        413,
        'ContentTooLargeError',
      ],
    ]
    for (const [method, path, key, body, status, name] of table) {
      const answer = await ask(server.url, method, `/unleash/api${path}`, {
        key: null,
        headers: { authorization: key, 'content-type': 'application/json' },
        ...(body === null ? {} : { body }),
      })
      assert.deepEqual(
        [answer.status, answer.body.name, typeof answer.body.details[0].message],
        [status, name, 'string'],
        path,
      )
    }
    for (const body of [
      'null',
      '[]',
      '{"bucket":1}',
      '{"bucket":{"toggles":{"x":{"yes":-1,"no":"a","variants":[1]}}}}',
    ])
      for (const path of ['/client/metrics', '/client/register', '/frontend/client/metrics'])
        assert.equal((await ask(server.url, 'POST', `/unleash/api${path}`, { key: place.serverKey, body })).status, 202)
    const odd = { context: { userId: 7, properties: { ['__proto__']: 'x', plan: { a: 1 } } } }
    assert.equal(
      (await ask(server.url, 'POST', '/unleash/api/frontend', { key: place.clientKey, body: odd })).status,
      200,
    )
  })
})

describe('one flag and the clients of four systems', () => {
  it('chooses the same users through all of them, and refuses those that would choose others', async () => {
    const place = await openFlagPlace(server.url, 'one-flag')
    const definition = { ...unleash, ...shareOf(0.37), seed: 'one-group' }
    await place.setFlag('one', definition)
    const users = Array.from({ length: 10_000 }, (_, index) => `user-${index}`)
    const flag = compileFlag(defineFlag({ key: 'one', ...definition }))
    const expected = new Set(users.filter(targetingKey => evaluateFlag(flag, { targetingKey }).value === true))
    assert.ok(Math.abs(expected.size - 3_700) < 200, String(expected.size))

    const server1 = openClient(place.serverKey, { appName: 'one' })
    await once(server1, 'synchronized')
    assert.deepEqual(new Set(users.filter(user => server1.isEnabled('one', context(user)))), expected)

    const connections = new Pool(server.url, { connections: 8 })
    closing.push(() => void connections.close())
    const evaluate = async (path: string, user: string): Promise<boolean> => {
      const { body } = await connections.request({
        method: 'POST',
        path: `/ofrep/v1/evaluate/flags${path}`,
        headers: { authorization: `Bearer ${place.clientKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ context: { targetingKey: user } }),
      })
      const answer = (await body.json()) as { value?: boolean; flags?: readonly { value: boolean }[] }
      return (answer.flags?.[0] ?? answer).value === true
    }
    for (const [path, asked] of [
      ['', users],
      ['/one', users.slice(0, 2_000)],
    ] as const) {
      const found: string[] = []
      await Promise.all(asked.map(async user => ((await evaluate(path, user)) ? found.push(user) : null)))
      assert.deepEqual(new Set(found), new Set(asked.filter(user => expected.has(user))), `OFREP ${path}`)
    }

    const frontend = openFrontend(place.clientKey)
    await frontend.start()
    for (const user of users.filter((_, index) => index % 50 === 0)) {
      await frontend.updateContext({ userId: user })
      assert.equal(frontend.isEnabled('one'), expected.has(user), user)
    }

    const file = (await ask(server.url, 'GET', '/flagd/flags.json', { key: place.serverKey })).body
    const core = new FlagdCore(undefined, silent)
    core.setConfigurations(JSON.stringify(file))
    assert.equal(
      core.resolveBooleanEvaluation('one', false, { targetingKey: 'user-1' }, silent).errorCode,
      'FLAG_NOT_FOUND',
    )

    const base = `${server.url}/launchdarkly`
    const other = launchDarkly.init(place.serverKey, {
      baseUri: base,
      streamUri: base,
      eventsUri: base,
      logger: silent,
      diagnosticOptOut: true,
    })
    closing.push(() => other.close())
    await other.waitForInitialization({ timeout: 20 })
    const { reason } = await other.variationDetail('one', { key: 'user-1' }, false)
    assert.equal(reason.errorKind, 'FLAG_NOT_FOUND')
  })
})
