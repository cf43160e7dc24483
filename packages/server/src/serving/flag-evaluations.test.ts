import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { createMemoryStore, type MemoryStore } from '@dankai/store'
import { createLogger } from '../http/log.ts'
import { createFlagEvaluations, type FlagEvaluations } from './flag-evaluations.ts'

const scope = { project: 'default', environment: 'production' }
const opened: FlagEvaluations[] = []
let store: MemoryStore
let isAway: boolean
let evaluations: FlagEvaluations

beforeEach(() => {
  store = createMemoryStore({ clock: { now: () => 1_000 } })
  isAway = false
  evaluations = createFlagEvaluations(
    {
      async add(uses) {
        if (isAway) throw new Error('away')
        await store.flagUsage.add(uses)
      },
    },
    createLogger('silent'),
  )
  opened.push(evaluations)
})
after(() => Promise.all(opened.map(one => one.close())))

const written = async (flag: string) =>
  (await store.flagUsage.list(scope, flag)).map(({ who, variant, count, lastAt }) => [who, variant, count, lastAt])

describe('what clients say they evaluated', () => {
  it('is added up by flag, variant and teller, with the latest moment however late it is told', async () => {
    evaluations.record(scope, 'a', 'on', 3, 100, 'trips')
    evaluations.record(scope, 'a', 'on', 2, 40.4, 'trips')
    evaluations.record(scope, 'a', null, 1, 50, 'unleash')
    evaluations.record({ ...scope, environment: 'staging' }, 'a', 'on', 9, 900, 'trips')
    for (const count of [0, -1, 1.5, Number.NaN]) evaluations.record(scope, 'a', 'on', count, 1_000, null)
    evaluations.record(scope, 'a', 'on', 1, Number.POSITIVE_INFINITY, null)
    assert.equal(evaluations.lastSeenAt(scope, 'a'), 100)
    assert.equal(evaluations.lastSeenAt(scope, 'b'), null)
    await evaluations.flush()
    const uses = [
      ['trips', 'on', 5, 100],
      ['unleash', null, 1, 50],
    ]
    assert.deepEqual(await written('a'), uses)
    await evaluations.flush()
    assert.deepEqual(await written('a'), uses, 'nothing is written twice')
  })

  it('is kept while the database is away, and written once it is back', async () => {
    evaluations.record(scope, 'a', 'on', 3, 100, 'trips')
    isAway = true
    await assert.rejects(evaluations.flush(), /away/)
    evaluations.record(scope, 'a', 'on', 1, 200, 'trips')
    isAway = false
    await evaluations.flush()
    assert.deepEqual(await written('a'), [['trips', 'on', 4, 200]])
  })

  it('is asked of whoever counts by himself, before anything is read or written', async () => {
    let at = 0
    evaluations.countFrom(() => {
      at += 100
      evaluations.record(scope, 'a', 'on', 1, at, 'ofrep')
    })
    assert.equal(evaluations.lastSeenAt(scope, 'a'), 100)
    await evaluations.flush()
    assert.deepEqual(await written('a'), [['ofrep', 'on', 2, 200]])
  })

  it('is bounded: the flag nobody told of for longest is forgotten, and invented variants are not kept', async () => {
    for (let index = 0; index < 50_000; index++) evaluations.record(scope, `flag-${index}`, 'on', 1, index, null)
    evaluations.record(scope, 'flag-0', 'on', 1, 1, null)
    evaluations.record(scope, 'one more', 'on', 1, 1, null)
    const seen = ['flag-0', 'flag-1', 'flag-2', 'one more'].map(flag => evaluations.lastSeenAt(scope, flag))
    assert.deepEqual(seen, [1, null, 2, 1])
    evaluations.record(scope, 'flag-0', 'invented', 1, 1, null)
    await evaluations.flush()
    assert.deepEqual([await written('one more'), await written('flag-0')], [[], [[null, 'on', 2, 1]]])
  })
})
