import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { DankaiServer } from '../../create-server.ts'
import { type FlakyDoor, startFlakyDoor } from '../../testing/flaky-door.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'
import { stopsMax } from './stop-book.ts'

let house: TestHouse
let door: FlakyDoor
/** The second reaches the database through a door that can be shut. */
let one: DankaiServer
let two: DankaiServer
const folder = mkdtempSync(join(tmpdir(), 'dankai-stops-'))
const fileOfTwo = join(folder, 'emergency-stops.json')

before(async () => {
  house = await openTestHouse()
  door = await startFlakyDoor(house.databaseUrl)
  one = await house.open()
  two = await house.open({ databaseUrl: door.url, dataDir: folder })
})
after(async () => {
  door.open()
  await house.close()
  await door.close()
  rmSync(folder, { recursive: true, force: true })
})

const emergency = (server: DankaiServer, environment: string, body: object): Promise<Answer> =>
  ask(server.url, 'POST', `/v1/emergency?environment=${environment}`, { body: { why: 'drill', ...body } })

async function setFlag(environment: string, key: string): Promise<void> {
  const { status } = await ask(one.url, 'PUT', `/v1/flags/${key}?environment=${environment}`, { body: { flag: {} } })
  assert.equal(status, 200)
}

/** What an instance serves now, after it has read again what the database has. */
async function stoppedOn(server: DankaiServer, environment: string, key: string): Promise<boolean> {
  const { body } = await ask(server.url, 'GET', `/v1/flags/${key}?environment=${environment}`)
  return body.stopped
}

async function staysStopped(environment: string, key: string): Promise<void> {
  const inForce = await one.store.overlays.active({ project: 'default', environment })
  assert.ok(
    inForce.some(({ stops }) => stops.kind === 'flag' && stops.key === key),
    'it is in the database',
  )
  for (const server of [one, two])
    await until(
      () => stoppedOn(server, environment, key),
      stopped => stopped,
    )
}

