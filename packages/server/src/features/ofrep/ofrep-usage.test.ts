import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { OpenFeature } from '@openfeature/server-sdk'
import { OpenFeature as OpenFeatureWeb, type Provider } from '@openfeature/web-sdk'
import pino from 'pino'
import { EventSource } from 'undici'
import { createServer, type DankaiServer } from '../../create-server.ts'
import { type FlagPlace, openFlagPlace, ruleFor, shareOf } from '../../testing/flag-place.ts'
import { type FlakyDoor, startFlakyDoor } from '../../testing/flaky-door.ts'
import { adminKey, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'

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

const variants = { on: 'new', off: 'old', beta: 'beta' }
const half = [
  { variant: 'on', weight: 50_000 },
  { variant: 'off', weight: 50_000 },
]
const experiment = { variants, otherwise: { split: half, by: null, seed: null, experiment: true } } as const

const serverClient = async (place: FlagPlace) => {
  const headers: [string, string][] = [['Authorization', `Bearer ${place.clientKey}`]]
  await OpenFeature.setProviderAndWait(place.environment, new OFREPProvider({ baseUrl: server.url, headers }))
  return OpenFeature.getClient(place.environment)
}

/** `[who, variant, times]`, in an order of its own. */
const usesOf = async (place: FlagPlace, key: string): Promise<unknown[]> => {
  const { status, body } = await place.call('GET', `/v1/flags/${key}/evaluations`)
  assert.equal(status, 200, JSON.stringify(body))
  type Use = { who: string; variant: string | null; count: number }
  return body.items.map(({ who, variant, count }: Use) => [who, variant, count]).toSorted()
}

const usersOf = async (place: FlagPlace, flag: string): Promise<number> => {
  const { status, body } = await place.call('GET', `/v1/experiments/${flag}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body.variants.reduce((total: number, { users }: { users: number }) => total + users, 0)
}

describe('what the server evaluated for OFREP providers', () => {
  it('is counted by flag and variant, apart for those who ask for one flag and those who read all', async () => {
    const place = await openFlagPlace(server.url, 'usage')
    await place.setFlag('greeting', { variants, rules: [ruleFor('beta', 'plan', 'beta', 'beta')], ...shareOf(1) })
    await place.setFlag('unused', { variants, ...shareOf(0.5) })
    const client = await serverClient(place)
    for (const plan of ['beta', 'free', 'free']) await client.getStringValue('greeting', '', { plan })
    await client.getStringValue('unused', '', {})
    await client.getStringValue('no such flag', '', {})
    assert.deepEqual(await usesOf(place, 'greeting'), [
      ['ofrep', 'beta', 1],
      ['ofrep', 'on', 2],
    ])
    assert.deepEqual(await usesOf(place, 'unused'), [['ofrep', null, 1]], 'who has no key is served his own default')

    // An answer that was given before its flag changed is counted all the same.
    await client.getStringValue('greeting', '', {})
    await place.setFlag('greeting', { variants, ...shareOf(0) })
    await client.getStringValue('greeting', '', {})
    assert.deepEqual(await usesOf(place, 'greeting'), [
      ['ofrep', 'beta', 1],
      ['ofrep', 'off', 1],
      ['ofrep', 'on', 3],
    ])
  })

  it('is counted for pages that read all flags, also when they hear that nothing changed', async () => {
    const place = await openFlagPlace(server.url, 'usage-web')
    await place.setFlag('banner', { variants, ...shareOf(1) })
    let asked = 0
    const provider = new OFREPWebProvider({
      baseUrl: server.url,
      headers: [['Authorization', `Bearer ${place.clientKey}`]],
      pollInterval: 0,
      cacheMode: 'disabled',
      async fetchImplementation(input: string | URL | Request, init?: RequestInit) {
        const response = await fetch(new Request(input, init))
        asked++
        return response
      },
    })
    await OpenFeatureWeb.setContext({ targetingKey: 'aki' })
    await OpenFeatureWeb.setProviderAndWait('usage-web', provider as Provider)
    await OpenFeatureWeb.setContext({ targetingKey: 'mei' })
    await OpenFeatureWeb.clearProviders()
    assert.ok(asked >= 2)
    const body = { context: { targetingKey: 'aki' } }
    const read = (headers = {}) =>
      ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key: place.clientKey, body, headers })
    const tag = (await read()).headers.get('etag') ?? ''
    assert.equal((await read({ 'if-none-match': tag })).status, 304)
    assert.deepEqual(await usesOf(place, 'banner'), [['ofrep, all flags', 'on', asked + 2]])
  })

  it('is written when the server stops', async () => {
    const place = await openFlagPlace(server.url, 'usage-stop')
    await place.setFlag('last', { ...experiment, kind: 'experiment' })
    const another = await house.open()
    for (const targetingKey of ['aki', 'mei'])
      await ask(another.url, 'POST', '/ofrep/v1/evaluate/flags/last', {
        key: place.clientKey,
        body: { context: { targetingKey } },
      })
    await another.stop()
    const times = (await usesOf(place, 'last')).reduce<number>((total, use) => total + (use as [0, 0, number])[2], 0)
    assert.deepEqual([times, await usersOf(place, 'last')], [2, 2])
  })
})

describe('users of experiments whom the server answered by OFREP', () => {
  it('are exposed once each by being asked for, and not by being among the readers of all flags', async () => {
    const place = await openFlagPlace(server.url, 'exposed')
    await place.setFlag('search', { ...experiment, kind: 'experiment' })
    await place.setFlag('plain', { variants, ...shareOf(0.5) })
    const client = await serverClient(place)
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`)
    for (const targetingKey of [...users, ...users, '', 'k'.repeat(2_049)])
      for (const flag of ['search', 'plain']) await client.getStringValue(flag, '', { targetingKey })
    const body = { context: { targetingKey: 'only reads all' } }
    assert.equal(
      (await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key: place.clientKey, body })).status,
      200,
    )

    // What they did counts from the moment they were answered, though nobody has looked yet.
    const outcomes = [...users.slice(0, 5), 'only reads all'].map(user => ({ event: 'booked', user, at: Date.now() }))
    const told = { sdk: randomUUID(), batch: 1, sentAt: Date.now(), outcomes }
    assert.equal((await place.call('POST', '/v1/exposures', told)).status, 202)
    assert.deepEqual([await usersOf(place, 'search'), await usersOf(place, 'plain')], [20, 0])
    const { body: found } = await place.call('GET', '/v1/experiments/search')
    const [booked] = found.outcomes
    assert.equal(booked.event, 'booked')
    const converted = booked.variants.map((variant: { converted: number }) => variant.converted)
    assert.equal(
      converted.reduce((total: number, one: number) => total + one, 0),
      5,
    )
  })
})

