import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { completeCare, createMemoryStore, createPostgresStore, type FlagChange, type Store } from './index.ts'
import { flagExposureOf, newRelease, scope } from './testing/release-fixture.ts'
import { openScratchSchemas, type ScratchSchemas } from './testing/scratch-schemas.ts'
import { openTestDatabase, type TestDatabase } from './testing/test-database.ts'

const start = Date.UTC(2026, 10, 2, 1)
const by = { by: 'yuki', why: 'because' }
const write = { ...scope, ...by }

let server: TestDatabase
let schemas: ScratchSchemas
const clock = { at: start }

before(async () => {
  server = await openTestDatabase()
  schemas = await openScratchSchemas(server.url)
})
after(async () => {
  await schemas.close()
  await server.close()
})

const openPostgres = async (schema: string): Promise<Store> =>
  createPostgresStore({ url: server.url, schema, migrate: false, clock: { now: () => clock.at }, poolSize: 4 })

for (const name of ['in memory', 'PostgreSQL'] as const) {
  describe(`care and planned changes of flags ${name}`, () => {
    let store: Store
    let other: Store
    let schema = ''
    beforeEach(async () => {
      clock.at = start
      if (name === 'in memory') {
        const memory = createMemoryStore({ clock: { now: () => clock.at } })
        ;[store, other] = [memory, memory.another()]
      } else {
        schema = await schemas.take()
        ;[store, other] = [await openPostgres(schema), await openPostgres(schema)]
      }
    })
    const close = async (): Promise<void> => {
      await Promise.all([store.close(), other.close()])
      if (name === 'PostgreSQL') await schemas.giveBack(schema)
    }
    const put = async (expectedVersion: number, given: Partial<FlagDefinition> = {}, care = {}) =>
      store.flags.put({
        ...write,
        expectedVersion,
        definition: defineFlag({ key: 'booking', ...given }),
        ...(Object.keys(care).length === 0 ? {} : { care: { ...completeCare(null), ...care } }),
      })
    const plan = async (patch: Partial<FlagDefinition>, inMs: number, given: Partial<FlagChange> = {}) => {
      const seenVersion = (await store.flags.get(scope, 'booking'))?.version ?? 0
      const change = { ...write, key: 'booking', at: start + inMs, patch, seenVersion, anyway: false, ...given }
      return (await store.flagChanges.plan(change))!
    }
    const apply = (change: FlagChange, flag: { definition: FlagDefinition } | null) => ({
      definition: { ...flag!.definition, ...change.patch },
    })

    it('keeps care beside the definition under the same lock, in the history, and through changes by a release', async () => {
      assert.deepEqual(await store.flags.scopes(), [])
      await put(0, {}, { title: 'Booking', owner: 'trips', createdAt: 5 })
      assert.deepEqual(await other.flags.scopes(), [scope])
      clock.at += 1_000
      const changed = await put(1, { on: false })
      assert.ok(changed.ok)
      const { care } = changed.flag
      assert.deepEqual([care.title, care.owner, care.createdAt, care.client], ['Booking', 'trips', start, false])
      assert.equal((await put(1, {}, { title: 'late' })).ok, false)
      const cared = await put(2, { on: true }, { title: 'Booking 2', client: true })
      assert.ok(cared.ok && cared.flag.care.createdAt === start && cared.flag.care.owner === null)
      const { items } = await store.flags.history(scope, 'booking', {})
      assert.deepEqual(
        items.map(({ care: then }) => then?.title),
        ['Booking 2', 'Booking', 'Booking'],
      )
      assert.equal((await store.flags.versionOf(scope, 'booking', 2))?.definition?.on, false)
      assert.equal(await store.flags.versionOf(scope, 'booking', 99), null)
      assert.equal((await store.flags.readSince(scope, 0)).flags[0]?.care.client, true)
      assert.equal((await store.flags.list(scope, {})).items[0]?.care.title, 'Booking 2')
      await close()
    })

    it('knows since when everybody has the on variant, whoever moved the flag (F-089)', async () => {
      await put(0)
      const created = await store.releases.createRelease(newRelease(start, { hands: ['flag:booking'] }))
      assert.ok(created.ok)
      const set = async (generation: number, share: number) => {
        clock.at += 1_000
        const exposure = flagExposureOf(share)
        const move = { ...scope, key: 'booking', releaseId: created.id, generation, exposure, segments: {} }
        await store.flags.setExposure(move)
        return (await store.flags.get(scope, 'booking'))?.fullSince
      }
      assert.deepEqual(
        [await set(1, 0.5), await set(2, 1), await set(3, 0.5), await set(4, 1)],
        [null, start + 2_000, null, start + 4_000],
      )
      clock.at += 1_000
      const seen = (await store.flags.get(scope, 'booking'))!
      const again = await store.flags.put({
        ...write,
        definition: { ...seen.definition, rules: [] },
        expectedVersion: seen.version,
        breakGlass: true,
      })
      assert.ok(again.ok && again.flag.fullSince === start + 4_000)
      const off = await store.flags.put({
        ...write,
        definition: { ...seen.definition, on: false },
        expectedVersion: again.flag.version,
        breakGlass: true,
      })
      assert.ok(off.ok && off.flag.fullSince === null)
      const service = newRelease(start).plan.service
      assert.deepEqual(await store.flags.keysOfService(scope, service), ['booking'])
      assert.deepEqual(await store.flags.keysOfService(scope, 'other'), [])
      await close()
    })

    it('ends a planned change once, at its time, whatever the number of instances', async () => {
      await put(0)
      const change = await plan({ on: false }, 10_000)
      assert.equal(await store.flagChanges.endNextDue(apply), null, 'not yet')
      clock.at += 10_000
      const ends = await Promise.all([store, other, store, other].map(one => one.flagChanges.endNextDue(apply)))
      assert.deepEqual(
        ends.flatMap(end => (end === null ? [] : [[end.id, end.state, end.detail]])),
        [[change.id, 'done', 'version 2']],
      )
      assert.equal((await store.flags.get(scope, 'booking'))?.definition.on, false)
      const { items } = await store.flags.history(scope, 'booking', { limit: 1 })
      assert.equal(items[0]?.by, 'yuki')
      assert.equal(items[0]?.why, `planned ${new Date(change.madeAt).toISOString()}: because`)
      const audited = (await store.audit.list(scope, { subject: 'booking' })).items
      assert.deepEqual(
        audited.map(({ action, detail }) => [action, detail]),
        [['planned flag change done', { id: change.id, detail: 'version 2' }]],
      )
      assert.equal((await store.flags.readSince(scope, 1)).version, 2)
      await close()
    })

    it('lets later changes follow earlier ones, and says which version each saw', async () => {
      await put(0)
      await plan({ on: false }, 1_000)
      await plan({ on: true }, 2_000)
      const seen: number[] = []
      clock.at += 5_000
      const decide = (change: FlagChange, flag: { definition: FlagDefinition; version: number } | null) => {
        seen.push(change.seenVersion, flag!.version)
        return apply(change, flag)
      }
      await store.flagChanges.endNextDue(decide)
      await store.flagChanges.endNextDue(decide)
      assert.deepEqual(seen, [1, 1, 2, 2])
      await close()
    })

    it('writes nothing for what was refused, cancelled or is moved by a release', async () => {
      await put(0)
      const refused = await plan({ on: false }, 1)
      clock.at += 10
      const end = await store.flagChanges.endNextDue(() => ({ state: 'cancelled', detail: 'changed meanwhile' }))
      assert.deepEqual(
        [end?.id, end?.state, end?.detail, end?.endedAt],
        [refused.id, 'cancelled', 'changed meanwhile', clock.at],
      )
      const cancelled = await plan({ on: false }, 20)
      assert.equal((await store.flagChanges.cancel(scope, cancelled.id, 'by yuki'))?.state, 'cancelled')
      assert.equal(await store.flagChanges.cancel(scope, cancelled.id, 'again'), null)
      await plan({ on: false }, 30)
      const created = await store.releases.createRelease(newRelease(start, { hands: ['flag:booking'] }))
      assert.ok(created.ok)
      clock.at += 100
      const failed = await store.flagChanges.endNextDue(apply)
      assert.deepEqual([failed?.state, failed?.detail], ['failed', `moved by release ${created.id}`])
      assert.equal((await store.flags.get(scope, 'booking'))?.version, 1)
      const listed = await store.flagChanges.list(scope, { key: 'booking', limit: 2 })
      assert.equal(listed.items.length, 2)
      assert.equal((await store.flagChanges.list(scope, { after: listed.next })).items.length, 1)
      assert.deepEqual((await store.flagChanges.list(scope, { key: 'search' })).items, [])
      await close()
    })

    it('adds up who evaluated what, and knows when last', async () => {
      const use = { ...scope, flag: 'booking', who: 'trips', variant: 'on' }
      await store.flagUsage.add([
        { ...use, count: 2, lastAt: 50 },
        { ...use, who: null, variant: null, count: 1, lastAt: 70 },
      ])
      await Promise.all([store, other].map(one => one.flagUsage.add([{ ...use, count: 3, lastAt: 40 }])))
      const huge = { ...use, environment: 'busy', count: Number.MAX_SAFE_INTEGER, lastAt: 40 }
      await store.flagUsage.add([huge, { ...huge, count: 1e21 }])
      await store.flagUsage.add([huge])
      assert.deepEqual(
        (await store.flagUsage.list({ ...scope, environment: 'busy' }, 'booking')).map(({ count }) => count),
        [Number.MAX_SAFE_INTEGER],
      )
      const uses = await store.flagUsage.list(scope, 'booking')
      assert.deepEqual(
        uses.map(({ who, variant, count, lastAt }) => [who, variant, count, lastAt]),
        [
          [null, null, 1, 70],
          ['trips', 'on', 8, 50],
        ],
      )
      assert.deepEqual(await store.flagUsage.last(scope), { since: 40, at: new Map([['booking', 70]]) })
      assert.deepEqual(await store.flagUsage.last({ ...scope, environment: 'other' }), { since: null, at: new Map() })
      clock.at = 2 * 366 * 86_400_000
      await store.prune()
      assert.deepEqual(await store.flagUsage.list(scope, 'booking'), [])
      await close()
    })

    it('plans at most twenty changes of one flag', async () => {
      await put(0)
      for (let index = 0; index < 20; index++) assert.ok(await plan({ on: false }, index))
      assert.equal(await plan({ on: false }, 99), null)
      await close()
    })
  })
}
