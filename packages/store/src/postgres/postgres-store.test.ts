import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { defineFlag } from '@dankai/flags'
import pg from 'pg'
import type { Hint } from '../hint-ports.ts'
import type { Store } from '../server-ports.ts'
import {
  commandOf,
  commitOf,
  exposureOf,
  flagExposureOf,
  newRelease,
  sampleOf,
  scope,
} from '../testing/release-fixture.ts'
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts'
import { createPostgresStore, type PostgresStoreOptions } from './create-postgres-store.ts'
import { checkProgram, migrateDown, migrateUp, programVersion, schemaVersion } from './migrate.ts'

/** What only the real database can show: migrations, connections that die, locks, lanes, what stands in the tables. */
let server: TestDatabase
before(async () => {
  server = await openTestDatabase()
})
after(async () => {
  await server.close()
})

const start = Date.UTC(2026, 10, 2, 1)
let schemas = 0
let schema: string
let admin: pg.Client
/** Holds locks in a transaction of its own; `admin` looks on from outside, where every look is fresh. */
let locker: pg.Client
const stores: Store[] = []

beforeEach(async () => {
  schema = `p${++schemas}`
  admin = await connect()
  locker = await connect()
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map(store => store.close()))
  await Promise.all([admin.end(), locker.end()])
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url, options: `-c search_path=${schema}` })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function lock(table: string): Promise<void> {
  await locker.query(`begin; lock table ${table} in access exclusive mode`)
}

async function unlock(): Promise<void> {
  await locker.query('commit')
}

async function open(given: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  const store = await createPostgresStore({ url: server.url, schema, ...given })
  stores.push(store)
  return store
}

async function sql<Row = Record<string, unknown>>(text: string): Promise<Row[]> {
  return (await admin.query(text)).rows as Row[]
}

