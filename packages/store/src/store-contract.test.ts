import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { defineFlag } from '@dankai/flags'
import {
  createMemoryStore,
  createPostgresStore,
  type EmbeddedPostgres,
  type Store,
  startEmbeddedPostgres,
} from './index.ts'
import { commandOf, commitOf, exposureOf, newRelease, readingOf, scope } from './testing/release-fixture.ts'

/**
 * What every store promises, run on the in-memory twin and on PostgreSQL. Time is a number the test moves; two stores
 * on the same data are two processes.
 */
const start = Date.UTC(2026, 10, 2, 1)

interface World {
  readonly store: Store
  readonly clock: { at: number }
  /** A second process on the same data. */
  other(): Promise<Store>
  close(): Promise<void>
}

let server: EmbeddedPostgres
const dataDir = mkdtempSync(path.join(os.tmpdir(), 'dankai-store-'))
let schemas = 0

before(async () => {
  server = await startEmbeddedPostgres({ dataDir })
})
after(async () => {
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function openMemory(): Promise<World> {
  const clock = { at: start }
  const store = createMemoryStore({ clock: { now: () => clock.at } })
  return { store, clock, other: async () => store.another(), close: () => store.close() }
}

async function openPostgres(): Promise<World> {
  const clock = { at: start }
  const schema = `t${++schemas}`
  const stores: Store[] = []
  const open = async () => {
    const store = await createPostgresStore({ url: server.url, schema, clock: { now: () => clock.at }, poolSize: 4 })
    stores.push(store)
    return store
  }
  return {
    store: await open(),
    clock,
    other: open,
    close: async () => {
      await Promise.all(stores.map(store => store.close()))
    },
  }
}

async function begin(store: Store, given: Parameters<typeof newRelease>[1] & { at?: number } = {}): Promise<string> {
  const created = await store.releases.createRelease(newRelease(given.at ?? start, given))
  assert.ok(created.ok)
  return created.id
}

async function claimed(store: Store, owner: string, id: string) {
  const release = await store.releases.claim(owner, id)
  assert.ok(release)
  return release
}

for (const [name, open] of [
  ['in memory', openMemory],
  ['PostgreSQL', openPostgres],
] as const) {
  describe(`the store ${name}`, () => {
    let world: World
    let store: Store
    beforeEach(async () => {
      world = await open()
      store = world.store
    })
    afterEach(() => world.close())

    describe('releases', () => {
      it('gives a new release to the first who asks, with everything it was made of', async () => {
        const made = newRelease(start)
        const id = await begin(store)
        const [release] = await store.releases.claimDue('a', 10)
        assert.equal(release?.id, id)
        assert.deepEqual(release.state, made.state)
        assert.deepEqual(Object.keys(release.state.steps), ['zeta', 'alpha'], 'the order of keys is kept')
        assert.deepEqual(release.plan, made.plan)
        assert.deepEqual(
          { fence: release.fence, evidence: release.evidence, results: release.results },
          { fence: 1, evidence: null, results: [] },
        )
        assert.deepEqual(await store.releases.claimDue('a', 10), [], 'its owner holds it in memory')
        assert.deepEqual(await (await world.other()).releases.claimDue('b', 10), [], 'and it is alive')
      })

      it('lets only the newest claim write', async () => {
        const id = await begin(store)
        const other = await world.other()
        const first = await claimed(store, 'a', id)
        const second = await claimed(other, 'b', id)
        assert.equal(await store.releases.commit(commitOf(first, { eventCount: 1 })), 'lost')
        assert.equal(await other.releases.commit(commitOf(second, { eventCount: 1 })), 'committed')
        assert.equal(await other.releases.commit(commitOf(second, { eventCount: 1 })), 'lost', 'seq moved on')
        const events = await store.reader.events(id, 0, 100)
        assert.deepEqual(
          events.map(event => event.body.type),
          ['ReleaseStarted', 'Paused'],
        )
      })
    })
  })
}