describe('while the database is away', () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line).msg) }) as never
  const linesOf = (text: string) => lines.filter(line => line.includes(text)).length
  let door: FlakyDoor
  let away: DankaiServer
  const dataDir = mkdtempSync(join(tmpdir(), 'dankai-ofrep-'))
  before(async () => {
    door = await startFlakyDoor(house.databaseUrl)
    away = await createServer(
      {
        ...{ host: '127.0.0.1', port: 0, dataDir, databaseUrl: door.url, adminKey },
        ...{ secretKey: Buffer.alloc(32, 7), logLevel: 'warn' as const },
      },
      log,
    )
  })
  after(async () => {
    door.open()
    await away.stop()
    await door.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('evaluations and exposures wait, the log says so once, and each counts once when it is back', async () => {
    const place = await openFlagPlace(away.url, 'away')
    await place.setFlag('search', { ...experiment, kind: 'experiment' })
    const evaluate = (targetingKey: string) =>
      ask(away.url, 'POST', '/ofrep/v1/evaluate/flags/search', {
        key: place.clientKey,
        body: { context: { targetingKey } },
      })
    assert.equal((await evaluate('aki')).status, 200)
    door.shut()
    for (const user of ['mei', 'ken', 'mei']) assert.equal((await evaluate(user)).status, 200)
    const at = Date.now()
    const outcomes = [{ event: 'booked', user: 'ken', at }]
    const told = { sdk: randomUUID(), batch: 1, sentAt: at, outcomes }
    for (let times = 0; times < 2; times++) assert.equal((await place.call('POST', '/v1/exposures', told)).status, 503)
    door.open()
    await until(
      () => place.call('POST', '/v1/exposures', told),
      ({ status }) => status === 202,
    )
    assert.equal(await usersOf(place, 'search'), 3)
    const uses = (await usesOf(place, 'search')) as [string, string, number][]
    assert.equal(
      uses.reduce((total, [, , times]) => total + times, 0),
      4,
    )
    assert.equal(linesOf('cannot write who was given which variant'), 1, lines.join('\n'))
  })
})
