import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Command, ReleaseState } from '@dankai/core'
import type { ClaimedCommand, SeriesSample } from '@dankai/engine'
import { defineFlag } from '@dankai/flags'
import fc from 'fast-check'
import { activeOverlaysMax } from './document-ports.ts'
import type { Hint, NewExposureBatch, Overlay, OverlayTarget } from './index.ts'
import { createMemoryStore, createPostgresStore, type Store } from './index.ts'
import {
  commandOf,
  commitOf,
  exposureOf,
  flagExposureOf,
  newRelease,
  planOf,
  readingOf,
  sampleOf,
  scope,
} from './testing/release-fixture.ts'
import { openScratchSchemas, type ScratchSchemas } from './testing/scratch-schemas.ts'
import { StoreWalk, walks } from './testing/store-walk.ts'
import { openTestDatabase, type TestDatabase } from './testing/test-database.ts'

/**
 * What every store promises, run on the in-memory twin and on PostgreSQL. Time is a number the test moves; two stores
 * on the same data are two processes.
 */
const start = Date.UTC(2026, 10, 2, 1)
const hourMs = 3_600_000

interface World {
  readonly store: Store
  readonly clock: { at: number }
  /** A second process on the same data. */
  other(): Promise<Store>
  close(): Promise<void>
}

let server: TestDatabase
let schemas: ScratchSchemas

before(async () => {
  server = await openTestDatabase()
  schemas = await openScratchSchemas(server.url)
})
after(async () => {
  await schemas.close()
  await server.close()
})

async function openMemory(): Promise<World> {
  const clock = { at: start }
  const store = createMemoryStore({ clock: { now: () => clock.at } })
  return { store, clock, other: async () => store.another(), close: () => store.close() }
}

