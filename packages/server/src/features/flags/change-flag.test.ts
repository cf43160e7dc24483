import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import type { DankaiServer } from '../../create-server.ts'
import { type FlagPlace, openFlagPlace } from '../../testing/flag-place.ts'
import { type Answer, ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'

let house: TestHouse
let server: DankaiServer
before(async () => {
  house = await openTestHouse()
  server = await house.open()
})
after(() => house.close())

/** JSON text, as only text can hold a name or a number that is lost when it is read. */
const textOf = (fields: string): string => `{ "key": "KEY", ${fields} }`

describe('whichever way a flag is written', () => {
  let place: FlagPlace
  before(async () => {
    place = await openFlagPlace(server.url, 'ways')
    await place.setFlag('asking', { prerequisites: [{ flag: 'asked', variants: ['on'] }] })
    await place.setFlag('asked', {})
  })
  const post = async (path: string, text: string, method = 'POST'): Promise<Answer> => {
    const answer = await fetch(`${server.url}${path}?environment=ways`, {
      method,
      body: text,
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer dk_admin_key_of_the_tests',
        'if-match': '2',
      },
    })
    return { status: answer.status, body: await answer.json(), headers: answer.headers } as Answer
  }
  const ways: readonly [string, (fields: string) => Promise<string>][] = [
    [
      'by a person',
      async fields => {
        const { status, body } = await post(
          '/v1/flags/asked',
          `{ "flag": ${textOf(fields).replace('KEY', 'asked')} }`,
          'PUT',
        )
        assert.equal(status, 422, JSON.stringify(body))
        return body.detail
      },
    ],
    [
      'by an import',
      async fields => {
        const flag = textOf(fields).replace('KEY', 'asked')
        const { status, body } = await post(
          '/v1/flags/import',
          `{ "format": "dankai", "replace": true, "data": { "flags": [${flag}] } }`,
        )
        assert.equal(status, 200, JSON.stringify(body))
        assert.deepEqual(body.imported, [])
        return [...body.skipped, ...body.notCarried][0].why
      },
    ],
    [
      'by a plan for a time to come',
      async fields => {
        const { status, body } = await post(
          '/v1/flags/asked/changes',
          `{ "at": ${Date.now() + 3_600_000}, "flag": { ${fields} } }`,
        )
        assert.equal(status, 422, JSON.stringify(body))
        return body.detail
      },
    ],
  ]
  const refused: readonly [string, string, RegExp][] = [
    ['prerequisites that lead back', '"prerequisites": [{ "flag": "asking", "variants": ["on"] }]', /lead back to it/],
    ['a name JavaScript keeps', '"variants": { "on": { "__proto__": 1 }, "off": {} }', /keeps for itself/],
    ['a number without end', '"variants": { "on": 1e999, "off": 0 }', /number/],
    ['an exposure of more than all', '"exposure": { "share": 2, "cohorts": [], "shadow": false }', /share/],
  ]
  for (const [what, fields, message] of refused)
    for (const [way, write] of ways)
      it(`${what} is refused ${way}, and nothing is written`, async () => {
        assert.match(await write(fields), message)
        assert.equal((await place.call('GET', '/v1/flags/asked')).body.flag.version, 2)
      })
})

describe('a set of flags', () => {
  it('is applied as far as it goes: one that cannot be a flag keeps no other', async () => {
    const place = await openFlagPlace(server.url, 'sets')
    await place.setFlag('first', {})
    await place.setFlag('last', {})
    const { status, body } = await place.call('PUT', '/v1/flag-sets/apply', {
      values: { first: true, stale: true, last: true },
      why: 'test',
    })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(body.changed, ['first', 'last'])
    assert.deepEqual(
      body.refused.map(({ key }: { key: string }) => key),
      ['stale'],
    )
    assert.match(body.refused[0].why, /a word of the API/)
  })
})

describe('the mark for clients', () => {
  const there = (key: string, availability: object): object => ({
    ...{ key, on: true, salt: 's', variations: [true, false], offVariation: 1, fallthrough: { variation: 0 } },
    ...availability,
  })
  const launchDarkly = {
    flags: {
      page: there('page', { clientSideAvailability: { usingEnvironmentId: true, usingMobileKey: false } }),
      app: there('app', { clientSideAvailability: { usingEnvironmentId: false, usingMobileKey: true } }),
      older: there('older', { clientSide: true }),
      server: there('server', { clientSideAvailability: { usingEnvironmentId: false, usingMobileKey: false } }),
      silent: there('silent', {}),
    },
    segments: {},
  }
  const marks = async (place: FlagPlace): Promise<string[]> =>
    (await place.call('GET', '/v1/flags')).body.items
      .filter(({ care }: { care: { client: boolean } }) => care.client)
      .map(({ flag }: { flag: FlagDefinition }) => flag.key)
      .toSorted()
  const importInto = async (place: FlagPlace, format: string, data: unknown, more: object = {}): Promise<Answer> => {
    const answer = await place.call('POST', '/v1/flags/import', { format, data, ...more })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer
  }

  it('comes with an import from where it is known, goes with an export, and is as somebody says', async () => {
    const place = await openFlagPlace(server.url, 'marks')
    await importInto(place, 'launchdarkly', launchDarkly)
    assert.deepEqual(await marks(place), ['app', 'older', 'page'])
    assert.deepEqual((await importInto(place, 'launchdarkly', launchDarkly)).body.unchanged.length, 5)

    const exported = (await place.call('GET', '/v1/flags/export')).status
    assert.equal(exported, 422, 'a format is needed')
    const read = async (format: string) =>
      (await ask(server.url, 'GET', `/v1/flags/export?environment=marks&format=${format}`)).body.data
    const copy = await openFlagPlace(server.url, 'marks-copy')
    await importInto(copy, 'dankai', await read('dankai'))
    assert.deepEqual(await marks(copy), ['app', 'older', 'page'])
    const { flags } = await read('launchdarkly')
    assert.deepEqual([flags.page.clientSide, flags.silent.clientSide], [true, false])

    await importInto(copy, 'launchdarkly', launchDarkly, { replace: true, client: true })
    assert.deepEqual(await marks(copy), ['app', 'older', 'page', 'server', 'silent'])
    await importInto(copy, 'launchdarkly', launchDarkly, { replace: true, client: false })
    assert.deepEqual(await marks(copy), [])
  })

  it('stays as it is where an export does not say it', async () => {
    const place = await openFlagPlace(server.url, 'marks-kept')
    await place.setFlag('page', {}, { client: true })
    await place.setFlag('server', {}, { client: false })
    const flags = ['page', 'server'].map(key => defineFlag({ key, on: false, version: 0 }))
    await importInto(place, 'dankai', { flags }, { replace: true })
    assert.deepEqual(await marks(place), ['page'])
    assert.equal((await place.call('GET', '/v1/flags/page')).body.flag.on, false)
  })
})
