import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import type { DankaiServer } from './create-server.ts'
import { type FlagPlace, openFlagPlace } from './testing/flag-place.ts'
import { ask, openTestHouse, type TestHouse, until } from './testing/test-server.ts'

let house: TestHouse
let server: DankaiServer
let place: FlagPlace
const clients: DankaiClient[] = []

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  place = await openFlagPlace(server.url, 'client-flags')
  const full = { exposure: { share: 1, cohorts: [], shadow: false } }
  await place.setFlag('secret', full, { client: false })
  await place.setFlag('needed', full, { client: false })
  const prerequisites = [{ flag: 'needed', variants: ['on'] }]
  await place.setFlag('shown', { ...full, prerequisites }, { client: true })
})
after(async () => {
  await Promise.all(clients.map(client => client.close()))
  await house.close()
})

const user = { targetingKey: 'user-1' }

function follow(key: string): DankaiClient {
  const client = createDankaiClient({ url: server.url, key, name: 'page', service: 'trips', flushEveryMs: 100 })
  clients.push(client)
  return client
}

/** The first event of a stream, as text. */
async function firstEventOf(path: string, headers: Record<string, string>): Promise<string> {
  const request = get(`${server.url}${path}`, { headers })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer) {
    text += chunk
    if (text.includes('\n\n')) break
  }
  request.destroy()
  return text
}

describe('a key of kind sdk-client', () => {
  const context = Buffer.from(JSON.stringify({ kind: 'user', key: 'user-1' })).toString('base64url')
  const answers: readonly [string, (key: string) => Promise<unknown>][] = [
    ['/v1/bootstrap', async key => (await ask(server.url, 'GET', '/v1/bootstrap', { key })).body],
    [
      '/v1/stream',
      key =>
        firstEventOf('/v1/stream', {
          authorization: `Bearer ${key}`,
          'dankai-sdk': '00000000-0000-4000-8000-000000000001; name=reader',
        }),
    ],
    [
      'OFREP',
      async key =>
        (await ask(server.url, 'POST', '/ofrep/v1/evaluate/flags', { key, body: { context: user } })).body.flags,
    ],
    [
      'LaunchDarkly’s values',
      async key =>
        (
          await ask(server.url, 'GET', `/launchdarkly/msdk/evalx/contexts/${context}`, {
            key: null,
            headers: { authorization: key },
          })
        ).body,
    ],
    ['LaunchDarkly’s stream of values', key => firstEventOf(`/launchdarkly/meval/${context}`, { authorization: key })],
    [
      'Unleash’s frontend',
      async key => (await ask(server.url, 'GET', '/unleash/api/frontend?userId=user-1', { key })).body,
    ],
  ]
  for (const [name, answerTo] of answers)
    it(`reads by ${name} the flags that are marked for clients and what they ask for, and of no other a word`, async () => {
      const [forClients, forServers] = await Promise.all([place.clientKey, place.serverKey].map(answerTo))
      assert.match(JSON.stringify(forClients), /shown.*/)
      assert.match(JSON.stringify(forClients), /needed/)
      assert.doesNotMatch(JSON.stringify(forClients), /secret/)
      assert.match(JSON.stringify(forServers), /secret/)
    })

  it('asks OFREP in vain for another flag, as for one that is not there, and gets the value of its own', async () => {
    const evaluate = (flag: string, key = place.clientKey) =>
      ask(server.url, 'POST', `/ofrep/v1/evaluate/flags/${flag}`, { key, body: { context: user } })
    const hidden = await evaluate('secret')
    const missing = await evaluate('no-such-flag')
    assert.deepEqual([hidden.status, hidden.body.errorCode], [404, 'FLAG_NOT_FOUND'])
    assert.deepEqual(hidden.body, JSON.parse(JSON.stringify(missing.body).replaceAll('no-such-flag', 'secret')))
    assert.match(hidden.body.errorDetails, /--client/)
    assert.equal((await evaluate('shown')).body.value, true)
    assert.equal((await evaluate('secret', place.serverKey)).body.value, true)
  })

  it('reads nothing of what people know of a flag', async () => {
    for (const path of ['/v1/flags', '/v1/flags/shown', '/v1/flags/shown/history', '/launchdarkly/sdk/latest-all'])
      assert.equal((await ask(server.url, 'GET', path, { key: place.clientKey })).status, 403, path)
  })

  it('tells of users of experiments it may read, and of no others', async () => {
    const exposure = { variant: 'on', user: 'user-1', at: Date.now() }
    const { status, body } = await ask(server.url, 'POST', '/v1/exposures', {
      key: place.clientKey,
      body: {
        sdk: '00000000-0000-4000-8000-000000000002',
        batch: 1,
        sentAt: Date.now(),
        exposures: [
          { ...exposure, flag: 'shown' },
          { ...exposure, flag: 'secret' },
        ],
        outcomes: [],
      },
    })
    assert.equal(status, 202, JSON.stringify(body))
    assert.deepEqual([body.accepted, body.refused.length], [1, 1])
  })

  it('follows the stream through versions of flags it does not read, and says how far it is', async () => {
    const page = follow(place.clientKey)
    await page.ready()
    assert.equal(page.isEnabled('shown', user), true)
    assert.equal(page.evaluate('secret', user, false).errorCode, 'FLAG_NOT_FOUND')
    const broken: unknown[] = []
    page.on('error', error => broken.push(error))
    const heard: string[] = []
    page.on('change', ({ keys }) => heard.push(...keys))
    const version = await place.setFlag('secret', { on: false }, { client: false })
    await until(
      () => place.call('GET', '/v1/sdks'),
      ({ body }) =>
        body.items.some((sdk: { kind: string; version: number }) => sdk.kind === 'client' && sdk.version === version),
    )
    assert.deepEqual(heard, [])
    const appeared = once(emitterOf(page), 'change')
    await place.setFlag('secret', { on: true, exposure: { share: 1, cohorts: [], shadow: false } }, { client: true })
    await appeared
    assert.equal(page.isEnabled('secret', user), true)
    const vanished = once(emitterOf(page), 'change')
    await place.setFlag('secret', { on: true }, { client: false })
    await vanished
    assert.equal(page.evaluate('secret', user, false).errorCode, 'FLAG_NOT_FOUND')
    assert.deepEqual(broken, [])
  })

  it('hears of an emergency stop, and its prerequisite is stopped with it', async () => {
    const page = follow(place.clientKey)
    await page.ready()
    const body = { stop: true, flag: 'needed', why: 'test', id: randomUUID() }
    // A page of a machine that is too slow to speak within a second is counted when the stop is posted once more.
    await until(
      () => place.call('POST', '/v1/emergency', body),
      ({ body }) => body.silent.every(({ name }: { name: string }) => name !== 'page'),
    )
    await until(
      async () => page.isEnabled('shown', user),
      isOn => !isOn,
    )
    await place.call('POST', '/v1/emergency', { ...body, stop: false })
  })
})

/** The client's events, for `once`. */
function emitterOf(client: DankaiClient) {
  const target = new EventTarget()
  const stop = client.on('change', () => {
    stop()
    target.dispatchEvent(new Event('change'))
  })
  return target
}