describe('an emergency stop whose id is taken', () => {
  it('is in force on every instance when its id was lifted before, and stays one stop when it is posted again (G)', async () => {
    await setFlag('lifted-id', 'look')
    const stop = { stop: true, id: randomUUID(), flag: 'look' }
    const first = await emergency(one, 'lifted-id', stop)
    assert.deepEqual([first.body.id, first.body.warning], [stop.id, null])
    const answers: Answer[] = []
    for (let times = 0; times < 12; times++) {
      const lifted = await emergency(one, 'lifted-id', { stop: false })
      assert.deepEqual([lifted.status, lifted.body.stopped, lifted.body.stops, lifted.body.id], [200, false, [], null])
      answers.push(await emergency(one, 'lifted-id', stop))
    }
    for (const { status, body } of answers) {
      assert.deepEqual([status, body.stopped, body.stored, body.stops.length], [200, true, 'database', 1])
      assert.deepEqual(body.stops, [{ id: body.id, target: 'flag look' }])
      assert.match(body.warning, /^The stop is in force with id "[0-9a-f-]{36}": found "[0-9a-f-]{36}" taken by a stop/)
    }
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 12)
    await staysStopped('lifted-id', 'look')
  })

  it('is one stop for all instances that are asked at once with an id that was lifted (G)', async () => {
    await setFlag('both', 'look')
    const stop = { stop: true, id: randomUUID(), flag: 'look' }
    await emergency(one, 'both', stop)
    await emergency(two, 'both', { stop: false, id: stop.id })
    const [near, far] = await Promise.all([one, two].map(server => emergency(server, 'both', stop)))
    assert.equal(near?.body.id, far?.body.id)
    assert.notEqual(near?.body.id, stop.id)
    assert.equal((await emergency(two, 'both', stop)).body.stops.length, 1)
    await staysStopped('both', 'look')
  })

  for (const [what, own, other] of [
    ['another environment', 'taken-here', 'taken-there'],
    ['another target', 'taken-target', 'taken-target'],
  ] as const)
    it(`stops what it names when its id is that of a stop of ${what}, which stays in force too`, async () => {
      for (const [environment, key] of [
        [other, 'first'],
        [own, 'second'],
      ] as const)
        await setFlag(environment, key)
      const id = randomUUID()
      await emergency(one, other, { stop: true, id, flag: 'first' })
      const { status, body } = await emergency(one, own, { stop: true, id, flag: 'second' })
      assert.deepEqual([status, body.stopped, body.id === id], [200, true, false])
      assert.ok(body.stops.some(({ target }: { target: string }) => target === 'flag second'))
      assert.equal(await stoppedOn(one, other, 'first'), true, 'at once, and not only when it is read again')
      await staysStopped(other, 'first')
      await staysStopped(own, 'second')
    })

  it('is in force without the database too, and stays so when that is told (G2)', async () => {
    const [environment, other] = ['away', 'away-other']
    for (const [place, key] of [
      [environment, 'look'],
      [environment, 'sound'],
      [other, 'look'],
    ] as const)
      await setFlag(place, key)
    const ids = { lifted: randomUUID(), foreign: randomUUID(), kept: randomUUID() }
    await emergency(one, environment, { stop: true, id: ids.lifted, flag: 'look' })
    await emergency(one, environment, { stop: false, id: ids.lifted })
    await emergency(one, other, { stop: true, id: ids.foreign, flag: 'look' })
    await until(
      () => stoppedOn(two, other, 'look'),
      stopped => stopped,
    )
    // Both instances have read the keys and the flags, so that they answer without the database.
    await until(
      () => stoppedOn(two, environment, 'look'),
      stopped => !stopped,
    )
    door.shut()
    try {
      const stops = [
        { stop: true, id: ids.lifted, flag: 'look' },
        { stop: true, id: ids.foreign, flag: 'sound' },
        { stop: true, id: ids.foreign, flag: 'third' },
      ]
      const answers = []
      for (const stop of stops) answers.push(await emergency(two, environment, stop))
      assert.deepEqual(
        answers.map(({ body }) => [body.stored, body.stopped, body.stops.length]),
        [
          ['file', true, 1],
          ['file', true, 2],
          ['file', true, 3],
        ],
      )
      assert.equal(JSON.parse(readFileSync(fileOfTwo, 'utf8')).length, 3)
    } finally {
      door.open()
    }
    await until(
      async () => JSON.parse(readFileSync(fileOfTwo, 'utf8')),
      list => list.length === 0,
    )
    for (const key of ['look', 'sound']) await staysStopped(environment, key)
    await staysStopped(other, 'look')
    const lifted = await emergency(two, environment, { stop: false })
    assert.deepEqual([lifted.body.stopped, lifted.body.stops], [false, []])
  })
})

describe('an emergency stop that neither the database nor the disk takes', () => {
  it('is in force all the same, says that a restart forgets it, and is told to the database (G2)', async () => {
    await setFlag('disk', 'look')
    // What the file is written beside cannot be opened.
    const inTheWay = `${fileOfTwo}.new`
    mkdirSync(inTheWay)
    door.shut()
    try {
      const { status, body } = await emergency(two, 'disk', { stop: true, flag: 'look' })
      assert.deepEqual([status, body.stored, body.stopped, body.stops.length], [200, 'memory', true, 1])
      assert.match(body.warning, /^The stop is in force in the memory of one instance only: /)
    } finally {
      door.open()
    }
    await until(
      () => stoppedOn(one, 'disk', 'look'),
      stopped => stopped,
    )
    rmSync(inTheWay, { recursive: true })
    await staysStopped('disk', 'look')
    assert.deepEqual((await emergency(two, 'disk', { stop: false })).body.stops, [])
  })
})