async function openPostgres(): Promise<World> {
  const clock = { at: start }
  const schema = await schemas.take()
  const stores: Store[] = []
  const open = async () => {
    const store = await createPostgresStore({
      url: server.url,
      schema,
      migrate: false,
      clock: { now: () => clock.at },
      poolSize: 4,
    })
    stores.push(store)
    return store
  }
  return {
    store: await open(),
    clock,
    other: open,
    close: async () => {
      await Promise.all(stores.map(store => store.close()))
      await schemas.giveBack(schema)
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
        const { fence, evidence, results, decidedAt } = release
        assert.deepEqual(
          { fence, evidence, results, decidedAt },
          { fence: 1, evidence: null, results: [], decidedAt: start },
        )
        assert.deepEqual(await store.releases.claimDue('a', 10), [], 'its owner holds it in memory')
        assert.deepEqual(await (await world.other()).releases.claimDue('b', 10), [], 'and it is alive')
      })

      it('lets only the newest claim write, and each decision once', async () => {
        const id = await begin(store)
        const other = await world.other()
        const first = await claimed(store, 'a', id)
        const second = await claimed(other, 'b', id)
        assert.equal(await store.releases.commit(commitOf(first, { eventCount: 1 })), 'lost')
        assert.equal(await store.releases.commit(commitOf(first)), 'lost', 'a quiet commit too')
        assert.equal(await other.releases.commit(commitOf(second, { eventCount: 1 })), 'committed')
        assert.equal(await other.releases.commit(commitOf(second, { eventCount: 1 })), 'lost', 'seq moved on')
        const events = await store.reader.events(id, 0, 100)
        assert.deepEqual(
          events.map(event => event.body.type),
          ['ReleaseStarted', 'Paused'],
        )
      })

      it('commits of two owners at the same moment: exactly one wins', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        const other = await world.other()
        const commits = [store, other, store, other].map(each =>
          each.releases.commit(commitOf(release, { eventCount: 2 })),
        )
        assert.deepEqual((await Promise.all(commits)).toSorted(), ['committed', 'lost', 'lost', 'lost'])
        assert.equal((await store.reader.events(id, 0, 100)).length, 3)
      })

      it('writes all of a commit: state, status, evidence, times, and nothing of it when the fence moved on', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        const checkpoint = { sums: [1, 2.5], label: '東京' }
        const parts = {
          now: start + 5_000,
          eventCount: 1,
          evidence: { checkpoint, cursor: 7 },
          commands: [commandOf('smoke#1')],
          desired: { exposure: exposureOf(0.05), generation: 2, direction: 'raise' as const },
        }
        assert.equal(await store.releases.commit(commitOf({ ...release, fence: 9 }, parts)), 'lost')
        assert.deepEqual(await store.commands.claimCommands('a', 'raise', 10), [])
        assert.equal((await store.hands.handsOf(id))[0]?.generation, 1)
        const commit = commitOf(release, parts)
        assert.equal(await store.releases.commit(commit), 'committed')
        const again = await claimed(store, 'a', id)
        assert.deepEqual(again.state, commit.state)
        assert.deepEqual(again.status, commit.status)
        assert.deepEqual(again.evidence, { checkpoint, cursor: 7, writtenAt: start + 5_000 })
        assert.equal(again.decidedAt, start + 5_000)
        assert.equal(await store.releases.nextWakeAt(), start + 15_000)
        assert.equal((await store.commands.claimCommands('a', 'raise', 10)).length, 1)
        const [hand] = await store.hands.handsOf(id)
        assert.deepEqual([hand?.desired, hand?.generation, hand?.direction], [exposureOf(0.05), 2, 'raise'])
      })

      it('hands the releases of a dead instance to the next, whatever their wakeAt (F)', async () => {
        const ids = [await begin(store), await begin(store, { plan: 'bookmarks', hands: ['flag:b'] })]
        await store.instances.beat('a')
        const releases = await store.releases.claimDue('a', 10)
        for (const release of releases) await store.releases.commit(commitOf(release, { wakeAt: start + 3_600_000 }))
        const other = await world.other()
        await other.instances.beat('b')
        world.clock.at += 3_900
        assert.deepEqual(await other.releases.claimDue('b', 10), [], 'four seconds are not over')
        world.clock.at += 200
        const taken = await other.releases.claimDue('b', 10)
        assert.deepEqual(taken.map(release => release.id).toSorted(), ids.toSorted())
        assert.equal(await store.releases.commit(commitOf(releases[0]!, { eventCount: 1 })), 'lost')
      })

      it('hands over at once what an instance leaves, and what an older start of the same instance owned', async () => {
        await begin(store)
        await store.releases.claimDue('a', 10)
        const restarted = await world.other()
        await restarted.instances.beat('a')
        assert.equal((await restarted.releases.claimDue('a', 10)).length, 1)
        await assert.rejects(store.instances.beat('a'), { code: 'superseded', message: /Cannot beat as instance "a"/ })
        await restarted.instances.leave('a')
        const other = await world.other()
        assert.equal((await other.releases.claimDue('b', 10)).length, 1)
      })

      it('takes a release from a living owner that is more than two seconds late', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        await store.releases.commit(commitOf(release, { wakeAt: start + 1_000 }))
        const other = await world.other()
        for (const [later, taken] of [
          [2_900, 0],
          [3_100, 1],
        ] as const) {
          world.clock.at = start + later
          await store.instances.beat('a')
          assert.equal((await other.releases.claimDue('b', 10)).length, taken, `${later} ms later`)
        }
      })

      it('gives each due release to one instance only, oldest first and at most as many as asked', async () => {
        for (let index = 0; index < 9; index++) await begin(store, { hands: [`flag:${index}`], at: start - index })
        const other = await world.other()
        const [one, two] = await Promise.all([store.releases.claimDue('a', 4), other.releases.claimDue('b', 4)])
        const rest = await store.releases.claimDue('a', 100)
        const ids = [...one, ...two, ...rest].map(release => release.id)
        assert.equal(new Set(ids).size, 9)
        assert.equal(ids.length, 9)
        assert.ok(one.length <= 4 && two.length <= 4)
      })

      it('touches many at once, by the fence alone, and says which were lost', async () => {
        const ids = [await begin(store), await begin(store, { hands: ['flag:b'] })]
        const [one, two] = [await claimed(store, 'a', ids[0]!), await claimed(store, 'a', ids[1]!)]
        const status = { ...one.status, exposure: 0.25 }
        const touch = { wakeAt: start + 7_000, decidedAt: start + 2_000 }
        const lost = await store.releases.touch([
          { releaseId: one.id, fence: one.fence, ...touch, status },
          { releaseId: two.id, fence: two.fence - 1, ...touch, status: null },
        ])
        assert.deepEqual(lost, [two.id])
        const again = await claimed(store, 'a', one.id)
        assert.deepEqual([again.status, again.decidedAt], [status, start + 2_000])
        assert.equal(await store.releases.nextWakeAt(), start)
        assert.deepEqual(await store.releases.touch([]), [])
      })

      it('wakes releases at once and never later than they were due', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        await store.releases.commit(commitOf(release, { wakeAt: null }))
        assert.equal(await store.releases.nextWakeAt(), null)
        world.clock.at += 1_000
        await store.releases.wake([id])
        world.clock.at += 1_000
        await store.releases.wake([id])
        assert.equal(await store.releases.nextWakeAt(), start + 1_000)
      })

      it('keeps the plan of an amended release, and the one before', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        const amended = { ...planOf('triptrip-api', ['flag:booking']), title: 'amended' }
        const commit = commitOf(release, { eventCount: 1, plan: { plan: amended, digest: 'new' } })
        const state = { ...commit.state, revision: 2 }
        assert.equal(await store.releases.commit({ ...commit, state }), 'committed')
        assert.deepEqual(await store.releases.readPlan(id), amended)
        assert.deepEqual((await claimed(store, 'a', id)).plan, amended)
        assert.deepEqual(
          [
            (await store.reader.planAt(id, 1))?.title,
            (await store.reader.planAt(id, 2))?.title,
            await store.reader.planAt(id, 3),
          ],
          ['triptrip-api (段階)', 'amended', null],
        )
        assert.equal((await store.reader.get(id))?.planDigest, 'new')
      })

      it('names the plans whose newest release is completed', async () => {
        const finish = async (plan: string, hand: string, kind: 'completed' | 'rolledBack') => {
          const release = await claimed(store, 'a', await begin(store, { plan, hands: [hand], at: world.clock.at++ }))
          const commit = commitOf(release, { eventCount: 1, ended: true, wakeAt: null })
          const at = world.clock.at
          const lifecycle = { kind, at, complete: true, because: 'error_rate' } as ReleaseState['lifecycle']
          await store.releases.commit({ ...commit, state: { ...commit.state, lifecycle } })
        }
        await finish('api', 'flag:a', 'completed')
        await finish('bookmarks', 'flag:b', 'completed')
        await finish('bookmarks', 'flag:b', 'rolledBack')
        assert.deepEqual(await store.releases.completedPlans(scope.project, scope.environment), ['api'])
        assert.deepEqual(await store.releases.completedPlans(scope.project, 'staging'), [])
      })

      it('lets follow-ups of an ended release still wake it, and is silent after the last', async () => {
        const release = await claimed(store, 'a', await begin(store))
        await store.releases.commit(commitOf(release, { eventCount: 1, ended: true, wakeAt: start + 1_000 }))
        await store.instances.leave('a')
        world.clock.at = start + 1_000
        const [followUp] = await store.releases.claimDue('b', 10)
        assert.equal(followUp?.id, release.id)
        await store.releases.commit(commitOf(followUp, { eventCount: 1, ended: true, wakeAt: null }))
        await store.instances.leave('b')
        assert.deepEqual(await store.releases.claimDue('c', 10), [])
        assert.equal(await store.releases.nextWakeAt(), null)
      })
    })

    describe('hands', () => {
      it('refuses a release whose hand is held, names the holder, and keeps no claim of the refused one (D)', async () => {
        const holder = await begin(store, { hands: ['nginx:web', 'flag:booking'] })
        const refused = await store.releases.createRelease(
          newRelease(start, { plan: 'other', hands: ['flag:free', 'nginx:web'] }),
        )
        assert.deepEqual(refused, { ok: false, hand: 'nginx:web', holder })
        assert.deepEqual(await store.reader.holders(scope), { 'flag:booking': holder, 'nginx:web': holder })
        await begin(store, { plan: 'other', hands: ['flag:free'] })
        assert.equal((await store.reader.list({})).items.length, 2)
      })

      it('gives one of many releases that start at the same moment the hand they all want', async () => {
        const other = await world.other()
        const starts = [store, other, store, other, store].map(each =>
          each.releases.createRelease(newRelease(start, { hands: ['b:2', 'a:1', 'c:3'] })),
        )
        const results = await Promise.all(starts)
        assert.equal(results.filter(result => result.ok).length, 1)
        const winner = results.find(result => result.ok)!
        for (const result of results) if (!result.ok) assert.equal(result.holder, winner.ok ? winner.id : '')
      })

      it('gives hands back when the release ends, and the next release can have them', async () => {
        const release = await claimed(store, 'a', await begin(store))
        await store.releases.commit(commitOf(release, { eventCount: 1, ended: true, wakeAt: null }))
        assert.deepEqual(await store.reader.holders(scope), {})
        assert.deepEqual(await store.hands.handsDue(0, 10), [])
        await begin(store)
      })

      it('lists hands that are not reached or not read lately, lowering ones first', async () => {
        const [one, two] = [await begin(store, { hands: ['flag:1'] }), await begin(store, { hands: ['flag:2'] })]
        assert.deepEqual((await store.hands.handsDue(15_000, 10)).toSorted(), [one, two].toSorted())
        for (const id of [one, two])
          await store.hands.recordReading(id, id === one ? 'flag:1' : 'flag:2', readingOf(1, start))
        assert.deepEqual(await store.hands.handsDue(15_000, 10), [])
        world.clock.at += 15_000
        assert.equal((await store.hands.handsDue(15_000, 1)).length, 1)
        const release = await claimed(store, 'a', two)
        const desired = { exposure: exposureOf(0), generation: 2, direction: 'lower' as const }
        await store.releases.commit(commitOf(release, { eventCount: 1, desired }))
        assert.deepEqual(await store.hands.handsDue(15_000, 10), [two, one])
      })

      it('keeps a reading of the present generation only, and wakes the release when it says something new', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        const quieten = async (fence: number) =>
          store.releases.touch([{ releaseId: id, fence, wakeAt: start + 60_000, decidedAt: start, status: null }])
        const cases = [
          ['of an older generation', readingOf(0, start + 1), false],
          ['the first', readingOf(1, start + 2, { reached: false, share: 0.01 }), true],
          ['the same again', readingOf(1, start + 3, { reached: false, share: 0.01 }), false],
          ['reached', readingOf(1, start + 4, { share: 0.05 }), true],
          ['reached a second time', readingOf(1, start + 5, { share: 0.05, readings: 2 }), true],
          ['reached a third time', readingOf(1, start + 6, { share: 0.05, readings: 3 }), false],
          ['a problem', readingOf(1, start + 7, { share: 0.05, readings: 3, problem: 'refused' }), true],
        ] as const
        for (const [what, reading, wakes] of cases) {
          await quieten(release.fence)
          await store.hands.recordReading(id, 'flag:booking', reading)
          assert.equal(await store.releases.nextWakeAt(), wakes ? start : start + 60_000, what)
        }
        const last = cases.at(-1)![1]
        assert.deepEqual((await store.hands.handsOf(id))[0]?.reading, last)
        assert.deepEqual((await store.releases.inbox([release]))[0]?.hands, { 'flag:booking': last })
        assert.deepEqual(await store.releases.inbox([{ id, fence: release.fence - 1 }]), [])
      })

      it('readings and commits at the same moment never wait for each other', async () => {
        const id = await begin(store)
        const release = await claimed(store, 'a', id)
        const desired = { exposure: exposureOf(0), generation: 1, direction: 'same' as const }
        const readings = Array.from({ length: 40 }, (_, index) =>
          store.hands.recordReading(id, 'flag:booking', readingOf(1, start + index, { share: index / 40 })),
        )
        let from = release
        for (let index = 0; index < 20; index++) {
          const commit = commitOf(from, { eventCount: 1, desired })
          assert.equal(await store.releases.commit(commit), 'committed')
          from = { ...from, state: commit.state }
        }
        await Promise.all(readings)
      })
    })

    describe('commands', () => {
      const claimOne = async (lane: Command['lane'] = 'raise', from = store): Promise<ClaimedCommand> => {
        const [command] = await from.commands.claimCommands('a', lane, 1)
        assert.ok(command)
        return command
      }
      const outcome = { detail: null, output: null, retryAt: null }

      it('plans what a new release starts with, once per slot, and gives it to one executor (A)', async () => {
        const smoke = commandOf('smoke#1')
        const id = await begin(store, { commands: [smoke, commandOf('tell#1', { lane: 'notify' })] })
        const release = await claimed(store, 'a', id)
        await store.releases.commit(commitOf(release, { eventCount: 1, commands: [smoke] }))
        const other = await world.other()
        const taken = await Promise.all([
          store.commands.claimCommands('a', 'raise', 5),
          other.commands.claimCommands('b', 'raise', 5),
        ])
        const [command, ...more] = taken.flat()
        assert.equal(more.length, 0)
        assert.ok(command)
        assert.match(command.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/, 'a version 7 uuid of the store')
        assert.deepEqual(
          [command.command, command.attempt, command.releaseId, command.project],
          [smoke, 1, id, scope.project],
        )
        assert.equal((await store.commands.claimCommands('a', 'notify', 5)).length, 1)
      })

      it('applies a result once, wakes the release, and delivers it until it is folded', async () => {
        const id = await begin(store, { commands: [commandOf('smoke#1')] })
        const release = await claimed(store, 'a', id)
        await store.releases.commit(commitOf(release, { wakeAt: start + 60_000 }))
        const command = await claimOne()
        const output = { text: '0 failures', status: 0, rows: null, fields: { failures: 0 } }
        const finished = { outcome: 'succeeded', detail: 'passed', output, retryAt: null } as const
        assert.equal(await store.commands.finishCommand(command, finished), 'applied')
        assert.equal(await store.commands.finishCommand(command, { ...finished, outcome: 'failed' }), 'late')
        assert.equal(await store.releases.nextWakeAt(), start)
        const result = { slot: 'smoke#1', outcome: 'succeeded', detail: 'passed', output, at: start }
        for (let look = 0; look < 2; look++)
          assert.deepEqual((await store.releases.inbox([release]))[0]?.results, [result])
        const reloaded = await claimed(store, 'a', id)
        assert.deepEqual(reloaded.results, [result])
        await store.releases.commit(commitOf(reloaded, { eventCount: 1, folded: ['smoke#1'] }))
        assert.deepEqual((await store.releases.inbox([reloaded]))[0]?.results, [])
      })

      it('plans a retry for later, and keeps the result of an older attempt without applying it', async () => {
        const id = await begin(store, { commands: [commandOf('smoke#1')] })
        const first = await claimOne()
        await store.commands.finishCommand(first, {
          ...outcome,
          outcome: 'failed',
          detail: '502',
          retryAt: start + 2_000,
        })
        assert.deepEqual(await store.commands.claimCommands('a', 'raise', 5), [])
        assert.equal(await store.commands.nextCommandAt(), start + 2_000)
        world.clock.at += 2_000
        const second = await claimOne()
        assert.deepEqual([second.attempt, second.id], [2, first.id])
        assert.equal(
          await store.commands.finishCommand(first, { ...outcome, outcome: 'succeeded', detail: 'too late' }),
          'late',
        )
        assert.equal(await store.commands.finishCommand(second, { ...outcome, outcome: 'failed' }), 'applied')
        const [kept] = (await store.reader.commands(id, {})).items
        assert.deepEqual(
          [kept?.status, kept?.attempt, kept?.late],
          ['failed', 2, [{ attempt: 1, outcome: 'succeeded', detail: 'too late', at: start + 2_000 }]],
        )
      })

      it('gives back what was claimed without an answer, and nothing that is held, of another lane or another instance', async () => {
        const classes = ['set', 'ask'] as const
        await begin(store, {
          commands: [
            ...classes.map(effectClass => commandOf(`${effectClass}#1`, { effectClass })),
            commandOf('told#1', { lane: 'notify' }),
          ],
        })
        const slots = (claimed: readonly { command: { slot: string } }[]) => claimed.map(({ command }) => command.slot)
        const [held, lost] = await store.commands.claimCommands('a', 'raise', 5)
        const told = await store.commands.claimCommands('a', 'notify', 5)
        assert.ok(held !== undefined && lost !== undefined && told.length === 1)
        assert.equal(await store.commands.giveBackCommands('b', 'raise', []), 0)
        assert.equal(await store.commands.giveBackCommands('a', 'raise', [held, lost]), 0)
        assert.equal(await store.commands.giveBackCommands('a', 'raise', [held]), 1)
        assert.equal(await store.commands.giveBackCommands('a', 'raise', [held]), 0)
        const again = await store.commands.claimCommands('a', 'raise', 5)
        assert.deepEqual(slots(again), slots([lost]))
        assert.deepEqual([again[0]?.attempt, again[0]?.id], [1, lost.id])
        const succeeded = { ...outcome, outcome: 'succeeded' } as const
        assert.equal(await store.commands.finishCommand(lost, succeeded), 'late')
        for (const command of [held, ...again, ...told])
          assert.equal(await store.commands.finishCommand(command, succeeded), 'applied', command.command.slot)
      })

      it('plans again what a dead instance ran when it is safe to, and calls the rest ambiguous', async () => {
        const classes = ['set', 'keyed', 'ask'] as const
        const id = await begin(store, {
          commands: classes.map(effectClass => commandOf(`${effectClass}#1`, { effectClass })),
        })
        const held = await store.commands.claimCommands('a', 'raise', 5)
        assert.equal(held.length, 3)
        const other = await world.other()
        assert.equal(await other.commands.recoverCommands(), 0)
        world.clock.at += 5_001
        assert.equal(await other.commands.recoverCommands(), 3)
        assert.equal(await other.commands.recoverCommands(), 0)
        const release = await claimed(other, 'b', id)
        assert.deepEqual(
          release.results.map(({ slot, outcome }) => [slot, outcome]),
          [['ask#1', 'ambiguous']],
        )
        const again = await other.commands.claimCommands('b', 'raise', 5)
        assert.deepEqual(again.map(({ command }) => command.slot).toSorted(), ['keyed#1', 'set#1'])
        for (const old of held) {
          assert.equal(
            await store.commands.finishCommand(old, { ...outcome, outcome: 'succeeded' }),
            'late',
            old.command.slot,
          )
        }
      })

      it('supersedes every planned command when a rollback begins, but not those it plans itself nor those that run', async () => {
        const slots = ['forward#1', 'forward#2', 'forward#3']
        const id = await begin(store, { commands: slots.map(slot => commandOf(slot)) })
        const release = await claimed(store, 'a', id)
        const running = await claimOne()
        const commit = commitOf(release, { eventCount: 1, superseded: 'all', commands: [commandOf('back#1')] })
        await store.releases.commit(commit)
        assert.deepEqual(
          (await store.commands.claimCommands('a', 'raise', 9)).map(({ command }) => command.slot),
          ['back#1'],
        )
        assert.equal(await store.commands.finishCommand(running, { ...outcome, outcome: 'succeeded' }), 'applied')
        assert.equal((await claimed(store, 'a', id)).results.length, 1, 'superseded ones give no result')
        const next = await claimed(store, 'a', id)
        await store.releases.commit(commitOf(next, { eventCount: 1, commands: [commandOf('x#1'), commandOf('y#1')] }))
        await store.releases.commit(commitOf(await claimed(store, 'a', id), { eventCount: 1, superseded: ['x#1'] }))
        assert.equal((await claimOne()).command.slot, 'y#1')
      })

      it('ends a command nobody took before it expired, and says so to the release', async () => {
        const id = await begin(store, { commands: [commandOf('tell#1', { expiresAt: start + 1_000 })] })
        assert.equal(await store.commands.nextCommandAt(), start)
        world.clock.at += 1_000
        assert.deepEqual(await store.commands.claimCommands('a', 'raise', 5), [])
        const [result] = (await claimed(store, 'a', id)).results
        assert.deepEqual([result?.outcome, result?.at], ['expired', start + 1_000])
        assert.equal(await store.commands.nextCommandAt(), null)
      })

      it('results and commits of one release at the same moment never wait for each other, and lose nothing', async () => {
        const commands = Array.from({ length: 30 }, (_, index) => commandOf(`c#${index}`))
        const id = await begin(store, { commands })
        let from = await claimed(store, 'a', id)
        const held = await store.commands.claimCommands('a', 'raise', 30)
        const finishes = held.map(command =>
          store.commands.finishCommand(command, { ...outcome, outcome: 'succeeded' }),
        )
        for (let index = 0; index < 10; index++) {
          const commit = commitOf(from, { eventCount: 1, superseded: 'all' })
          assert.equal(await store.releases.commit(commit), 'committed')
          from = { ...from, state: commit.state }
        }
        assert.deepEqual(new Set(await Promise.all(finishes)), new Set(['applied']))
        assert.equal((await claimed(store, 'a', id)).results.length, 30)
      })
    })

    describe('housekeeping', () => {
      it('ends everything kept: old commands, flag versions, SDKs and releases go, the newest version of a flag stays (I)', async () => {
        const day = 86_400_000
        for (let version = 0; version < 3; version++) {
          await store.flags.put({
            ...scope,
            definition: defineFlag({ key: 'booking' }),
            expectedVersion: version,
            by: 'yuki',
            why: null,
          })
        }
        const created = await store.releases.createRelease(newRelease(start, { commands: [commandOf('smoke#1')] }))
        assert.ok(created.ok)
        const release = (await store.releases.claim('a', created.id))!
        await store.releases.commit(commitOf(release, { eventCount: 1, superseded: 'all', ended: true, wakeAt: null }))
        const counts = async () => [
          (await store.reader.commands(created.id, {})).items.length,
          (await store.flags.history(scope, 'booking', {})).items.length,
          (await store.reader.list({})).items.length,
        ]
        const expected = [
          [29, [1, 3, 1]],
          [31, [0, 3, 1]],
          [366, [0, 1, 1]],
          [2_600, [0, 1, 0]],
        ] as const
        for (const [days, left] of expected) {
          world.clock.at = start + days * day
          await store.prune()
          assert.deepEqual(await counts(), left, `${days} days later`)
        }
      })
    })

    describe('what people read of releases', () => {
      it('pages through releases, newest first, and filters them', async () => {
        const ids: string[] = []
        for (let index = 0; index < 5; index++)
          ids.unshift(await begin(store, { hands: [`flag:${index}`], at: start + index, version: `1.${index}` }))
        const first = await store.reader.list({ limit: 2 })
        const second = await store.reader.list({ limit: 2, after: first.next })
        const third = await store.reader.list({ limit: 2, after: second.next })
        assert.deepEqual(
          [...first.items, ...second.items, ...third.items].map(({ id }) => id),
          ids,
        )
        assert.equal(third.next, null)
        const cases = [
          [{ plan: 'triptrip-api' }, 5],
          [{ plan: 'other' }, 0],
          [{ service: 'trips', live: true }, 5],
          [{ live: false }, 0],
          [{ project: 'shop', environment: 'staging' }, 0],
        ] as const
        for (const [query, count] of cases)
          assert.equal((await store.reader.list(query)).items.length, count, JSON.stringify(query))
        const [{ id, share, stage, startedBy, version }] = first.items as never as [Record<string, unknown>]
        assert.deepEqual(
          { id, share, stage, startedBy, version },
          { id: ids[0], share: 0, stage: 'starting', startedBy: 'yuki', version: '1.4' },
        )
        assert.equal((await store.reader.get(ids[0]!))?.compiledPlan.service, 'trips')
        assert.equal(await store.reader.get('00000000-0000-7000-8000-000000000000'), null)
      })

      it('resumes the events of a release by seq, and the feed of all by its cursor, without loss or repetition', async () => {
        const [one, two] = [await begin(store, { hands: ['flag:1'] }), await begin(store, { hands: ['flag:2'] })]
        const head = await store.reader.feedHead()
        assert.equal(head, 2)
        const other = await world.other()
        const releases = [await claimed(store, 'a', one), await claimed(other, 'b', two)]
        const seen: string[] = []
        let cursor = 0
        const readOn = async () => {
          const page = await other.reader.feed(cursor, scope, 3)
          seen.push(...page.entries.map(({ releaseId, event }) => `${releaseId} ${event.seq}`))
          assert.deepEqual(
            page.entries.map(({ feedId }) => feedId).toSorted((a, b) => a - b),
            page.entries.map(({ feedId }) => feedId),
          )
          cursor = page.cursor
          return page.entries.length
        }
        const writeOne = async (index: 0 | 1) => {
          const commit = commitOf(releases[index]!, { eventCount: 2 })
          assert.equal(await (index === 0 ? store : other).releases.commit(commit), 'committed')
          releases[index] = { ...releases[index]!, state: commit.state }
        }
        for (let round = 0; round < 4; round++) await Promise.all([writeOne(0), writeOne(1), readOn()])
        while ((await readOn()) > 0);
        assert.equal(seen.length, 18)
        assert.equal(new Set(seen).size, 18)
        for (const id of [one, two]) {
          const seqs = seen.filter(line => line.startsWith(id)).map(line => Number(line.split(' ')[1]))
          assert.deepEqual(
            seqs,
            seqs.toSorted((a, b) => a - b),
          )
        }
        assert.deepEqual(
          (await store.reader.events(one, 7, 100)).map(({ seq }) => seq),
          [8, 9],
        )
        assert.deepEqual((await store.reader.feed(0, { ...scope, environment: 'staging' }, 10)).entries, [])
        assert.equal(
          (await store.reader.feed(0, { ...scope, environment: 'staging' }, 10)).cursor,
          await store.reader.feedHead(),
        )
      })

      it('hints at what happened, after it can be seen', async () => {
        const heard: Hint[] = []
        let onHint = () => {}
        const other = await world.other()
        const until = (kind: Hint['kind']) =>
          new Promise<void>(resolve => {
            onHint = () => heard.some(hint => hint.kind === kind) && resolve()
            onHint()
          })
        const stop = other.hints.subscribe(hint => {
          heard.push(hint)
          onHint()
        })
        if (name === 'PostgreSQL') await until('reconnected')
        const id = await begin(store)
        await until('hands')
        await until('events')
        const release = await claimed(store, 'a', id)
        heard.length = 0
        await store.releases.commit(
          commitOf(release, { eventCount: 1, commands: [commandOf('x#1', { lane: 'notify' })] }),
        )
        await until('commands')
        assert.deepEqual(
          heard.find(hint => hint.kind === 'commands'),
          { kind: 'commands', lane: 'notify' },
        )
        assert.deepEqual(
          heard.find(hint => hint.kind === 'events'),
          { kind: 'events', releaseId: id, ...scope, seq: 2 },
        )
        await store.releases.wake([id])
        await until('wake')
        assert.deepEqual(
          heard.find(hint => hint.kind === 'wake'),
          { kind: 'wake', releaseId: id },
        )
        stop()
      })
    })

    describe('samples', () => {
      const batchOf = (
        sdk: string,
        no: number,
        samples: readonly SeriesSample[] = [sampleOf(start)],
        service = 'trips',
      ) => {
        return { ...scope, sdk, no, trusted: true, services: [{ service, samples }] }
      }

      it('takes each number of a sender once, however often and from wherever it is sent (nothing counts twice)', async () => {
        const other = await world.other()
        const sends = [1, 2, 1, 3, 2, 1].flatMap(no => [
          store.samples.append(batchOf('s', no)),
          other.samples.append(batchOf('s', no)),
        ])
        const results = await Promise.all(sends)
        assert.equal(results.filter(result => 'id' in result).length, 3)
        assert.equal(results.filter(result => 'duplicate' in result).length, 9)
        assert.ok('id' in (await store.samples.append(batchOf('t', 1))), 'another sender has its own numbers')
        assert.ok(
          'id' in (await store.samples.append({ ...batchOf('s', 1), environment: 'staging' })),
          'and another environment',
        )
        const { batches } = await store.samples.read(0, null, 100)
        const counted = batches.flatMap(({ samples }) => samples).reduce((total, { count }) => total + count, 0)
        assert.equal(counted, 5 * 10, 'whether or not they were written together')
        assert.deepEqual([batches[0]?.service, batches[0]?.receivedAt, batches[0]?.trusted], ['trips', start, true])
      })

      it('keeps apart what must not be added up: services, trust, labels, tracks and buckets', async () => {
        const variants = [
          {},
          { labels: { status: '500' } },
          { track: 'stable' as const },
          { start: start + 10_000 },
          { lengthMs: 60_000 },
        ]
        const samples = variants.map(variant => sampleOf(start, variant))
        const sends = ['s1', 's2', 's3'].flatMap((sdk, index) => [
          store.samples.append(batchOf(sdk, 1, samples)),
          store.samples.append({ ...batchOf(`${sdk} browser`, 1, samples), trusted: false }),
          store.samples.append(batchOf(`${sdk} search`, index + 1, samples, 'search')),
        ])
        await Promise.all(sends)
        const totals = new Map<string, number>()
        for (const { service, trusted, samples } of (await store.samples.read(0, null, 100)).batches) {
          for (const { count, sum: _, ...head } of samples) {
            const name = JSON.stringify([service, trusted, head])
            totals.set(name, (totals.get(name) ?? 0) + count)
          }
        }
        assert.deepEqual([...totals.values()], Array(15).fill(30))
      })

      it('remembers a window of numbers: a hole may be filled, what is older counts as taken', async () => {
        const send = async (no: number) => 'id' in (await store.samples.append(batchOf('s', no)))
        const cases = [
          [5, true],
          [3, true],
          [3, false],
          [66, true],
          [5, false],
          [4, false],
          [6, true],
          [6, false],
          [500, true],
          [500, false],
          [66, false],
          [499, true],
          [439, true],
          [438, false],
        ] as const
        for (const [no, taken] of cases) assert.equal(await send(no), taken, `batch ${no}`)
      })

      it('reads on from a cursor in the order of ids, of all services or of some, and passes what does not match', async () => {
        for (let no = 1; no <= 6; no++)
          await store.samples.append(batchOf('s', no, [sampleOf(start)], no % 2 === 0 ? 'trips' : 'search'))
        const filter = { ...scope, services: ['trips'] }
        const first = await store.samples.read(0, filter, 2)
        const second = await store.samples.read(first.cursor, filter, 2)
        assert.deepEqual([first.batches.length, second.batches.length], [2, 1])
        assert.equal(second.cursor, await store.samples.head())
        assert.deepEqual(await store.samples.read(second.cursor, filter, 2), { batches: [], cursor: second.cursor })
        assert.equal((await store.samples.read(0, { ...filter, services: ['bookmarks'] }, 9)).cursor, second.cursor)
        const all = (await store.samples.read(0, null, 100)).batches.map(({ id }) => id)
        assert.deepEqual(
          all,
          all.toSorted((a, b) => a - b),
        )
      })

      it('never shows a larger id before a smaller one, with writers in two processes', async () => {
        const other = await world.other()
        const seen: number[] = []
        let isWriting = true
        const reading = (async () => {
          for (let cursor = 0; ; ) {
            const wasWriting = isWriting
            const page = await other.samples.read(cursor, null, 50)
            seen.push(...page.batches.map(({ id }) => id))
            cursor = page.cursor
            if (!wasWriting && page.batches.length === 0) return
          }
        })()
        const writes = Array.from({ length: 60 }, (_, index) =>
          (index % 2 === 0 ? store : other).samples.append(batchOf(`s${index % 7}`, index + 1)),
        )
        const results = await Promise.all(writes)
        isWriting = false
        await reading
        const written = [...new Set(results.flatMap(result => ('id' in result ? [result.id] : [])))]
        assert.deepEqual(
          seen,
          written.toSorted((a, b) => a - b),
        )
      })

      it('finds where a new reader begins', async () => {
        assert.equal(await store.samples.idBefore(start + 1), 0)
        for (let no = 1; no <= 3; no++) {
          await store.samples.append(batchOf('s', no))
          world.clock.at += 1_000
        }
        const ids = (await store.samples.read(0, null, 9)).batches.map(({ id }) => id)
        const found = [start, start + 1, start + 1_000, start + 1_001, start + 9_000]
        assert.deepEqual(await Promise.all(found.map(at => store.samples.idBefore(at))), [
          0,
          ids[0],
          ids[0],
          ids[1],
          ids[2],
        ])
      })

      it('packs hours by adding up, coarsens them with age and drops them at the end (I)', async () => {
        const hour = Math.floor(start / 3_600_000) * 3_600_000
        const quantiles = {
          kind: 'exact' as const,
          counts: [
            [120, 2],
            [300, 1],
          ] as [number, number][],
        }
        const parts = [
          [
            sampleOf(hour),
            sampleOf(hour + 10_000, { last: 4 }),
            sampleOf(hour, { labels: { status: '500' }, count: 1, sum: 1 }),
          ],
          [sampleOf(hour, { count: 5, sum: 5 }), sampleOf(hour + 60_000, { series: 'duration', quantiles })],
          [
            sampleOf(hour + 60_000, { series: 'duration', quantiles }),
            sampleOf(hour + 70_000, { series: 'duration', quantiles }),
          ],
        ]
        const query = { ...scope, service: 'trips', from: hour, to: hour + 3_600_000 }
        const read = async (series: string) =>
          (await store.samples.history({ ...query, series })).map(({ start: at, count, sum, lengthMs }) => [
            at - hour,
            lengthMs,
            count,
            sum,
          ])
        for (const [index, samples] of parts.entries()) {
          await store.samples.append(batchOf('s', index + 1, samples))
          if (index > 0) assert.deepEqual(await store.samples.compact(), { batches: index === 1 ? 2 : 1 })
        }
        assert.deepEqual(await store.samples.compact(), { batches: 0 })
        const ordered = (rows: number[][]) => rows.toSorted((a, b) => a[0]! - b[0]! || b[2]! - a[2]!)
        assert.deepEqual(ordered(await read('http_requests')), [
          [0, 10_000, 15, 15],
          [0, 10_000, 1, 1],
          [10_000, 10_000, 10, 10],
        ])
        assert.deepEqual(await read('duration'), [
          [60_000, 10_000, 20, 20],
          [70_000, 10_000, 10, 10],
        ])
        world.clock.at = hour + 49 * 3_600_000
        await store.samples.prune()
        assert.deepEqual(ordered(await read('http_requests')), [
          [0, 60_000, 25, 25],
          [0, 60_000, 1, 1],
        ])
        const [packed] = await store.samples.history({ ...query, series: 'duration' })
        assert.deepEqual(packed?.quantiles, {
          kind: 'exact',
          counts: [
            [120, 6],
            [300, 3],
          ],
        })
        world.clock.at = hour + 36 * 24 * 3_600_000
        await store.samples.prune()
        assert.deepEqual(await read('duration'), [[0, 3_600_000, 30, 30]])
        assert.deepEqual(
          await store.samples.read(0, null, 9).then(({ batches }) => batches),
          [],
          'the log itself is gone',
        )
        await store.samples.append(batchOf('later', 1, [sampleOf(world.clock.at)]))
        assert.equal((await store.samples.read(0, null, 9)).batches.length, 1, 'and goes on')
        world.clock.at = hour + 401 * 24 * 3_600_000
        await store.samples.prune()
        assert.deepEqual(await read('duration'), [])
      })

      it('keeps a batch in the log until it is packed, however old it is', async () => {
        await store.samples.append(batchOf('s', 1))
        world.clock.at += 5 * 24 * 3_600_000
        await store.samples.prune()
        assert.equal((await store.samples.read(0, null, 9)).batches.length, 1)
        await store.samples.compact()
        await store.samples.prune()
        assert.equal((await store.samples.read(0, null, 9)).batches.length, 0)
        assert.equal(
          (
            await store.samples.history({
              ...scope,
              service: 'trips',
              series: 'http_requests',
              from: start - 3_600_000,
              to: start + 3_600_000,
            })
          ).length,
          1,
        )
      })
    })

    describe('flags', () => {
      const write = { ...scope, by: 'yuki', why: 'because' }
      const put = async (key: string, expectedVersion: number, given = {}) =>
        store.flags.put({ ...write, expectedVersion, definition: defineFlag({ key, ...given }) })

      it('gives every change the next version of its environment, and keeps who changed what and why', async () => {
        const made = await put('booking', 0)
        assert.ok(made.ok)
        assert.deepEqual([made.flag.version, made.flag.definition.version, made.flag.heldBy], [1, 1, null])
        assert.ok((await put('search', 0)).ok)
        const changed = await put('booking', 1, { on: false })
        assert.ok(changed.ok)
        assert.equal(changed.flag.version, 3)
        assert.deepEqual(changed.flag.definition, { ...defineFlag({ key: 'booking', on: false }), version: 3 })
        const history = await store.flags.history(scope, 'booking', { limit: 1 })
        assert.deepEqual(
          history.items.map(({ version, by, why, definition }) => [version, by, why, definition?.on]),
          [[3, 'yuki', 'because', false]],
        )
        const older = await store.flags.history(scope, 'booking', { limit: 1, after: history.next })
        assert.deepEqual(
          older.items.map(({ version }) => version),
          [1],
        )
        const page = await store.flags.list(scope, { limit: 1 })
        assert.deepEqual(
          [
            page.items.map(({ key }) => key),
            (await store.flags.list(scope, { after: page.next })).items.map(({ key }) => key),
          ],
          [['booking'], ['search']],
        )
        assert.equal(await store.flags.get({ ...scope, environment: 'staging' }, 'booking'), null)
      })

      it('refuses a write that did not see the newest version, and shows the present one', async () => {
        await put('booking', 0)
        const both = await Promise.all([put('booking', 1, { on: false }), put('booking', 1, { killed: true })])
        assert.equal(both.filter(result => result.ok).length, 1)
        const refused = both.find(result => !result.ok)!
        assert.ok(!refused.ok && refused.code === 'conflict' && refused.present?.version === 2)
        const again = await put('booking', 0)
        assert.ok(!again.ok && again.code === 'conflict')
        const missing = await put('unknown', 4)
        assert.ok(!missing.ok && missing.code === 'conflict' && missing.present === null)
      })

      it('streams what changed since a version, removals included, and a flag that comes back', async () => {
        await put('a', 0)
        await put('b', 0)
        const since = async (version: number) => {
          const { flags, removed, ...rest } = await store.flags.readSince(scope, version)
          return { ...rest, keys: flags.map(({ key }) => key), removed }
        }
        assert.deepEqual(await since(0), { version: 2, keys: ['a', 'b'], removed: [] })
        assert.deepEqual(await since(2), { version: 2, keys: [], removed: [] })
        const refused = await store.flags.remove({ ...write, key: 'a', expectedVersion: 2 })
        assert.equal(refused.ok, false)
        assert.equal((await store.flags.remove({ ...write, key: 'a', expectedVersion: 1 })).ok, true)
        assert.deepEqual(await since(1), { version: 3, keys: ['b'], removed: ['a'] })
        assert.equal((await put('a', 0)).ok, true)
        assert.deepEqual(await since(2), { version: 4, keys: ['a'], removed: [] })
        assert.deepEqual(
          (await store.flags.history(scope, 'a', {})).items.map(({ definition }) => definition === null),
          [false, true, false],
        )
      })

      it('is moved only by the release that holds it, never by an older generation (D: a late retry never raises)', async () => {
        await put('booking', 0, { segments: { vip: { include: { plan: ['vip'] } } } })
        const id = await begin(store, { hands: ['flag:booking'] })
        assert.equal((await store.flags.get(scope, 'booking'))?.heldBy, id)
        const set = (generation: number, share: number, releaseId = id) =>
          store.flags.setExposure({
            ...scope,
            key: 'booking',
            releaseId,
            generation,
            exposure: flagExposureOf(share),
            segments: { beta: { include: { beta: ['true'] } } },
          })
        assert.deepEqual(await set(2, 0.05), { ok: true, version: 2 })
        assert.deepEqual(await set(2, 0.05), { ok: true, version: 2 }, 'the same again changes nothing')
        assert.deepEqual(await set(3, 0), { ok: true, version: 3 })
        assert.deepEqual(await set(2, 0.05), { ok: false, code: 'stale' })
        assert.deepEqual(await set(9, 1, '00000000-0000-7000-8000-000000000000'), { ok: false, code: 'not held' })
        const unknown = {
          ...scope,
          key: 'nothing',
          releaseId: id,
          generation: 1,
          exposure: flagExposureOf(0),
          segments: {},
        }
        assert.deepEqual(await store.flags.setExposure(unknown), { ok: false, code: 'unknown flag' })
        const flag = await store.flags.get(scope, 'booking')
        assert.deepEqual([flag?.definition.exposure, flag?.generation, flag?.definition.version], [exposureOf(0), 3, 3])
        assert.deepEqual(Object.keys(flag!.definition.segments).toSorted(), ['beta', 'vip'])
        const moves = await Promise.all([set(5, 0.5), set(4, 0.2), set(6, 0), set(5, 0.5)])
        assert.deepEqual(
          (await store.flags.get(scope, 'booking'))?.definition.exposure,
          exposureOf(0),
          JSON.stringify(moves),
        )
      })

      it('is held until the release ends: people need to break glass, and its next holder starts anew', async () => {
        await put('booking', 0)
        const id = await begin(store, { hands: ['flag:booking'] })
        assert.deepEqual(await put('booking', 1, { on: false }), { ok: false, code: 'held', releaseId: id })
        const removal = await store.flags.remove({ ...write, key: 'booking', expectedVersion: 1 })
        assert.deepEqual(removal, { ok: false, code: 'held', releaseId: id })
        const forced = await store.flags.put({
          ...write,
          expectedVersion: 1,
          definition: defineFlag({ key: 'booking', on: false }),
          breakGlass: true,
        })
        assert.ok(forced.ok && forced.flag.heldBy === id)
        const exposure = { ...scope, key: 'booking', exposure: flagExposureOf(1), segments: {} }
        await store.flags.setExposure({ ...exposure, releaseId: id, generation: 8 })
        await store.releases.commit(
          commitOf(await claimed(store, 'a', id), { eventCount: 1, ended: true, wakeAt: null }),
        )
        assert.deepEqual(await store.flags.setExposure({ ...exposure, releaseId: id, generation: 9 }), {
          ok: false,
          code: 'not held',
        })
        const next = await begin(store, { hands: ['flag:booking'] })
        assert.deepEqual(
          await store.flags.setExposure({
            ...exposure,
            exposure: flagExposureOf(0),
            releaseId: next,
            generation: 1,
          }),
          { ok: true, version: 4 },
        )
      })

      it('moves many flags at the same moment, each under a version of its own', async () => {
        const keys = Array.from({ length: 30 }, (_, index) => `flag-${index}`)
        for (const key of keys) assert.ok((await put(key, 0)).ok)
        const releaseId = await begin(store, { hands: keys.map(key => `flag:${key}`) })
        const move = (key: string, share: number) => {
          const change = { generation: 2, exposure: flagExposureOf(share), segments: {} }
          return store.flags.setExposure({ ...scope, key, releaseId, ...change })
        }
        const moved = await Promise.all([...keys.map(key => move(key, 0.5)), move('nothing', 0.5)])
        assert.deepEqual(moved.pop(), { ok: false, code: 'unknown flag' })
        const versions = moved.map(result => (result.ok ? result.version : 0)).toSorted((a, b) => a - b)
        assert.deepEqual(
          versions,
          keys.map((_, index) => 31 + index),
        )
        const { version, flags } = await store.flags.readSince(scope, 30)
        assert.deepEqual([version, flags.map(flag => flag.version)], [60, versions])
        for (const flag of flags)
          assert.deepEqual([flag.definition.version, flag.definition.exposure.share], [flag.version, 0.5])
      })

      it('a flag made while a release already has its hand is held by it', async () => {
        const id = await begin(store, { hands: ['flag:late'] })
        const made = await put('late', 0)
        assert.ok(made.ok)
        assert.equal(made.flag.heldBy, id)
      })
    })

    describe('SDK instances', () => {
      it('counts those that acknowledged a version, names the silent ones, and forgets those long unseen', async () => {
        const connect = (sdk: string, kind: 'server' | 'client' = 'server') =>
          store.sdks.connected({ ...scope, sdk, name: `trips ${sdk}`, kind })
        await connect('gone')
        world.clock.at += 600_000
        for (const sdk of ['a', 'b', 'c']) await connect(sdk)
        await connect('browser', 'client')
        await store.sdks.acknowledged(scope, [
          { sdk: 'a', version: 7 },
          { sdk: 'b', version: 6 },
          { sdk: 'a', version: 5 },
          { sdk: 'nobody', version: 9 },
        ])
        const reach = await store.sdks.reach(scope, 7, 300_000)
        assert.deepEqual(
          [reach.known, reach.acknowledged, reach.silent.map(({ name }) => name)],
          [3, 1, ['trips b', 'trips c']],
        )
        assert.deepEqual(reach.silent[0], {
          ...scope,
          sdk: 'b',
          name: 'trips b',
          kind: 'server',
          version: 6,
          connectedAt: world.clock.at,
          seenAt: world.clock.at,
          connected: true,
        })
        await store.sdks.acknowledged(scope, [{ sdk: 'a', version: 3 }])
        assert.equal((await store.sdks.reach(scope, 7, 300_000)).acknowledged, 1, 'a version never goes back')
        await store.sdks.disconnected(scope, ['a'])
        await connect('b')
        const page = await store.sdks.list(scope, {})
        assert.deepEqual(
          page.items.map(({ sdk, connected, version }) => [sdk, connected, version]),
          [
            ['a', false, 7],
            ['b', true, 6],
            ['browser', true, 0],
            ['c', true, 0],
            ['gone', true, 0],
          ],
        )
        await store.sdks.ended(scope, 'b')
        assert.deepEqual((await store.sdks.reach(scope, 7, 300_000)).known, 2, 'nobody waits for one that ended')
        assert.equal(await store.sdks.forget(300_000), 1)
        assert.deepEqual(await store.sdks.reach({ ...scope, environment: 'staging' }, 1, 300_000), {
          known: 0,
          acknowledged: 0,
          silent: [],
        })
      })
    })

    describe('exposures', () => {
      const record = (no: number, given: Partial<NewExposureBatch>, sdk = 'sdk-1') =>
        store.exposures.record({ ...scope, sdk, no, exposures: [], outcomes: [], ...given })
      const seen = (user: string, variant: string, at = start, flag = 'search') => ({ flag, variant, user, at })
      const did = (user: string, value = 1, at = start + 1) => ({ event: 'booked', user, at, value })

      it('counts a batch once, users by their first variant, and exposures by the hour', async () => {
        const exposures = [seen('aki', 'a'), seen('ben', 'b', start + 5), seen('chie', 'b', start + hourMs)]
        assert.deepEqual(await record(1, { exposures }), { duplicate: false })
        assert.deepEqual(await record(1, { exposures }), { duplicate: true })
        assert.deepEqual(await record(1, { exposures: [seen('aki', 'a', start + 9)] }, 'sdk-2'), { duplicate: false })
        assert.deepEqual(await store.exposures.variants(scope, 'search'), [
          { variant: 'a', users: 1, switched: 0, firstAt: start, lastAt: start },
          { variant: 'b', users: 2, switched: 0, firstAt: start + 5, lastAt: start + hourMs },
        ])
        assert.deepEqual(await store.exposures.hours(scope, 'search', start, start + 2 * hourMs), [
          { hour: start, variant: 'a', exposures: 2, users: 1 },
          { hour: start, variant: 'b', exposures: 1, users: 1 },
          { hour: start + hourMs, variant: 'b', exposures: 1, users: 1 },
        ])
        assert.deepEqual(await store.exposures.hours(scope, 'search', start + 1, start + hourMs), [])
        assert.deepEqual(await store.exposures.variants({ ...scope, environment: 'staging' }, 'search'), [])
      })

      it('keeps the earliest exposure of a user in whatever order they come, and tells who had another variant', async () => {
        await record(1, { exposures: [seen('aki', 'b', start + 8), seen('ben', 'a', start + 2), seen('ben', 'b')] })
        await record(1, { exposures: [seen('aki', 'a', start + 3), seen('chie', 'a', start + 4)] }, 'sdk-2')
        assert.deepEqual(await store.exposures.first(scope, 'search', 'aki'), {
          variant: 'a',
          at: start + 3,
          switched: true,
        })
        assert.deepEqual(await store.exposures.variants(scope, 'search'), [
          { variant: 'a', users: 1, switched: 1, firstAt: start + 3, lastAt: start + 4 },
          { variant: 'b', users: 0, switched: 1, firstAt: start, lastAt: start },
        ])
        assert.equal(await store.exposures.first(scope, 'search', 'nobody'), null)
        assert.equal(await store.exposures.first(scope, 'other', 'aki'), null)
      })

      it('counts what users did after their first exposure, for every flag they were exposed to', async () => {
        await record(1, {
          exposures: [seen('aki', 'a'), seen('ben', 'b'), seen('chie', 'b'), seen('aki', 'on', start, 'checkout')],
          outcomes: [did('aki', 3), did('aki', 4), did('chie'), did('dan'), did('ben', 9, start - 1)],
        })
        await record(2, { outcomes: [did('ben', 2)], exposures: [seen('dan', 'a', start + 2)] })
        const outcomes = await store.exposures.outcomes(scope, 'search', 'booked')
        assert.deepEqual(outcomes, [
          { variant: 'a', users: 2, converted: 1, times: 2, sum: 7, sumOfSquares: 49 },
          { variant: 'b', users: 2, converted: 2, times: 2, sum: 3, sumOfSquares: 5 },
        ])
        const [checkout] = await store.exposures.outcomes(scope, 'checkout', 'booked')
        assert.deepEqual([checkout?.variant, checkout?.converted, checkout?.sum], ['on', 1, 7])
        await record(3, { exposures: [seen('chie', 'a', start + 9)] })
        const [, b] = await store.exposures.outcomes(scope, 'search', 'booked')
        assert.deepEqual([b?.users, b?.sum], [1, 2], 'whoever switched counts for no variant')
        assert.deepEqual(await store.exposures.events(scope, 'search'), ['booked'])
        assert.deepEqual(await store.exposures.events(scope, 'other'), [])
      })

      it('forgets the users of an experiment that begins anew, and after 180 days; the counts of hours stay for 400', async () => {
        const both = [seen('aki', 'a'), seen('aki', 'on', start, 'checkout')]
        await record(1, { exposures: both, outcomes: [did('aki')] })
        await store.exposures.forget(scope, 'search')
        assert.deepEqual(await store.exposures.variants(scope, 'search'), [])
        assert.deepEqual(await store.exposures.outcomes(scope, 'search', 'booked'), [])
        const counts = async () => [
          (await store.exposures.variants(scope, 'checkout')).length,
          (await store.exposures.hours(scope, 'search', start, start + hourMs)).length,
        ]
        for (const [days, left] of [
          [179, [1, 1]],
          [181, [0, 1]],
          [401, [0, 0]],
        ] as const) {
          world.clock.at = start + days * 24 * hourMs
          await store.prune()
          assert.deepEqual(await counts(), left, `${days} days later`)
        }
        assert.deepEqual(await record(1, { exposures: both }), { duplicate: false }, 'the SDK is forgotten too')
      })
    })

    describe('keys and people', () => {
      it('makes the first admin key once, even when two servers start together', async () => {
        const other = await world.other()
        const made = await Promise.all([store.keys.createFirstAdmin('yuki'), other.keys.createFirstAdmin('yuki')])
        const [first, ...more] = made.filter(key => key !== null)
        assert.ok(first)
        assert.equal(more.length, 0)
        const verified = await other.keys.verify(first.secret)
        assert.deepEqual([verified?.principal.name, verified?.roles, verified?.key.kind], ['yuki', ['admin'], 'admin'])
      })

      it('knows a key by its digest only, in its scope, until it expires, is revoked or its owner is disabled', async () => {
        const created = await store.principals.create({ name: 'ci', kind: 'machine' })
        assert.ok(created.ok)
        const { principal } = created
        assert.deepEqual(await store.principals.create({ name: 'ci', kind: 'person' }), {
          ok: false,
          code: 'name taken',
        })
        await store.principals.setMemberships(principal.id, [
          { project: '*', environment: '*', role: 'viewer' },
          { ...scope, role: 'release-managers' },
          { ...scope, environment: 'staging', role: 'testers' },
        ])
        const make = (expiresAt: number | null = null) =>
          store.keys.create({ ...scope, kind: 'ci', name: 'pipeline', principalId: principal.id, expiresAt })
        const { key, secret } = await make(start + 1_000)
        assert.ok(secret.startsWith(key.prefix) && secret.length > key.prefix.length + 30)
        assert.ok(!JSON.stringify((await store.keys.list({})).items).includes(secret))
        assert.deepEqual((await store.keys.verify(secret))?.roles, ['release-managers', 'viewer'])
        assert.deepEqual(await store.principals.rolesOf(principal.id, { ...scope, environment: 'staging' }), [
          'testers',
          'viewer',
        ])
        assert.equal((await store.keys.list({})).items[0]?.usedAt, start)
        const validAmong = async (...ids: string[]) => [...(await store.keys.validAmong(ids))]
        assert.deepEqual(await validAmong(principal.id, key.id), [key.id])
        assert.equal(await store.keys.verify(`${secret}x`), null)
        world.clock.at += 1_000
        assert.equal(await store.keys.verify(secret), null, 'expired')
        const second = await make()
        assert.deepEqual(await validAmong(key.id, second.key.id), [second.key.id])
        assert.ok(await store.keys.verify(second.secret))
        assert.equal(await store.keys.revoke(second.key.id), true)
        assert.equal(await store.keys.revoke(second.key.id), false)
        assert.equal(await store.keys.verify(second.secret), null, 'revoked')
        const third = await make()
        assert.deepEqual(await validAmong(key.id, second.key.id, third.key.id), [third.key.id])
        assert.equal(await store.principals.disable(principal.id), true)
        assert.equal(await store.keys.verify(third.secret), null, 'its owner is disabled')
        assert.deepEqual(await validAmong(key.id, second.key.id, third.key.id), [])
        const page = await store.keys.list({ limit: 2, project: 'shop' })
        assert.deepEqual(
          [...page.items, ...(await store.keys.list({ after: page.next })).items].map(({ id }) => id),
          [third.key.id, second.key.id, key.id],
        )
        assert.equal((await store.principals.byName('ci'))?.disabledAt, start + 1_000)
        assert.deepEqual(
          (await store.principals.list({})).items.map(({ name }) => name),
          ['ci'],
        )
        await assert.rejects(
          store.keys.create({
            ...scope,
            kind: 'ci',
            name: 'x',
            principalId: '00000000-0000-7000-8000-000000000000',
            expiresAt: null,
          }),
          { code: 'reference' },
        )
      })
    })

    describe('documents, connections, emergency stops, audit and settings', () => {
      const apply = (texts: Record<string, string>, dryRun = false) =>
        store.documents.apply({
          ...scope,
          by: 'yuki',
          why: null,
          dryRun,
          documents: Object.entries(texts).map(([name, text]) => ({ kind: 'ReleasePlan', name, text })),
        })

      it('applies documents idempotently, all or nothing, with every version kept', async () => {
        const changes = async (texts: Record<string, string>, dryRun = false) =>
          (await apply(texts, dryRun)).map(({ name, change, version }) => [name, change, version])
        assert.deepEqual(await changes({ api: 'a: 1' }, true), [['api', 'created', 1]])
        assert.equal(await store.documents.get(scope, 'ReleasePlan', 'api'), null, 'a dry run writes nothing')
        assert.deepEqual(await changes({ api: 'a: 1', web: 'b: 1' }), [
          ['api', 'created', 1],
          ['web', 'created', 1],
        ])
        assert.deepEqual(await changes({ api: 'a: 2', web: 'b: 1' }), [
          ['api', 'changed', 2],
          ['web', 'unchanged', 1],
        ])
        assert.deepEqual(await changes({ api: 'a: 2' }), [['api', 'unchanged', 2]])
        const stored = await store.documents.get(scope, 'ReleasePlan', 'api')
        assert.deepEqual([stored?.text, stored?.version, stored?.by, stored?.digest.length], ['a: 2', 2, 'yuki', 64])
        assert.deepEqual(
          (await store.documents.history(scope, 'ReleasePlan', 'api', {})).items.map(({ text }) => text),
          ['a: 2', 'a: 1'],
        )
        const page = await store.documents.list(scope, { limit: 1, kind: 'ReleasePlan' })
        assert.deepEqual(
          [
            page.items[0]?.name,
            (await store.documents.list(scope, { after: page.next })).items.map(({ name }) => name),
          ],
          ['api', ['web']],
        )
        await store.documents.apply({
          ...scope,
          documents: [{ kind: 'Checklist', name: 'smoke', text: 'b: 1' }],
          by: 'yuki',
          why: null,
        })
        assert.deepEqual(
          (await store.documents.helpers(scope)).map(({ kind, name }) => `${kind} ${name}`),
          ['Checklist smoke'],
        )
        const both = await Promise.all([changes({ api: 'a: 3' }), changes({ api: 'a: 3' })])
        assert.deepEqual(both.map(([change]) => change![1]).toSorted(), ['changed', 'unchanged'])
      })

      it('never lists the secrets of a connection, and keeps them when only settings change', async () => {
        const put = (secrets: Record<string, string> | null, settings = {}) =>
          store.connections.put({ ...scope, name: 'slack', kind: 'webhook', settings, secrets, by: 'yuki' })
        const made = await put({ url: 'https://hooks.example/T1', authorization: 'Bearer x' })
        assert.deepEqual([made.secretNames, made.version], [['authorization', 'url'], 1])
        assert.deepEqual(await put(null, { timeoutMs: 5 }), { ...made, settings: { timeoutMs: 5 }, version: 2 })
        assert.deepEqual(await store.connections.get(scope, 'slack'), {
          ...made,
          settings: { timeoutMs: 5 },
          version: 2,
        })
        assert.ok(!JSON.stringify((await store.connections.list(scope, {})).items).includes('hooks.example'))
        assert.deepEqual(await store.connections.secretsOf(scope, 'slack'), {
          url: 'https://hooks.example/T1',
          authorization: 'Bearer x',
        })
        assert.equal(await store.connections.secretsOf({ ...scope, environment: 'staging' }, 'slack'), null)
        assert.deepEqual(
          [await store.connections.remove(scope, 'slack'), await store.connections.remove(scope, 'slack')],
          [true, false],
        )
      })

      it('stops once per id, tells the streams by a new version, and stays until cleared (G)', async () => {
        await store.flags.put({
          ...scope,
          definition: defineFlag({ key: 'booking' }),
          expectedVersion: 0,
          by: 'yuki',
          why: null,
        })
        const id = '0199f3c0-0000-7000-8000-000000000001'
        const stop = () =>
          store.overlays.stop({ ...scope, id, stops: { kind: 'everything' }, by: 'yuki', why: 'on fire' })
        const version = async () => (await store.flags.readSince(scope, 0)).version
        const [first, second] = [await stop(), await stop()]
        assert.deepEqual(first, second)
        assert.equal(await version(), 2)
        assert.deepEqual(await store.overlays.active(scope), [first])
        assert.deepEqual(await store.overlays.active({ ...scope, environment: 'staging' }), [])
        const wide = { project: '*', environment: '*', id: '0199f3c0-0000-7000-8000-000000000002' }
        await store.overlays.stop({ ...wide, stops: { kind: 'flag', key: 'booking' }, by: 'kai', why: null })
        assert.equal(await version(), 3)
        assert.equal((await store.overlays.active(scope)).length, 2)
        const cleared = await store.overlays.clear(id, 'kai', 'fixed')
        assert.deepEqual([cleared?.clearedBy, cleared?.clearedWhy, cleared?.clearedAt], ['kai', 'fixed', start])
        assert.deepEqual(await store.overlays.clear(id, 'someone', null), cleared)
        assert.equal(await version(), 4)
        assert.equal((await store.overlays.active(null)).length, 1)
        assert.deepEqual((await store.overlays.list(scope, {})).items, [cleared])
        assert.equal(await store.overlays.clear('0199f3c0-0000-7000-8000-00000000000f', 'kai', null), null)
      })

      it('gives the newest stops, and those that stop everything, of an environment that has very many', async () => {
        const place = { project: 'shop', environment: 'many-stops' }
        const stop = (stops: OverlayTarget) =>
          store.overlays.stop({ ...place, id: randomUUID(), stops, by: 'script', why: null })
        const all = await stop({ kind: 'everything' })
        const other = { ...place, environment: 'few-stops', id: randomUUID() }
        await store.overlays.stop({ ...other, stops: { kind: 'flag', key: 'a' }, by: 'kai', why: null })
        for (let index = 0; index <= activeOverlaysMax; index++) {
          await stop({ kind: 'flag', key: `flag-${index}` })
          if (index === 0) world.clock.at += 1
        }
        const keysOf = (list: readonly Overlay[]) => list.map(({ stops }) => (stops.kind === 'flag' ? stops.key : null))
        const active = await store.overlays.active(place)
        assert.equal(active.length, activeOverlaysMax)
        assert.equal(active.at(-1)?.id, all.id, 'the oldest stops everything')
        assert.equal(keysOf(active).includes(`flag-${activeOverlaysMax}`), true)
        assert.equal(keysOf(active).includes('flag-0'), false, 'of flags the oldest is left out')
        assert.equal(
          (await store.overlays.active(null)).some(({ id }) => id === other.id),
          true,
        )
      })

      it('a stop in an environment that has no flags yet still moves its version', async () => {
        const place = { project: 'shop', environment: 'fresh' }
        await store.overlays.stop({
          ...place,
          id: '0199f3c0-0000-7000-8000-000000000003',
          stops: { kind: 'everything' },
          by: 'yuki',
          why: null,
        })
        assert.equal((await store.flags.readSince(place, 0)).version, 1)
      })

      it('audits newest first, by scope and subject, and keeps settings', async () => {
        for (const [index, subject] of ['key 1', 'flag a', 'key 1'].entries()) {
          await store.audit.append({
            ...scope,
            by: 'yuki',
            action: `act ${index}`,
            subject,
            why: null,
            detail: { index },
          })
        }
        const page = await store.audit.list(scope, { limit: 2 })
        assert.deepEqual(
          page.items.map(({ action }) => action),
          ['act 2', 'act 1'],
        )
        assert.deepEqual(
          (await store.audit.list(scope, { after: page.next })).items.map(({ action, at, detail }) => [
            action,
            at,
            detail,
          ]),
          [['act 0', start, { index: 0 }]],
        )
        assert.deepEqual((await store.audit.list(null, { subject: 'key 1' })).items.length, 2)
        assert.deepEqual((await store.audit.list({ ...scope, project: 'other' }, {})).items, [])
        assert.equal(await store.settings.get(scope, 'locale'), null)
        await store.settings.put(scope, 'locale', 'ja')
        await store.settings.put(scope, 'locale', { default: 'en' })
        assert.deepEqual(await store.settings.get(scope, 'locale'), { default: 'en' })
      })
    })
  })
}

