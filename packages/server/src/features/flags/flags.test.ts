import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { DankaiServer } from '../../create-server.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'

let house: TestHouse
let server: DankaiServer
let other: DankaiServer

before(async () => {
  house = await openTestHouse()
  server = await house.open()
  other = await house.open()
})
after(() => house.close())

type Options = Parameters<typeof ask>[3]
const api = (method: string, path: string, body?: unknown, options: Options = {}): Promise<Answer> =>
  ask(server.url, method, path, body === undefined ? options : { ...options, body })
const seen = (version: number): Options => ({ headers: { 'if-match': `"${version}"` } })
const put = (key: string, flag: object, version = 0, more: object = {}): Promise<Answer> =>
  api('PUT', `/v1/flags/${key}`, { flag, ...more }, version === 0 ? {} : seen(version))
const versionOf = async (key: string): Promise<number> => (await api('GET', `/v1/flags/${key}`)).body.flag.version
const audited = async (subject: string): Promise<string[]> =>
  (await api('GET', `/v1/audit?subject=${encodeURIComponent(subject)}`)).body.items.map(
    ({ action }: { action: string }) => action,
  )

describe('a flag and its care', () => {
  it('are written under one lock; what is left out of the care stays (F-031, F-033)', async () => {
    const key = 'new_booking_flow_enabled'
    const made = await put(key, { kind: 'release' }, 0, { care: { title: 'Booking', owner: 'trips' }, why: 'new' })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const { version } = made.body.flag
    assert.deepEqual([made.body.care.title, made.body.care.stage, made.body.retention.state], ['Booking', null, 'kept'])
    const cared = await put(key, { kind: 'release' }, version, { care: { service: 'trips', title: null } })
    assert.deepEqual([cared.body.care.title, cared.body.care.owner, cared.body.care.service], [null, 'trips', 'trips'])
    assert.ok(cared.body.care.createdAt > 0)
    assert.equal((await put(key, {}, version + 1, { care: { stage: 'beta' } })).status, 422)
    assert.equal((await put('stale', {})).status, 422, 'a word of the API')
  })

  it('tell the loser of two changes at once what the other changed, and lose nothing', async () => {
    const first = await put('both', { on: true })
    const { version } = first.body.flag
    const [one, two] = await Promise.all([
      put('both', { on: false }, version),
      put('both', { exposure: { share: 0.25, cohorts: [], shadow: false } }, version),
    ])
    assert.deepEqual([one.status, two.status].toSorted(), [200, 409])
    const refused = one.status === 409 ? one : two
    const { difference, present, detail } = refused.body
    const lines = [['on: true -> false'], ['exposure.share: 0 -> 0.25']]
    const [theirs, yours] = one.status === 409 ? lines.toReversed() : lines
    assert.deepEqual([difference.theirs, difference.yours, difference.by], [theirs, yours, 'admin'])
    assert.equal(present.flag.version, difference.present)
    assert.match(detail, /^Cannot change flag "both": found version \d+ by admin, expected the one you saw\./)
    const merged = { ...present.flag, on: false, exposure: { share: 0.25, cohorts: [], shadow: false } }
    assert.equal((await put('both', merged, present.flag.version)).status, 200)
  })
})