describe('lifting emergency stops', () => {
  it('says what is still in force, refuses what was never there, and may be repeated on every instance', async () => {
    await setFlag('lift', 'look')
    const all = (await emergency(one, 'lift', { stop: true })).body.id
    const flag = (await emergency(one, 'lift', { stop: true, flag: 'look' })).body.id
    for (const named of [{ id: randomUUID() }, { flag: 'lok' }, { release: 'r1' }]) {
      const { status, body } = await emergency(two, 'lift', { stop: false, ...named })
      assert.deepEqual([status, body.code], [404, 'not-found'])
      assert.match(
        body.detail,
        /^Cannot lift the stop of ".+": found none in environment "lift" of project "default", expected one\. In force there: .*everything \(id [0-9a-f-]{36}\)/,
      )
    }
    for (const server of [one, two, one]) {
      const { status, body } = await emergency(server, 'lift', { stop: false, flag: 'look' })
      assert.deepEqual([status, body.stopped, body.stops], [200, true, [{ id: all, target: 'everything' }]])
    }
    assert.equal((await emergency(two, 'lift', { stop: false, id: flag })).status, 200, 'it is lifted')
    for (const server of [two, one]) {
      const { status, body } = await emergency(server, 'lift', { stop: false })
      assert.deepEqual([status, body.stopped, body.stops], [200, false, []])
    }
    assert.equal(
      (await emergency(one, 'other-lift', { stop: false, id: all })).status,
      404,
      'not that of another environment',
    )
  })
})

describe('very many emergency stops', () => {
  it('are refused by name, but never stopping everything, nor one that is in force already', async () => {
    const dataDir = join(folder, 'many')
    mkdirSync(dataDir)
    const about = { project: 'default', environment: 'many', by: 'script', why: null, at: 1 }
    const stops = Array.from({ length: stopsMax }, (_, index) => ({
      ...about,
      id: randomUUID(),
      stops: { kind: 'flag', key: `flag-${index}` },
    }))
    writeFileSync(join(dataDir, 'emergency-stops.json'), JSON.stringify(stops))
    const server = await house.open({ dataDir })
    const refused = await emergency(server, 'many', { stop: true, flag: 'one-more' })
    assert.deepEqual([refused.status, refused.body.code], [409, 'not-possible'])
    assert.match(refused.body.detail, /^Cannot stop "flag one-more": found 500 stops in force .* Stop everything/)
    const again = await emergency(server, 'many', { stop: true, flag: 'flag-1' })
    assert.deepEqual([again.status, again.body.id, again.body.stops.length], [200, stops[1]?.id, stopsMax])
    for (let times = 0; times < 2; times++) {
      const { status, body } = await emergency(server, 'many', { stop: true })
      assert.deepEqual([status, body.stopped, body.stops.length], [200, true, stopsMax + 1])
    }
    assert.equal((await emergency(server, 'not-many', { stop: true, flag: 'one-more' })).status, 200)
    await server.stop()
  })
})

describe('a file of emergency stops that cannot be read', () => {
  const whole = { id: randomUUID(), project: 'default', environment: 'production', by: 'kai', why: null, at: 1 }
  for (const [what, text, found] of [
    ['half of it', '[{"id":"0199', 'found no JSON in its 12 characters, expected a list'],
    ['nothing', '', 'found it empty, expected a list'],
    ['no list', '{"stops":[]}', 'found an object, expected a list'],
    ['no stop in the list', '[null]', 'at "0" found null, expected an object'],
    ['a stop of nothing', JSON.stringify([{ ...whole, stops: null }]), 'at "0.stops" '],
  ] as const)
    it(`keeps the server from starting, and says where and what: ${what}`, async () => {
      const dataDir = join(folder, `broken-${what.replaceAll(' ', '-')}`)
      mkdirSync(dataDir)
      const path = join(dataDir, 'emergency-stops.json')
      writeFileSync(path, text)
      await assert.rejects(house.open({ dataDir }), ({ message }: Error) => {
        assert.ok(message.startsWith(`Cannot read "${path}", the emergency stops that the database has not heard of: `))
        assert.ok(message.includes(found), message)
        assert.match(message, /move it away, start, and stop again what it stopped: dankai emergency stop\.$/)
        return true
      })
      assert.equal(readFileSync(path, 'utf8'), text, 'and it is left as it was')
    })
})
