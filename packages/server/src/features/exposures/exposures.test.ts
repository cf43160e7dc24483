import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { defineFlag } from '@dankai/flags'
import { createDankaiClient } from '@dankai/sdk'
import type { DankaiServer } from '../../create-server.ts'
import { ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'
import { readExposures } from './read-exposures.ts'

const now = 1_800_000_000_000
const search = defineFlag({ key: 'search', variants: { ml: 'ml_ranking', off: 'control' }, onVariant: 'ml' })
const read = (exposures: readonly unknown[], outcomes: readonly unknown[] = [], sentAt = now) =>
  readExposures({ sentAt, exposures, outcomes }, key => (key === 'search' ? search : undefined), now)

describe('reading exposures', () => {
  it('corrects the clock of the sender, and puts nothing into the future', () => {
    const seen = { flag: 'search', variant: 'ml', user: 'aki' }
    const { exposures } = read(
      [
        { ...seen, at: 500 },
        { ...seen, at: 2_000 },
      ],
      [],
      1_000,
    )
    assert.deepEqual(
      exposures.map(({ at }) => at),
      [now - 500, now],
    )
  })

  it('takes what is sound and names what is not, entry by entry', () => {
    const seen = { flag: 'search', variant: 'ml', user: 'aki', at: now }
    const rows: readonly [entry: unknown, code: string | null][] = [
      [seen, null],
      [{ ...seen, variant: 'off' }, null],
      [{ ...seen, variant: 'toString' }, 'unknown-variant'],
      [{ ...seen, flag: '__proto__' }, 'unknown-flag'],
      [{ ...seen, user: '' }, 'invalid'],
      [{ ...seen, user: 'u'.repeat(2_049) }, 'invalid'],
      [{ ...seen, at: Number.NaN }, 'invalid'],
      [{ ...seen, at: now - 86_400_001 }, 'late'],
      [null, 'invalid'],
    ]
    for (const [entry, code] of rows) {
      const { exposures, refused } = read([entry])
      assert.deepEqual(
        [exposures.length, refused[0]?.code ?? null],
        [code === null ? 1 : 0, code],
        JSON.stringify(entry),
      )
    }
    const outcomes = [
      { event: 'booked', user: 'aki', at: now },
      { event: 'a\u0000b', user: 'aki', at: now },
      { event: 'paid', user: 'aki', at: now, value: 1e308 },
      { event: 'paid', user: 'aki', at: now, value: -1.1e15 },
    ]
    const found = read([], outcomes)
    assert.deepEqual(found.outcomes, [{ event: 'booked', user: 'aki', at: now, value: 1 }])
    assert.deepEqual(
      found.refused.map(({ list, index, code }) => [list, index, code]),
      [1, 2, 3].map(index => ['outcomes', index, 'invalid']),
    )
  })
})

describe('exposures over HTTP', () => {
  let house: TestHouse
  let server: DankaiServer
  before(async () => {
    house = await openTestHouse()
    server = await house.open()
  })
  after(() => house.close())
  const scope = { project: 'default', environment: 'production' }
  const { version: _version, ...definition } = search

  it('a batch is durable when it is answered, counts once, and names what was refused', async () => {
    const put = await ask(server.url, 'PUT', '/v1/flags/search', { body: { flag: definition } })
    assert.equal(put.status, 200, JSON.stringify(put.body))
    const at = Date.now()
    const body = {
      sdk: randomUUID(),
      batch: 1,
      sentAt: at,
      exposures: [
        { flag: 'search', variant: 'ml', user: 'aki', at },
        { flag: 'gone', variant: 'ml', user: 'aki', at },
      ],
      outcomes: [{ event: 'booked', user: 'aki', at: at + 1, value: 12_800 }],
    }
    for (const _again of [1, 2]) {
      const answer = await ask(server.url, 'POST', '/v1/exposures', { body })
      assert.equal(answer.status, 202)
      assert.equal(answer.body.accepted, 2)
      assert.deepEqual(answer.body.refused[0].code, 'unknown-flag')
    }
    const [variant] = await server.store.exposures.variants(scope, 'search')
    assert.deepEqual([variant?.variant, variant?.users], ['ml', 1])
    const [outcome] = await server.store.exposures.outcomes(scope, 'search', 'booked')
    assert.deepEqual([outcome?.times, outcome?.sum], [1, 12_800])
  })

  it('an SDK reports the users of an experiment once, and what they did', async () => {
    const split = ['ml', 'off'].map(variant => ({ variant, weight: 50_000 }))
    const flag = {
      ...definition,
      key: 'ranking',
      kind: 'experiment',
      otherwise: { split, by: null, seed: null, experiment: true },
    }
    const put = await ask(server.url, 'PUT', '/v1/flags/ranking', { body: { flag } })
    assert.equal(put.status, 200, JSON.stringify(put.body))
    const { body } = await ask(server.url, 'POST', '/v1/keys', {
      body: { kind: 'sdk-server', principal: 'trips', name: 'trips' },
    })
    const client = createDankaiClient({ url: server.url, key: body.secret, name: 'trips-1' })
    await client.ready()
    for (const _again of [1, 2])
      for (let index = 0; index < 40; index++) {
        client.evaluate('ranking', { targetingKey: `user-${index}` }, 'control')
        if (index % 4 === 0) client.track('booked', { targetingKey: `user-${index}` }, { value: 2 })
      }
    await client.close()
    const variants = await server.store.exposures.variants(scope, 'ranking')
    assert.deepEqual(
      variants.map(({ variant }) => variant),
      ['ml', 'off'],
    )
    assert.equal(
      variants.reduce((total, { users }) => total + users, 0),
      40,
    )
    const outcomes = await server.store.exposures.outcomes(scope, 'ranking', 'booked')
    const total = (read: (outcome: (typeof outcomes)[number]) => number): number =>
      outcomes.reduce((sum, outcome) => sum + read(outcome), 0)
    assert.deepEqual([total(o => o.converted), total(o => o.times), total(o => o.sum)], [10, 20, 40])
    assert.deepEqual(await server.store.sdks.reach(scope, 1, 15_000), { known: 0, acknowledged: 0, silent: [] })
  })
})