describe('the two stores', () => {
  it('answer every step of a random walk of two instances alike', async () => {
    const walk = fc.asyncProperty(walks, async steps => {
      const worlds = [await openMemory(), await openPostgres()]
      try {
        const walkers = await Promise.all(
          worlds.map(async ({ store, clock, other }) => new StoreWalk({ a: store, b: await other() }, clock)),
        )
        for (const [index, step] of steps.entries()) {
          const [expected, found] = [await walkers[0]!.take(step), await walkers[1]!.take(step)]
          assert.deepEqual(found, expected, `step ${index}: ${JSON.stringify(step)}`)
        }
      } finally {
        await Promise.all(worlds.map(world => world.close()))
      }
    })
    await fc.assert(walk, { numRuns: 25, interruptAfterTimeLimit: 60_000 })
  })

  it('agree on exposures and outcomes in whatever order many SDKs send them', async () => {
    const few = (...words: string[]) => fc.constantFrom(...words)
    const at = fc.nat(3 * hourMs).map(ms => start + ms)
    const exposure = fc.record({ flag: few('f', 'g'), variant: few('a', 'b'), user: few('u', 'v', 'w', 'x'), at })
    const outcome = fc.record({
      event: few('e', 'd'),
      user: few('u', 'v', 'w', 'x'),
      at,
      value: fc.integer({ min: -999, max: 999 }),
    })
    const batch = fc.record({
      sdk: few('one', 'two'),
      no: fc.nat(5),
      exposures: fc.array(exposure, { maxLength: 6 }),
      outcomes: fc.array(outcome, { maxLength: 3 }),
    })
    const found = async (store: Store) =>
      Promise.all(
        ['f', 'g'].map(async flag => [
          await store.exposures.hours(scope, flag, start, start + 4 * hourMs),
          await store.exposures.variants(scope, flag),
          await store.exposures.outcomes(scope, flag, 'e'),
          await store.exposures.events(scope, flag),
        ]),
      )
    const alike = fc.asyncProperty(fc.array(batch, { maxLength: 8 }), async batches => {
      const worlds = [await openMemory(), await openPostgres()]
      try {
        for (const given of batches) {
          const [one, other] = await Promise.all(
            worlds.map(({ store }) => store.exposures.record({ ...scope, ...given })),
          )
          assert.deepEqual(other, one)
        }
        const [one, other] = await Promise.all(worlds.map(({ store }) => found(store)))
        assert.deepEqual(other, one)
      } finally {
        await Promise.all(worlds.map(world => world.close()))
      }
    })
    await fc.assert(alike, { numRuns: 25, interruptAfterTimeLimit: 30_000 })
  })
})