/** Asks the database, not the clock: until a statement of the store waits for a lock of this test. */
async function untilBlocked(other = 0): Promise<number> {
  for (;;) {
    const rows = await sql<{ pid: number }>(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and pid <> ${other} limit 1`,
    )
    if (rows[0] !== undefined) return rows[0].pid
  }
}

describe('migrations', () => {
  const tables = async () =>
    (
      await sql<{
        name: string
      }>(`select c.relname as name from pg_class c where c.relnamespace = '${schema}'::regnamespace
      and c.relkind in ('r', 'p', 'S', 'i') and c.relname !~ '[0-9]{5}' order by 1`)
    ).map(({ name }) => name)

  it('go up, all the way down to nothing, and up again to the same', async () => {
    const done = await migrateUp({ url: server.url, schema })
    assert.equal(done.length, schemaVersion)
    const up = await tables()
    assert.deepEqual(await migrateUp({ url: server.url, schema }), [], 'a second time there is nothing to do')
    for (let version = schemaVersion; version > 0; version--) {
      assert.equal((await sql(`select schema_version from program`))[0]?.['schema_version'], version)
      await migrateDown({ url: server.url, schema }, 1)
    }
    assert.deepEqual(
      (await tables()).filter(name => !name.startsWith('migration')),
      [],
    )
    const functions = await sql(`select proname from pg_proc where pronamespace = '${schema}'::regnamespace`)
    assert.deepEqual(functions, [])
    await migrateUp({ url: server.url, schema })
    assert.deepEqual(await tables(), up)
  })

  it('run once when two instances start together', async () => {
    const both = await Promise.all([migrateUp({ url: server.url, schema }), migrateUp({ url: server.url, schema })])
    assert.deepEqual(both.map(done => done.length).toSorted(), [0, schemaVersion])
  })

  it('refuse a program that is too old for the database, and let the one before the newest run', async () => {
    await migrateUp({ url: server.url, schema })
    await sql('update program set schema_version = 99')
    await open()
    await sql(`update program set min_program = ${programVersion + 1}`)
    const tooOld = {
      code: 'program too old',
      message: /found schema 99, which needs program 2 or newer; this is program 1\. Upgrade this instance\./,
    }
    await assert.rejects(createPostgresStore({ url: server.url, schema }), tooOld)
    await assert.rejects(createPostgresStore({ url: server.url, schema, migrate: false }), tooOld)
  })

  it('are left to the operator who wants it so', async () => {
    await assert.rejects(
      createPostgresStore({ url: server.url, schema, migrate: false }),
      /found schema 0, expected \d+\. Run the migrations first/,
    )
    await migrateUp({ url: server.url, schema })
    await checkProgram({ url: server.url, schema })
    await open({ migrate: false })
  })
})

describe('a process that dies', () => {
  it('while it makes a release leaves nothing of it: no claim, no event, no hand', async () => {
    const store = await open()
    await lock('release_plan')
    const made = store.releases.createRelease(newRelease(start, { hands: ['flag:a', 'nginx:b'] }))
    const refused = assert.rejects(made, { code: 'unreachable' })
    await sql(`select pg_terminate_backend(${await untilBlocked()})`)
    await unlock()
    await refused
    for (const table of ['release', 'hand_claim', 'hand', 'release_event']) {
      assert.deepEqual(await sql(`select * from ${table}`), [], table)
    }
    assert.equal((await store.releases.createRelease(newRelease(start, { hands: ['flag:a', 'nginx:b'] }))).ok, true)
  })

  it('while it commits leaves all of the decision or nothing, and the release can be decided again', async () => {
    const store = await open()
    const created = await store.releases.createRelease(newRelease(start, { commands: [commandOf('forward#1')] }))
    assert.ok(created.ok)
    const release = (await store.releases.claim('a', created.id))!
    const commit = commitOf(release, {
      eventCount: 2,
      superseded: 'all',
      desired: { exposure: exposureOf(0), generation: 2, direction: 'lower' },
      commands: [commandOf('back#1')],
    })
    await lock('command')
    const refused = assert.rejects(store.releases.commit(commit), { code: 'unreachable' })
    await sql(`select pg_terminate_backend(${await untilBlocked()})`)
    await unlock()
    await refused
    const reloaded = (await store.releases.claim('a', created.id))!
    assert.equal(reloaded.state.seq, release.state.seq)
    assert.deepEqual((await store.reader.events(created.id, 0, 9)).length, release.state.seq)
    assert.equal((await store.hands.handsOf(created.id))[0]?.generation, 1)
    assert.equal(await store.releases.commit({ ...commit, fence: reloaded.fence }), 'committed')
    const { items } = await store.reader.commands(created.id, {})
    assert.deepEqual(
      items.map(({ slot, status }) => [slot, status]),
      [
        ['forward#1', 'superseded'],
        ['back#1', 'planned'],
      ],
    )
  })
})

describe('the lane for lowering and emergencies', () => {
  it('answers while every ordinary connection is stuck', async () => {
    const store = await open({ poolSize: 1 })
    await store.flags.put({
      ...scope,
      definition: defineFlag({ key: 'booking' }),
      expectedVersion: 0,
      by: 'yuki',
      why: null,
    })
    const created = await store.releases.createRelease(newRelease(start))
    assert.ok(created.ok)
    await lock('setting')
    const stuck = store.settings.get(scope, 'locale')
    await untilBlocked()
    const id = '0199f3c0-0000-7000-8000-000000000001'
    await store.overlays.stop({ ...scope, id, stops: { kind: 'everything' }, by: 'yuki', why: null })
    assert.equal((await store.overlays.active(scope)).length, 1)
    const write = {
      ...scope,
      key: 'booking',
      releaseId: created.id,
      generation: 2,
      exposure: flagExposureOf(0),
      segments: {},
    }
    assert.deepEqual(await store.flags.setExposure(write), { ok: true, version: 3 })
    await unlock()
    assert.equal(await stuck, null)
  })

  it('gives up long before an ordinary call does, so that an emergency can go another way', async () => {
    const store = await open()
    await lock('overlay, setting')
    const ordinary = store.settings.get(scope, 'locale').then(
      () => 'answered',
      () => 'gave up',
    )
    await untilBlocked()
    const urgent = assert.rejects(store.overlays.active(scope), {
      code: 'slow',
      message: /Cannot read emergency stops: found .*timeout/,
    })
    assert.equal(await Promise.race([ordinary, urgent]), undefined)
    await unlock()
    assert.equal(await ordinary, 'answered')
  })

  it('says that the database cannot be reached in words, not in stack traces', async () => {
    const url = server.url.replace(/:\d+\//, ':1/')
    await assert.rejects(createPostgresStore({ url, schema }), {
      name: 'StoreError',
      code: 'unreachable',
      message: /Check that the database runs/,
    })
  })
})

describe('writes that are made together', () => {
  it('spoil nobody else when one of them cannot be stored', async () => {
    const store = await open()
    const send = (sdk: string, service: string) =>
      store.samples.append({ ...scope, sdk, no: 1, trusted: true, services: [{ service, samples: [sampleOf(0)] }] })
    const services = ['a', 'b', 'bad\u0000', 'c', 'd']
    const results = await Promise.allSettled(services.map((service, index) => send(`sdk ${index}`, service)))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    const { batches } = await store.samples.read(0, null, 10)
    assert.deepEqual(batches.map(({ service }) => service).toSorted(), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await send('sdk 0', 'a'), { duplicate: true })
  })

  it('share the fate of a database that is away: each is told so and may come again', async () => {
    const store = await open()
    await lock('sample_sdk')
    const sends = ['a', 'b'].map(sdk =>
      store.samples.append({
        ...scope,
        sdk,
        no: 1,
        trusted: true,
        services: [{ service: 's', samples: [sampleOf(0)] }],
      }),
    )
    const refused = Promise.all(sends.map(send => assert.rejects(send, { code: 'unreachable' })))
    const first = await untilBlocked()
    await sql(`select pg_terminate_backend(${first})`)
    await sql(`select pg_terminate_backend(${await untilBlocked(first)})`)
    await refused
    await unlock()
    assert.deepEqual((await store.samples.read(0, null, 10)).batches, [])
  })
})

describe('hints', () => {
  const listen = (store: Store) => {
    let heard: Hint[] = []
    let onHint = () => {}
    store.hints.subscribe(hint => {
      heard.push(hint)
      onHint()
    })
    return async (kind: Hint['kind']): Promise<Hint> => {
      await new Promise<void>(resolve => {
        onHint = () => heard.some(hint => hint.kind === kind) && resolve()
        onHint()
      })
      const found = heard.find(hint => hint.kind === kind)!
      heard = []
      return found
    }
  }

  it('of flags, samples, stops and readings reach the other processes', async () => {
    const [store, other] = [await open(), await open()]
    const next = listen(other)
    await next('reconnected')
    await store.flags.put({
      ...scope,
      definition: defineFlag({ key: 'booking' }),
      expectedVersion: 0,
      by: 'yuki',
      why: null,
    })
    assert.deepEqual(await next('flags'), { kind: 'flags', ...scope, version: 1 })
    await store.samples.append({
      ...scope,
      sdk: 's',
      no: 1,
      trusted: true,
      services: [{ service: 'trips', samples: [sampleOf(0)] }],
    })
    assert.deepEqual(await next('samples'), { kind: 'samples', ...scope, service: 'trips' })
    await store.overlays.stop({
      ...scope,
      id: '0199f3c0-0000-7000-8000-000000000001',
      stops: { kind: 'everything' },
      by: 'yuki',
      why: null,
    })
    assert.deepEqual(await next('overlays'), { kind: 'overlays', ...scope })
  })

  it('start anew with "look again" when the listening connection breaks', async () => {
    const store = await open()
    const next = listen(store)
    await next('reconnected')
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen "${schema}_hint"'`)
    assert.deepEqual(await next('reconnected'), { kind: 'reconnected' })
    await store.releases.createRelease(newRelease(start))
    await next('wake')
  })

  it('say "look again" when an instance dies, because it may have taken a hint with it', async () => {
    const clock = { at: start }
    const given = { clock: { now: () => clock.at } }
    const [store, other] = [await open(given), await open(given)]
    await store.instances.beat('a')
    const next = listen(other)
    await next('reconnected')
    await other.instances.beat('b')
    await store.instances.leave('a')
    await next('reconnected')
  })
})