describe('the history of a flag', () => {
  it('names who, why and what; any version can be restored, also of a flag that was removed', async () => {
    await put('restored', { onVariant: 'on' }, 0, { why: 'new', care: { title: 'One' } })
    const first = await versionOf('restored')
    const second = await put('restored', { on: false }, first, { why: 'incident 7', care: { title: 'Two' } })
    const { body } = await api('GET', '/v1/flags/restored/history')
    assert.deepEqual(
      body.items.map(({ by, why, changes }: { by: string; why: string; changes: string[] }) => [by, why, changes]),
      [
        ['admin', 'incident 7', ['on: true -> false', 'care.title: "One" -> "Two"']],
        ['admin', 'new', ['made']],
      ],
    )
    const path = `/v1/flags/restored?why=${encodeURIComponent('no longer used')}`
    assert.equal((await api('DELETE', path, undefined, seen(second.body.flag.version))).status, 204)
    assert.equal((await api('GET', '/v1/flags/restored')).status, 404)
    const [removal] = (await api('GET', '/v1/flags/restored/history?limit=1')).body.items
    assert.deepEqual([removal.flag, removal.why, removal.changes], [null, 'no longer used', ['removed']])
    const back = await api('POST', '/v1/flags/restored/restore', { version: first, why: 'needed' })
    assert.deepEqual([back.status, back.body.flag.on, back.body.care.title], [200, true, 'One'])
    assert.equal((await api('POST', '/v1/flags/restored/restore', { version: 999_999 }, seen(1))).status, 404)
    assert.equal((await api('POST', '/v1/flags/restored/restore', { version: first })).status, 409)
    assert.ok((await audited('restored')).includes('restore flag'))
    assert.equal((await api('GET', '/v1/flags/unknown/history')).status, 404)
    assert.equal((await api('GET', '/v1/flags/restored/history?cursor=x')).status, 400)
  })
})

describe('a planned change of a flag', () => {
  const soon = (): number => Date.now() + 300
  const plan = (key: string, flag: object, more: object = {}) =>
    api('POST', `/v1/flags/${key}/changes`, { flag, at: soon(), ...more })
  const changesOf = async (key: string) => (await api('GET', `/v1/flag-changes?flag=${key}`)).body.items
  const ended = (key: string) =>
    until(
      () => changesOf(key),
      items => items.every(({ state }: { state: string }) => state !== 'planned'),
    )

  it('happens at its time, once though two instances look, and is audited', async () => {
    await put('timed', {})
    const planned = await plan('timed', { on: false }, { why: 'night' })
    assert.deepEqual([planned.status, planned.body.state], [201, 'planned'])
    const [change] = await ended('timed')
    assert.deepEqual([change.state, change.by, change.why], ['done', 'admin', 'night'])
    const { flag } = (await ask(other.url, 'GET', '/v1/flags/timed')).body
    assert.deepEqual([flag.on, change.detail], [false, `version ${flag.version}`])
    assert.equal((await audited('timed')).filter(action => action === 'planned flag change done').length, 1)
  })

  it('is cancelled when the flag changed meanwhile, unless it shall happen anyway', async () => {
    await put('meanwhile', {})
    await plan('meanwhile', { on: false })
    await put('meanwhile', { killed: true }, await versionOf('meanwhile'))
    const [cancelled] = await ended('meanwhile')
    assert.equal(cancelled.state, 'cancelled')
    assert.match(cancelled.detail, /^the flag changed to version \d+, seen was \d+$/)
    await plan('meanwhile', { on: false }, { anyway: true })
    await put('meanwhile', { killed: false }, await versionOf('meanwhile'))
    await ended('meanwhile')
    assert.equal((await api('GET', '/v1/flags/meanwhile')).body.flag.on, false)
  })

  it('is refused in the past, without a field, for a flag that is not there or would not be sound; can be cancelled', async () => {
    await put('planned', {})
    for (const [status, key, flag, more] of [
      [422, 'planned', { on: false }, { at: 1 }],
      [422, 'planned', {}, {}],
      [422, 'planned', { key: 'other' }, {}],
      [422, 'planned', { onVariant: 'purple' }, {}],
      [404, 'unknown', { on: false }, {}],
    ] as const)
      assert.equal((await plan(key, flag, more)).status, status, JSON.stringify([key, flag, more]))
    const { body } = await plan('planned', { on: false }, { at: '2099-01-01T00:00:00Z' })
    assert.equal(body.at, Date.UTC(2099, 0, 1))
    assert.equal((await api('DELETE', `/v1/flag-changes/${body.id}`)).body.state, 'cancelled')
    assert.equal((await api('DELETE', `/v1/flag-changes/${body.id}`)).status, 404)
  })
})
