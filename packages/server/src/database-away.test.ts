import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import type { DankaiServer } from './create-server.ts'
import { type FlakyDoor, startFlakyDoor } from './testing/flaky-door.ts'
import { type Answer, adminKey, ask, openTestHouse, type TestHouse, until } from './testing/test-server.ts'

let house: TestHouse
let door: FlakyDoor
let server: DankaiServer
let client: DankaiClient
let key: string
const dataDir = mkdtempSync(join(tmpdir(), 'dankai-away-'))
const stopFile = join(dataDir, 'emergency-stops.json')
const everybody = { exposure: { share: 1, cohorts: [], shadow: false } }
const isOn = () => client.isEnabled('new-look', { targetingKey: 'user' })

before(async () => {
  house = await openTestHouse()
  door = await startFlakyDoor(house.databaseUrl)
  server = await house.open({ databaseUrl: door.url, dataDir })
  const { body } = await ask(server.url, 'POST', '/v1/keys', {
    body: { kind: 'sdk-server', principal: 'web', name: 'web' },
  })
  key = body.secret
  client = createDankaiClient({ url: server.url, key, name: 'web', flushEveryMs: 100 })
  await client.ready()
  await ask(server.url, 'PUT', '/v1/flags/new-look', { body: { flag: everybody } })
  await until(
    async () => isOn(),
    on => on,
  )
})
after(async () => {
  door.open()
  await client.close()
  await house.close()
  await door.close()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('while the database is away', () => {
  it('stops everything all the same, keeps the stop in a file, and tells the database when it is back', async () => {
    door.shut()
    const stop = { stop: true, why: 'fire', id: randomUUID() }
    const post = () => ask(server.url, 'POST', '/v1/emergency', { body: stop })
    const ordinary = server.store.settings.get({ project: 'default', environment: 'production' }, 'locale')
    const gaveUp = ordinary.catch(() => 'an ordinary call gave up first')
    const answer = await Promise.race([post(), gaveUp])
    assert.ok(typeof answer === 'object' && answer !== null && 'status' in answer, String(answer))
    const { status, body } = answer as Answer
    assert.deepEqual([status, body.stored, body.connected], [200, 'file', 1])
    // An SDK of a machine that is too slow to speak within a second is counted when the stop is posted once more.
    const heard = await until(
      () => post(),
      ({ body }) => body.silent.length === 0,
    )
    assert.deepEqual([heard.body.acknowledged, heard.body.stops.length], [1, 1])
    assert.equal(isOn(), false)
    const kept = JSON.parse(readFileSync(stopFile, 'utf8'))
    assert.deepEqual(
      kept.map(({ why }: { why: string }) => why),
      ['fire'],
      'posted again it is one',
    )
    await gaveUp

    const samples = {
      sdk: client.id,
      batch: 1_000,
      sentAt: Date.now(),
      samples: [{ service: 'web', series: 'x', labels: {}, bucketStart: Date.now(), bucketMs: 1_000, count: 1 }],
    }
    const refused = await ask(server.url, 'POST', '/v1/samples', { key, body: samples })
    assert.deepEqual([refused.status, refused.body.code, refused.headers.get('retry-after')], [503, 'unavailable', '2'])
    assert.equal((await ask(server.url, 'GET', '/readyz', { key: null })).status, 503)
    assert.equal((await ask(server.url, 'GET', '/healthz', { key: null })).status, 200)

    door.open()
    await until(
      async () => JSON.parse(readFileSync(stopFile, 'utf8')),
      list => list.length === 0,
    )
    const [overlay] = await server.store.overlays.active(null)
    assert.deepEqual([overlay?.why, overlay?.by], ['fire', 'admin'])
    assert.equal(isOn(), false)
    const lifted = await ask(server.url, 'POST', '/v1/emergency', { body: { stop: false, why: 'out' } })
    assert.deepEqual([lifted.body.stored, lifted.body.stops], ['database', []])
    await until(
      async () => isOn(),
      on => on,
    )
  })

  it('serves a stop from the file after a restart, before the database has heard of it', async () => {
    const folder = mkdtempSync(join(dataDir, 'restart-'))
    const first = await house.open({ databaseUrl: door.url, dataDir: folder })
    door.shut()
    const { body } = await ask(first.url, 'POST', '/v1/emergency', {
      body: { stop: true, why: 'crash next', flag: 'other' },
    })
    assert.equal(body.stored, 'file')
    assert.ok(existsSync(join(folder, 'emergency-stops.json')))
    const stopping = first.stop()
    door.open()
    await stopping
    const second = await house.open({ dataDir: folder })
    const { body: again } = await ask(second.url, 'POST', '/v1/emergency', {
      body: { stop: true, why: 'second', flag: 'another' },
    })
    assert.deepEqual(again.stops.map(({ target }: { target: string }) => target).sort(), ['flag another', 'flag other'])
    await ask(second.url, 'POST', '/v1/emergency', { body: { stop: false, why: 'done' } })
  })

  it('knows keys that were good before, and no others', async () => {
    door.shut()
    try {
      const acknowledgement = { sdk: client.id, name: 'web', version: 1, appliedAt: Date.now() }
      assert.equal((await ask(server.url, 'POST', '/v1/acknowledgements', { key, body: acknowledgement })).status, 202)
      assert.equal(
        (await ask(server.url, 'POST', '/v1/acknowledgements', { key: adminKey, body: acknowledgement })).status,
        202,
      )
      assert.equal(
        (await ask(server.url, 'POST', '/v1/acknowledgements', { key: 'dk_new', body: acknowledgement })).status,
        503,
      )
    } finally {
      door.open()
    }
  })
})