describe('what stands in the tables', () => {
  it('is the digest of a key, never the key, and the sealed secrets of a connection', async () => {
    const store = await open({ secretKey: Buffer.alloc(32, 7) })
    const made = await store.keys.createFirstAdmin('yuki')
    await store.connections.put({
      ...scope,
      name: 'slack',
      kind: 'webhook',
      settings: {},
      secrets: { url: 'https://hooks.example/T1' },
      by: 'yuki',
    })
    const text = JSON.stringify([
      await sql('select * from api_key'),
      await sql(`select encode(secrets, 'escape') as secrets from connection`),
    ])
    assert.ok(!text.includes(made!.secret.slice(10)))
    assert.ok(!text.includes('hooks.example'))
    assert.deepEqual(await store.connections.secretsOf(scope, 'slack'), { url: 'https://hooks.example/T1' })
    await sql(`update connection set name = 'moved'`)
    await assert.rejects(store.connections.secretsOf(scope, 'moved'), /unable to authenticate/)
    await sql(`update connection set name = 'slack'`)
    const without = await open()
    await assert.rejects(without.connections.secretsOf(scope, 'slack'), /Set DANKAI_SECRET_KEY/)
  })

  it('is an audit log that refuses to be changed', async () => {
    const store = await open()
    await store.audit.append({ ...scope, by: 'yuki', action: 'revoke key', subject: 'key 1', why: null, detail: {} })
    await assert.rejects(sql('delete from audit'), /append-only/)
    await assert.rejects(sql(`update audit set by = 'nobody'`), /append-only/)
  })

  it('never goes back in time: what the machine loses is carried on, and given back when the machine finds it', async () => {
    const store = await open()
    const hours = 3_600_000
    const moveMachine = (ms: number) =>
      sql(`create or replace function machine_ms() returns bigint language sql volatile
        as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${ms} $$`)
    const ahead = async (): Promise<number> => {
      await store.instances.beat('a')
      return Math.round(((await store.clock.now()) - Date.now()) / 10_000) * 10_000 + 0
    }
    assert.equal(await ahead(), 0)
    assert.equal(await ahead(), 0)
    await moveMachine(-6 * hours)
    assert.deepEqual([await ahead(), await ahead()], [0, 0])
    await moveMachine(-7 * hours)
    assert.equal(await ahead(), 0)
    await moveMachine(0)
    assert.equal(await ahead(), 0)
    await moveMachine(6 * hours)
    assert.equal(await ahead(), 6 * hours)
  })

  it('is timed by the database when nobody injects a clock', async () => {
    const store = await open()
    const [{ now } = { now: 0 }] = await sql<{ now: number }>(
      'select floor(extract(epoch from clock_timestamp()) * 1000)::float as now',
    )
    assert.ok(Math.abs((await store.clock.now()) - now) < 60_000)
    await store.instances.beat('a')
    assert.equal((await store.instances.list())[0]?.alive, true)
  })
})
