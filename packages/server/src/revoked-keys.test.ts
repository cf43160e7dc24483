import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import type { DankaiServer } from './create-server.ts'
import { ask, openTestHouse, type TestHouse } from './testing/test-server.ts'

let house: TestHouse
let one: DankaiServer
/** Another instance on the same database. */
let two: DankaiServer
const abandoned = new AbortController()

before(async () => {
  house = await openTestHouse()
  one = await house.open()
  two = await house.open()
})
after(async () => {
  abandoned.abort()
  await house.close()
})

const promisedMs = 5_000

interface Key {
  readonly id: string
  readonly secret: string
}

async function makeKey(kind: string, change: { principal?: string; expiresAt?: number } = {}): Promise<Key> {
  const body = { kind, principal: 'trips', name: kind, ...change }
  const answer = await ask(one.url, 'POST', '/v1/keys', { body })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.body
}

interface Target {
  readonly path: string
  readonly headers: Record<string, string>
}

async function eventsOf({ secret }: Key): Promise<Target> {
  const { body } = await ask(two.url, 'POST', '/ofrep/v1/evaluate/flags', { key: secret, body: { context: {} } })
  return { path: body.eventStreams[0].endpoint.requestUri, headers: {} }
}

const context = Buffer.from('{"kind":"user","key":"aki"}').toString('base64url')
const bearer = ({ secret }: Key) => ({ authorization: `Bearer ${secret}` })

/** How each protocol opens a stream. */
const protocols: readonly (readonly [name: string, kind: string, target: (key: Key) => Target | Promise<Target>])[] = [
  ['dankai', 'sdk-server', key => ({ path: '/v1/stream', headers: { ...bearer(key), 'dankai-sdk': randomUUID() } })],
  ['launchdarkly', 'sdk-server', ({ secret }) => ({ path: '/launchdarkly/all', headers: { authorization: secret } })],
  [
    'launchdarkly-clients',
    'sdk-client',
    ({ secret }) => ({ path: `/launchdarkly/eval/${secret}/${context}`, headers: {} }),
  ],
  ['flagd', 'sdk-server', key => ({ path: '/flagd/stream', headers: bearer(key) })],
  ['unleash', 'sdk-server', key => ({ path: '/unleash/api/client/streaming', headers: bearer(key) })],
  ['ofrep', 'sdk-client', eventsOf],
]

interface Followed {
  readonly hasEnded: () => boolean
  /** When it ended, by the clock of this process. */
  readonly ended: Promise<number>
}

async function follow({ path, headers }: Target): Promise<Followed> {
  const response = await fetch(two.url + path, { headers, signal: abandoned.signal })
  assert.equal(response.status, 200, path)
  let isOpen = true
  const ended = response.text().then(() => {
    isOpen = false
    return performance.now()
  })
  ended.catch(() => {})
  return { hasEnded: () => !isOpen, ended }
}

it('every protocol’s streams end within five seconds after their key was revoked elsewhere, and cannot be opened again', async () => {
  const followed = await Promise.all(
    protocols.map(async ([name, kind, targetOf]) => {
      const [revoked, kept] = await Promise.all([makeKey(kind), makeKey(kind)])
      const target = await targetOf(revoked)
      return { name, revoked, target, stream: await follow(target), other: await follow(await targetOf(kept)) }
    }),
  )
  const revokedAt = performance.now()
  await Promise.all(
    followed.map(async ({ revoked }) =>
      assert.equal((await ask(one.url, 'DELETE', `/v1/keys/${revoked.id}`)).status, 204),
    ),
  )
  for (const { name, target, stream, other } of followed) {
    const tookMs = (await stream.ended) - revokedAt
    assert.ok(tookMs < promisedMs, `${name}: ${tookMs} ms`)
    const { status } = await fetch(two.url + target.path, { headers: target.headers })
    assert.equal(status, name === 'launchdarkly-clients' ? 404 : 401, name)
    assert.equal(other.hasEnded(), false, `${name}: the stream of another key`)
  }
})

it('a stream ends when its key expires, or the owner of its key is disabled', async () => {
  const [, , targetOf] = protocols[0]!
  const [expiring, owned, kept] = await Promise.all([
    makeKey('sdk-server', { expiresAt: Date.now() + 2_000 }),
    makeKey('sdk-server', { principal: 'flights' }),
    makeKey('sdk-server'),
  ])
  const [first, second, other] = await Promise.all(
    [expiring, owned, kept].map(async key => follow(await targetOf(key))),
  )
  assert.equal((await ask(two.url, 'DELETE', '/v1/principals/flights')).status, 204)
  await Promise.all([first!.ended, second!.ended])
  assert.equal(other!.hasEnded(), false)
})
