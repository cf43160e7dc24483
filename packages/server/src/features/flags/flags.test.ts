import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { flagFormats } from '@dankai/contract'
import { checkFlag } from '@dankai/flags'
import fc from 'fast-check'
import pg from 'pg'
import type { DankaiServer } from '../../create-server.ts'
import { createLogger } from '../../http/log.ts'
import { type Answer, ask, openTestHouse, type TestHouse, until } from '../../testing/test-server.ts'
import { importers } from './flag-formats.ts'
import { openFlagTasks } from './flag-tasks.ts'

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

const dayMs = 86_400_000

/** What only the database can make so: that something is old, or due. */
async function sql(text: string, values: readonly unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: house.databaseUrl, options: '-c search_path=dankai' })
  await client.connect()
  try {
    await client.query(text, [...values])
  } finally {
    await client.end()
  }
}

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

  it('keep their version and what is planned when a change would change nothing', async () => {
    const { body } = await put('unchanged', { on: false }, 0, { care: { owner: 'trips' } })
    await api('POST', '/v1/flags/unchanged/changes', { at: Date.now() + dayMs, flag: { on: true } })
    const { version } = body.flag
    const again = await put('unchanged', { on: false }, version, { care: { owner: 'trips' }, why: 'again' })
    assert.deepEqual([again.status, again.body.flag.version], [200, version])
    assert.equal((await put('unchanged', { on: false }, version - 1)).status, 409, 'not what they saw')
    const { items } = (await api('GET', '/v1/flags/unchanged/history')).body
    assert.equal(items.length, 1)
    assert.equal((await put('unchanged', { on: false }, version, { care: { owner: 'push' } })).body.care.owner, 'push')
    assert.notEqual(await versionOf('unchanged'), version)
  })

  it('are refused when their prerequisites lead back, and stay while another asks for them', async () => {
    const asking = (key: string, flag: string, version = 0): Promise<Answer> =>
      put(key, { prerequisites: [{ flag, variants: ['on'] }] }, version)
    assert.equal((await asking('ring-one', 'ring-two')).status, 200, 'one that is not there yet')
    assert.equal((await asking('ring-two', 'ring-three')).status, 200)
    const closed = await asking('ring-three', 'ring-one')
    assert.deepEqual(
      [closed.status, closed.body.detail],
      [
        422,
        'Cannot write flag "ring-three": found prerequisites that lead back to it (ring-three -> ring-one -> ring-two -> ring-three), expected none. Take one of them away.',
      ],
    )
    const removed = await api('DELETE', '/v1/flags/ring-two', undefined, seen(await versionOf('ring-two')))
    assert.deepEqual(
      [removed.status, removed.body.detail],
      [
        409,
        'Cannot remove flag "ring-two": found it a prerequisite of "ring-one", expected of none: nobody would have those. Change them first.',
      ],
    )
    await put('ring-three', {})
    const planned = await api('POST', '/v1/flags/ring-three/changes', {
      at: Date.now() + dayMs,
      flag: { prerequisites: [{ flag: 'ring-one', variants: ['on'] }] },
    })
    assert.equal(planned.status, 422, JSON.stringify(planned.body))
    await put('ring-one', {}, await versionOf('ring-one'))
    assert.equal((await api('DELETE', '/v1/flags/ring-two', undefined, seen(await versionOf('ring-two')))).status, 204)
  })

  it('keep what they were given, or are refused', async () => {
    const text = '{"flag":{"variants":{"on":{"at":[1,1e999]},"off":false}}}'
    const headers = { 'content-type': 'application/json' }
    const refused = await fetch(`${server.url}/v1/flags/too-large`, { method: 'PUT', headers, body: text })
    assert.equal(
      ((await refused.json()) as { detail: string }).detail,
      'Cannot accept flag "too-large": variants.on: found a number too large to keep, expected numbers within 1.7e308.',
    )
    assert.equal((await api('GET', '/v1/flags/too-large')).status, 404)
    const places: readonly [body: string, place: string][] = [
      ['{"flag":{"variants":{"__proto__":true,"off":false}}}', 'flag.variants.__proto__'],
      ['{"flag":{"segments":{"__proto__":{"keys":["a"]}}}}', 'flag.segments.__proto__'],
      ['{"flag":{"variants":{"on":{"a":[{"__proto__":1}]},"off":{}}}}', 'flag.variants.on.a.0.__proto__'],
    ]
    for (const [body, place] of places) {
      const answer = await fetch(`${server.url}/v1/flags/named`, { method: 'PUT', headers, body })
      assert.equal(
        ((await answer.json()) as { detail: string }).detail,
        `Cannot accept flag "named": ${place}: found a name that JavaScript keeps for itself, expected another.`,
      )
    }
    assert.equal((await api('GET', '/v1/flags/named')).status, 404)
    assert.equal((await put('kept', { variants: { on: { at: [1, null] }, off: '' } })).status, 200)
  })

  it('say that they are stopped; a stop of a flag that is not there is in force and says so', async () => {
    await put('to-stop', { exposure: { share: 1, cohorts: [], shadow: false } })
    const stop = (flag: string) => api('POST', '/v1/emergency', { stop: true, why: 'test', flag })
    assert.equal((await stop('to-stop')).body.warning, null)
    assert.equal((await api('GET', '/v1/flags/to-stop')).body.stopped, true)
    const wrong = await stop('to-stpo')
    assert.deepEqual([wrong.status, wrong.body.stopped], [200, true])
    assert.equal(
      wrong.body.warning,
      'Found no flag "to-stpo" in environment "production" of project "default": nobody is stopped by this. Check the key.',
    )
    await api('POST', '/v1/emergency', { stop: false, why: 'test' })
    assert.equal((await api('GET', '/v1/flags/to-stop')).body.stopped, false)
  })

  it('are shown and changed in the words of today, though an older program stored them', async () => {
    await put('stored-long-ago', { variants: { on: 1, off: 0 }, kind: 'experiment' })
    const newer = "'prerequisites' - 'targets' - 'rules' - 'otherwise'"
    for (const table of ['flag', 'flag_version'])
      await sql(
        `update ${table} set definition = definition - ${newer} || '{"allow": ["mio"]}' where key = 'stored-long-ago'`,
      )
    const expected = {
      prerequisites: [],
      targets: [{ variant: 'on', keys: ['mio'] }],
      rules: [],
      otherwise: { variant: 'off' },
    }
    const isComplete = (flag: object): void => assert.deepEqual({ ...flag, ...expected }, flag)
    const { flag } = (await api('GET', '/v1/flags/stored-long-ago')).body
    isComplete(flag)
    const { items } = (await api('GET', '/v1/flags?limit=200')).body
    isComplete(items.find((item: { flag: { key: string } }) => item.flag.key === 'stored-long-ago').flag)
    assert.equal((await api('GET', '/v1/experiments/stored-long-ago')).status, 200)
    const late = await put('stored-long-ago', { ...flag, on: false, version: undefined }, flag.version + 5)
    assert.equal(late.status, 409)
    isComplete(late.body.present.flag)
    const stage = { stage: 'beta', environments: ['production'] }
    const staged = await api('POST', '/v1/flags/stored-long-ago/stage', stage)
    assert.deepEqual([staged.status, staged.body.environments[0].result], [200, 'changed'], JSON.stringify(staged.body))
    assert.deepEqual((await api('GET', '/v1/flags/stored-long-ago')).body.flag.targets, expected.targets)
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
  it('tell the second of two who make one flag what is different in theirs', async () => {
    assert.equal((await put('made-twice', {})).status, 200)
    const second = await put('made-twice', { on: false })
    assert.equal(second.status, 409)
    assert.deepEqual([second.body.difference.theirs, second.body.difference.yours], [['made'], ['on: true -> false']])
  })

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
  const tomorrow = (): number => Date.now() + dayMs
  const plan = (key: string, flag: object, more: object = {}) =>
    api('POST', `/v1/flags/${key}/changes`, { flag, at: tomorrow(), ...more })
  const changesOf = async (key: string) => (await api('GET', `/v1/flag-changes?flag=${key}`)).body.items
  /** Its time comes when the test is ready for it, and not while a slow machine still prepares it. */
  const comes = async (key: string) => {
    await sql(`update flag_change set at = 1 where key = $1 and state = 'planned'`, [key])
    return until(
      () => changesOf(key),
      items => items.every(({ state }: { state: string }) => state !== 'planned'),
    )
  }

  it('happens at its time, once though two instances look, and is audited', async () => {
    await put('timed', {})
    const planned = await plan('timed', { on: false }, { why: 'night' })
    assert.deepEqual([planned.status, planned.body.state], [201, 'planned'])
    const [change] = await comes('timed')
    assert.deepEqual([change.state, change.by, change.why], ['done', 'admin', 'night'])
    const { flag } = (await ask(other.url, 'GET', '/v1/flags/timed')).body
    assert.deepEqual([flag.on, change.detail], [false, `version ${flag.version}`])
    assert.equal((await audited('timed')).filter(action => action === 'planned flag change done').length, 1)
  })

  it('is cancelled when the flag changed meanwhile, unless it shall happen anyway', async () => {
    await put('meanwhile', {})
    await plan('meanwhile', { on: false })
    await put('meanwhile', { killed: true }, await versionOf('meanwhile'))
    const [cancelled] = await comes('meanwhile')
    assert.equal(cancelled.state, 'cancelled')
    assert.match(cancelled.detail, /^the flag changed to version \d+, seen was \d+$/)
    await plan('meanwhile', { on: false }, { anyway: true })
    await put('meanwhile', { killed: false }, await versionOf('meanwhile'))
    await comes('meanwhile')
    assert.equal((await api('GET', '/v1/flags/meanwhile')).body.flag.on, false)
  })

  it('of the share alone leaves cohorts alone that somebody added meanwhile', async () => {
    await put('planned-share', {})
    assert.equal((await plan('planned-share', { exposure: { share: 0.5 } }, { anyway: true })).status, 201)
    const cohorts = [{ segment: 'staff', share: 1, mix: null }]
    const segments = { staff: { include: { staff: ['yes'] } } }
    const version = await versionOf('planned-share')
    await put('planned-share', { exposure: { share: 0, cohorts, shadow: false }, segments }, version)
    await comes('planned-share')
    const { exposure } = (await api('GET', '/v1/flags/planned-share')).body.flag
    assert.deepEqual(exposure, { share: 0.5, cohorts, shadow: false })
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

describe('Flag documents', () => {
  const document = (name: string, more = '') => `kind: Flag
name: ${name}
type: experiment
title: Timing
owner: push team
variants:
  A: { quietHoursDefault: "22:00-07:00" }
  B: { quietHoursDefault: "23:00-06:00" }
allocation: { A: 50%, B: 50% }
include: { team: qa }
client: true
${more}`
  const apply = (text: string, more: object = {}) =>
    api('POST', '/v1/plans', { files: [{ file: 'flags.yaml', text }], ...more })
  const flagOf = async (key: string) => (await api('GET', `/v1/flags/${key}`)).body

  it('make flags with their split, rules and care, and change only what they own (P-029, P-031, F-037)', async () => {
    const dry = await apply(document('notification_timing'), { dryRun: true })
    assert.equal(dry.status, 200)
    assert.equal((await api('GET', '/v1/flags/notification_timing')).status, 404)
    await apply(document('notification_timing'))
    const { flag, care } = await flagOf('notification_timing')
    assert.deepEqual([flag.kind, flag.offVariant, flag.onVariant, flag.on], ['experiment', 'A', 'B', true])
    const parts = ['A', 'B'].map(variant => ({ variant, weight: 50_000 }))
    assert.deepEqual(flag.otherwise, { split: parts, by: null, seed: null, experiment: true })
    assert.deepEqual(flag.rules[0].when[0].values, ['qa'])
    assert.deepEqual([care.title, care.owner, care.client], ['Timing', 'push team', true])
    await apply(document('notification_timing'))
    assert.equal((await flagOf('notification_timing')).flag.version, flag.version, 'the same again changes nothing')
    const mine = { id: 'mine', when: [], share: 0.1, serve: { variant: 'B' } }
    await put('notification_timing', { ...flag, on: false, rules: [...flag.rules, mine] }, flag.version)
    await apply(document('notification_timing').replace('qa', 'dev').replace('50%, B: 50%', '90%, B: 10%'))
    const changed = (await flagOf('notification_timing')).flag
    assert.deepEqual([changed.on, changed.rules[0].when[0].values, changed.rules[1].id], [false, ['dev'], 'mine'])
    assert.deepEqual(
      changed.otherwise.split.map(({ weight }: { weight: number }) => weight),
      [90_000, 10_000],
    )
    await api('DELETE', '/v1/flags/notification_timing', undefined, seen(changed.version))
    await apply(document('notification_timing').replace('qa', 'dev').replace('50%, B: 50%', '90%, B: 10%'))
    assert.equal((await flagOf('notification_timing')).flag.on, true, 'made again')
  })

  it('bring the segments they name, and are refused with a name that no flag can have', async () => {
    const segment = 'kind: Segment\nname: testers\ninclude: { role: [qa, dev], plan: pro }\n---\n'
    const applied = await apply(segment + document('with-segment', 'segments: [testers]'))
    assert.equal(applied.status, 200, JSON.stringify(applied.body))
    const { flag } = await flagOf('with-segment')
    assert.deepEqual(flag.segments, { testers: { include: { role: ['qa', 'dev'], plan: ['pro'] } } })
    assert.deepEqual(flag.rules[1].when[0].values, ['testers'])
    const refused = await apply(document('"通知 時刻"'))
    assert.equal(refused.status, 422, JSON.stringify(refused.body))
  })

  it('follow a segment that is applied alone, in nothing but that segment', async () => {
    const segment = (name: string, roles: string): string =>
      `kind: Segment\nname: ${name}\ninclude: { role: [${roles}] }\n`
    await apply(`${segment('crew', 'qa')}---\n${document('following', 'segments: [crew]')}`)
    await apply(document('unasked'))
    await put('by-hand', { segments: { crew: { include: { role: ['x'] } } } })
    const before = await flagOf('following')
    const { version } = (await put('following', { ...before.flag, on: false }, before.flag.version)).body.flag
    assert.equal((await apply(segment('crew', 'qa'))).status, 200)
    assert.equal((await flagOf('following')).flag.version, version, 'the same again changes nothing')
    const others = [await versionOf('unasked'), await versionOf('by-hand')]
    assert.equal((await apply(segment('crew', 'qa, dev'))).status, 200)
    const { flag } = await flagOf('following')
    assert.deepEqual([flag.segments, flag.on], [{ crew: { include: { role: ['qa', 'dev'] } } }, false])
    const [newest] = (await api('GET', '/v1/flags/following/history')).body.items
    assert.deepEqual(newest.changes, ['segments.crew.include.role: ["qa"] -> ["qa","dev"]'])
    assert.deepEqual([await versionOf('unasked'), await versionOf('by-hand')], others)
    await put('following', { ...flag, segments: {}, rules: [] }, flag.version)
    await apply(segment('crew', 'ops'))
    assert.deepEqual((await flagOf('following')).flag.segments, {}, 'people took it out')
    await api('DELETE', '/v1/flags/following', undefined, seen(await versionOf('following')))
    await apply(segment('crew', 'sre'))
    assert.equal((await api('GET', '/v1/flags/following')).status, 404, 'a segment makes no flag again')
  })

  it('leave a flag alone that a live release moves, and apply nothing then', async () => {
    const segment = (role: string): string => `kind: Segment\nname: movers\ninclude: { role: [${role}] }\n`
    await apply(`${segment('qa')}---\n${document('moved', 'description: before\nsegments: [movers]')}`)
    const plan = `kind: ReleasePlan
name: moving
exposure: [{ flag: moved }]
before: [{ approve: release-managers }]
phases: [{ name: canary, expose: 5%, hold: 1h }]
rollback: [{ expose: 0% }]
`
    await apply(plan)
    const started = await api('POST', '/v1/releases', { plan: 'moving', version: 'v1' })
    assert.equal(started.status, 201, JSON.stringify(started.body))
    const asking = 'segments: [movers]'
    const other = document('moved', asking).replace('50%, B: 50%', '90%, B: 10%')
    for (const text of [other, segment('dev')]) {
      const refused = await apply(text)
      assert.deepEqual([refused.status, refused.body.code], [409, 'claimed'])
    }
    assert.equal(
      (await apply(document('moved', `description: after\n${asking}`))).status,
      200,
      'a description moves nobody',
    )
    assert.equal((await flagOf('moved')).care.description, 'after')
  })
})

describe('the stages of a flag', () => {
  const stage = (key: string, body: object, options: Options = {}) =>
    api('POST', `/v1/flags/${key}/stage`, body, options)
  const inEvery = async (key: string) =>
    Promise.all(
      ['development', 'staging', 'production'].map(async environment => {
        const { body } = await api('GET', `/v1/flags/${key}?environment=${environment}`)
        return [
          body.flag.on,
          body.flag.rules.at(-1)?.when[0]?.values[0] ?? null,
          body.flag.rules.at(-1)?.share ?? body.flag.exposure.share,
        ]
      }),
    )

  it('are written into every environment (F-080 … F-087)', async () => {
    await put('staged', {})
    for (const [name, step, expected] of [
      [
        'development',
        0,
        [
          [true, null, 1],
          [false, null, 0],
          [false, null, 0],
        ],
      ],
      [
        'internalTesting',
        0,
        [
          [true, null, 1],
          [true, '@triptrip.com', 1],
          [false, null, 0],
        ],
      ],
      [
        'beta',
        0,
        [
          [true, null, 1],
          [true, '@triptrip.com', 1],
          [true, true, 0.1],
        ],
      ],
      [
        'gradualRollout',
        2,
        [
          [true, null, 1],
          [true, null, 1],
          [true, null, 0.75],
        ],
      ],
      [
        'generalAvailability',
        0,
        [
          [true, null, 1],
          [true, null, 1],
          [true, null, 1],
        ],
      ],
    ] as const) {
      const { status, body } = await stage('staged', { stage: name, step })
      assert.deepEqual([status, body.task], [200, null], JSON.stringify(body))
      assert.deepEqual(await inEvery('staged'), expected, name)
    }
    const before = (await api('GET', '/v1/flags/staged')).body.care
    assert.ok(before.gaAt > 0 && before.gaAt === before.stageSince)
    const cleanup = await stage('staged', { stage: 'cleanup', why: 'done' })
    assert.equal(cleanup.body.task, 'Remove flag checks from codebase')
    const { care } = (await api('GET', '/v1/flags/staged')).body
    assert.deepEqual([care.stage, care.gaAt], ['cleanup', before.gaAt])
    const again = await stage('staged', { stage: 'cleanup' })
    assert.ok(again.body.environments.every(({ result }: { result: string }) => result === 'unchanged'))
  })

  it('are refused a step too far, which would give everybody the change', async () => {
    await put('stepped', {})
    const far = await api('POST', '/v1/flags/stepped/stage', { stage: 'gradualRollout', step: 4 })
    assert.deepEqual(
      [far.status, far.body.detail],
      [
        422,
        'Cannot take flag "stepped" to stage "gradualRollout": found step 4, expected 0 to 3. Nothing was changed.',
      ],
    )
    assert.equal((await api('POST', '/v1/flags/stepped/stage', { stage: 'beta', step: 1 })).status, 422)
    assert.equal((await api('POST', '/v1/flags/stepped/stage', { stage: 'gradualRollout', step: 3 })).status, 200)
  })

  it('mean whom the policy of each environment says, and not one whom no flag could mean', async () => {
    await put('staged-by-policy', {})
    const colleagues = [{ attribute: 'email', operator: 'endsWith', values: ['@example.org'] }]
    const policies = [
      ['staging', { colleagues }],
      ['production', { betaTesters: [], betaShare: 0.02, gradualShares: [0.05, 1] }],
    ] as const
    const set = (environment: string, stages: object) =>
      api('PUT', `/v1/flag-policy?environment=${environment}`, { stages })
    for (const [environment, stages] of policies) assert.equal((await set(environment, stages)).status, 200)
    const rows = [
      [
        'beta',
        0,
        [
          [true, null, 1],
          [true, '@example.org', 1],
          [true, null, 0.02],
        ],
      ],
      [
        'gradualRollout',
        0,
        [
          [true, null, 1],
          [true, null, 1],
          [true, null, 0.05],
        ],
      ],
    ] as const
    for (const [name, step, expected] of rows) {
      assert.equal((await stage('staged-by-policy', { stage: name, step })).status, 200)
      assert.deepEqual(await inEvery('staged-by-policy'), expected, name)
    }
    assert.equal((await stage('staged-by-policy', { stage: 'gradualRollout', step: 2 })).status, 422)
    const unsound = [
      { colleagues: [{ attribute: 'email', operator: 'matches', values: ['('] }] },
      { betaTesters: [{ attribute: '', operator: 'inSegment', values: ['nobody-knows'] }] },
      { betaShare: 0.5, gradualShares: [0.25, 1] },
      { gradualShares: [] },
    ]
    for (const stages of unsound) assert.equal((await set('staging', stages)).status, 422, JSON.stringify(stages))
    for (const [environment] of policies) assert.equal((await set(environment, {})).status, 200)
    const { stages } = (await api('GET', '/v1/flag-policy?environment=staging')).body
    assert.deepEqual(stages.colleagues[0].values, ['@triptrip.com'])
  })

  it('keep to the environments of the key and to the version that was seen', async () => {
    await put('staged-alone', {})
    const made = await api('POST', '/v1/keys', {
      kind: 'ci',
      principal: 'pipeline',
      name: 'staging',
      environment: 'staging',
    })
    const { secret: key } = made.body
    await ask(server.url, 'PUT', '/v1/flags/staged-alone', { key, body: { flag: {} } })
    const own = await ask(server.url, 'POST', '/v1/flags/staged-alone/stage', { key, body: { stage: 'beta' } })
    assert.deepEqual(
      own.body.environments.map(({ environment }: { environment: string }) => environment),
      ['staging'],
    )
    const body = { stage: 'beta', environments: ['production'] }
    assert.equal((await ask(server.url, 'POST', '/v1/flags/staged-alone/stage', { key, body })).status, 403)
    assert.equal((await stage('staged-alone', { stage: 'beta' }, seen(999_999))).status, 409)
  })
})

describe('a flag set', () => {
  it('goes from alpha over beta to the first quarter, each a complete replacement (F-001 … F-019, CB-03)', async () => {
    const push = {
      PUSH_NOTIFICATIONS_ENABLED: true,
      REALTIME_NOTIFICATIONS_ENABLED: true,
      ADVANCED_ANALYTICS_ENABLED: true,
      PERFORMANCE_MONITORING_ENABLED: true,
    }
    const universe = [...Object.keys(push), 'TARGET_USER_PERCENTAGE', 'ALPHA_USERS_ONLY', 'BETA_TESTING']
    for (const [values, on] of [
      [
        { ...push, TARGET_USER_PERCENTAGE: 5, ALPHA_USERS_ONLY: true },
        { ALPHA_USERS_ONLY: true, BETA_TESTING: false },
      ],
      [
        { ...push, TARGET_USER_PERCENTAGE: 15, ALPHA_USERS_ONLY: false, BETA_TESTING: true },
        { ALPHA_USERS_ONLY: false, BETA_TESTING: true },
      ],
      [
        { ...push, TARGET_USER_PERCENTAGE: 25, BETA_TESTING: false },
        { ALPHA_USERS_ONLY: false, BETA_TESTING: false },
      ],
    ] as const) {
      const applied = await api('PUT', '/v1/flag-sets/apply?environment=staging', { values, universe })
      assert.deepEqual([applied.status, applied.body.refused], [200, []])
      const { flags } = (await api('POST', '/v1/cohorts/explain?environment=staging', { user: 'anybody' })).body
      const served = new Map(flags.map(({ flag, value }: { flag: string; value: unknown }) => [flag, value]))
      for (const [key, value] of Object.entries({ ...values, ...on })) assert.equal(served.get(key), value, key)
    }
  })

  it('replaces the values of its universe completely (CB-03, F-020 … F-029)', async () => {
    const initial = {
      PUSH_NOTIFICATIONS_ENABLED: false,
      REALTIME_NOTIFICATIONS_ENABLED: false,
      ADVANCED_ANALYTICS_ENABLED: false,
      PERFORMANCE_MONITORING_ENABLED: true,
      TARGET_USER_PERCENTAGE: 0,
    }
    const alpha = { ...initial, PUSH_NOTIFICATIONS_ENABLED: true, TARGET_USER_PERCENTAGE: 5, ALPHA_USERS_ONLY: true }
    const applySet = (values: object, more: object = {}) => api('PUT', '/v1/flag-sets/apply', { values, ...more })
    assert.equal((await applySet(alpha)).body.changed.length, 6)
    const emergency = await applySet(initial, { universe: ['ALPHA_USERS_ONLY'], why: 'emergency' })
    assert.deepEqual(
      [emergency.body.changed.toSorted(), emergency.body.unchanged.length],
      [['ALPHA_USERS_ONLY', 'PUSH_NOTIFICATIONS_ENABLED', 'TARGET_USER_PERCENTAGE'], 3],
    )
    const flag = async (key: string) => (await api('GET', `/v1/flags/${key}`)).body.flag
    assert.deepEqual(
      [(await flag('ALPHA_USERS_ONLY')).on, (await flag('TARGET_USER_PERCENTAGE')).variants.on],
      [false, 0],
    )
    assert.equal((await applySet({})).status, 422)
    assert.equal((await applySet({ x: true }, { breakGlass: true })).status, 422, 'a reason is needed')
  })

  it('is read from the applied plans, whatever their strategies, with all that it replaces', async () => {
    const text = (name: string, rest: string): string =>
      `kind: ReleasePlan\nname: ${name}\nexposure: [{ flag: ${name}-new }]\nrollback: [{ expose: 0% }]\n${rest}`
    const phases = 'phases: [{ name: all, expose: 100%, hold: 1h }]'
    const sets = 'flags:\n  initial: { PUSH: false, TARGET: 0 }\n  alpha: { PUSH: true, ALPHA_ONLY: true }\n'
    const files = [
      { file: 'sets.yaml', text: text('sets', `${sets}${phases}\n`) },
      { file: 'two.yaml', text: text('two', `${sets}strategies:\n  fast: { ${phases} }\n  slow: { ${phases} }\n`) },
      { file: 'none.yaml', text: text('none', phases) },
    ]
    const scope = '?environment=sets'
    const applied = await api('POST', `/v1/plans${scope}`, { files })
    assert.equal(applied.status, 200, JSON.stringify(applied.body))
    const expected = {
      universe: ['PUSH', 'TARGET', 'ALPHA_ONLY'],
      sets: [
        { name: 'initial', values: { PUSH: false, TARGET: 0 } },
        { name: 'alpha', values: { PUSH: true, ALPHA_ONLY: true } },
      ],
      problem: null,
    }
    const { items } = (await api('GET', `/v1/flag-sets${scope}`)).body
    assert.deepEqual(
      items,
      ['sets', 'two'].map(plan => ({ plan, ...expected })),
    )
    assert.deepEqual((await api('GET', `/v1/flag-sets/none${scope}`)).body.sets, [])
    assert.equal((await api('GET', `/v1/flag-sets/nothing${scope}`)).status, 404)
  })
})

describe('flags past their retention', () => {
  /** As if the flag had been so for long: the database is the only one who knows. */
  const age = (key: string, days: number): Promise<void> =>
    sql(
      `update flag set changed_at = $2::bigint, full_since = case when full_since is not null then $2::bigint end,
        care = care || jsonb_build_object('createdAt', $2::bigint) where key = $1`,
      [key, Date.now() - days * dayMs],
    )
  const staleOf = async (key: string) =>
    (await api('GET', '/v1/flags/stale?limit=200')).body.items.find((item: { key: string }) => item.key === key)
  const everybody = { exposure: { share: 1, cohorts: [], shadow: false } }

  it('are listed with the reason and the task that is open (F-032, F-089 … F-092)', async () => {
    await put('old-release', { kind: 'release', ...everybody })
    await put('old-ops', { kind: 'ops', ...everybody })
    await put('old-permission', { kind: 'permission', ...everybody })
    await put('old-experiment', { kind: 'experiment' }, 0, { care: { experimentEndedAt: Date.now() - 31 * dayMs } })
    await put('told-when', { kind: 'permission' }, 0, { care: { removeAfterMs: 5 * dayMs } })
    await put('young', { kind: 'release', ...everybody })
    for (const key of ['old-release', 'old-permission']) await age(key, 100)
    await age('old-ops', 400)
    await age('told-when', 10)
    const release = await staleOf('old-release')
    assert.deepEqual(
      release.reasons.map(({ reason }: { reason: string }) => reason),
      ['overdue', 'one variant'],
    )
    assert.deepEqual(
      [release.task.kind, release.retention.message],
      ['remove', 'Remove it, 10 days overdue: 90 days after GA.'],
    )
    assert.deepEqual(
      [(await staleOf('old-ops')).task.kind, (await staleOf('old-experiment')).task.kind],
      ['review', 'remove'],
    )
    assert.deepEqual([await staleOf('old-permission'), await staleOf('young')], [undefined, undefined])
    assert.equal((await staleOf('told-when')).retention.message, 'Remove it, 5 days overdue: removeAfter.')
    await put('old-ops', { kind: 'ops', ...everybody }, await versionOf('old-ops'), {
      care: { reviewedAt: Date.now() },
    })
    assert.equal(await staleOf('old-ops'), undefined, 'reviewed')
    assert.equal((await staleOf('staged')).task.text, 'Remove flag checks from codebase')
    const first = await api('GET', '/v1/flags/stale?limit=1')
    const second = await api('GET', `/v1/flags/stale?limit=1&cursor=${first.body.next}`)
    assert.ok(first.body.items[0].key < second.body.items[0].key)
  })

  it('open a task that is put on record once (F-087, F-089)', async () => {
    await put('with-task', { kind: 'release', ...everybody }, 0, { care: { owner: 'trips' } })
    await age('with-task', 91)
    const parts = { store: server.store, now: () => Date.now(), log: createLogger('silent') }
    assert.ok((await openFlagTasks(parts)).includes('with-task'))
    assert.deepEqual(await openFlagTasks(parts), [])
    const { items } = (await api('GET', '/v1/audit?subject=with-task')).body
    const [entry] = items.filter(({ action }: { action: string }) => action === 'open flag task')
    assert.deepEqual([entry.by, entry.detail.task, entry.detail.owner], ['dankai', 'remove', 'trips'])
  })

  it('are also those that nobody asked for in 30 days; who evaluates what and when last is known', async () => {
    await put('asked', {})
    await put('never-asked', {})
    const sample = (flag: string, bucketStart: number) => ({
      ...{
        service: 'trips',
        series: 'flag_evaluations',
        labels: { flag, variant: 'off' },
        bucketStart,
        bucketMs: 10_000,
      },
      count: 7,
    })
    const now = Math.floor(Date.now() / 10_000) * 10_000
    const body = {
      sdk: '00000000-0000-4000-8000-000000000001',
      batch: 1,
      sentAt: Date.now(),
      samples: [sample('asked', now - 10_000), sample('invented', now - 10_000)],
    }
    const sent = await api('POST', '/v1/samples', body)
    assert.deepEqual([sent.status, sent.body.refused], [202, []])
    await api('POST', '/v1/samples', body)
    const { items, since } = (await api('GET', '/v1/flags/asked/evaluations')).body
    assert.deepEqual(
      items.map(({ who, variant, count }: { who: string; variant: string; count: number }) => [who, variant, count]),
      [['trips', 'off', 7]],
    )
    assert.ok(since <= now)
    const place = { project: 'default', environment: 'production' }
    assert.deepEqual(await server.store.flagUsage.list(place, 'invented'), [], 'names that are no flags fill nothing')
    assert.equal((await ask(other.url, 'GET', '/v1/flags/asked')).body.lastEvaluatedAt, items[0].lastAt)
    await sql('update flag_usage set first_at = $1', [Date.now() - 40 * dayMs])
    await age('asked', 35)
    await age('never-asked', 35)
    const reasons = async (key: string) => (await staleOf(key)).reasons.map(({ reason }: { reason: string }) => reason)
    assert.deepEqual(
      [await reasons('asked'), await reasons('never-asked')],
      [['one variant'], ['one variant', 'not evaluated']],
    )
  })

  it('block the next release of their service when the policy says so, and no longer when they are gone', async () => {
    const plan = `kind: ReleasePlan
name: next-release
service: overdue-service
exposure: [{ flag: next-flag }]
before: [{ approve: release-managers }]
phases: [{ name: canary, expose: 5%, hold: 1h }]
rollback: [{ expose: 0% }]
`
    assert.equal((await api('POST', '/v1/plans', { files: [{ file: 'p.yaml', text: plan }] })).status, 200)
    await put('forgotten', { kind: 'release', ...everybody }, 0, { care: { service: 'overdue-service' } })
    await age('forgotten', 91)
    const start = () => api('POST', '/v1/releases', { plan: 'next-release', version: 'v1' })
    assert.equal((await api('GET', '/v1/flag-policy')).body.overdueBlocksRelease, false)
    await api('PUT', '/v1/flag-policy', { overdueBlocksRelease: true })
    const refused = await start()
    assert.deepEqual([refused.status, refused.body.code], [409, 'not-possible'])
    assert.equal(
      refused.body.detail,
      'Cannot start "next-release": found 1 overdue of service "overdue-service" (flag "forgotten": Remove it, 1 days overdue: 90 days after GA.), expected none by the flag policy. Remove it from the code, then: dankai flags remove KEY.',
    )
    await api('DELETE', '/v1/flags/forgotten', undefined, seen(await versionOf('forgotten')))
    assert.equal((await start()).status, 201)
    await api('PUT', '/v1/flag-policy', { overdueBlocksRelease: false })
  })
})

describe('a cohort', () => {
  it('is explained as it is served now, stops included (F-098)', async () => {
    const cohorts = [{ segment: 'active', share: 0.15, mix: [{ where: { region: ['東京'] }, share: 1 }] }]
    const segments = { active: { include: { activity: ['active'] } } }
    await put('explained', { exposure: { share: 0, cohorts, shadow: false }, segments })
    const explain = async (attributes: object, more: object = { flag: 'explained' }) =>
      (await api('POST', '/v1/cohorts/explain', { user: 'u1', attributes, ...more })).body
    const { flags } = await explain({ activity: 'active', region: '東京' })
    assert.deepEqual([flags[0].variant, flags[0].ruleId], ['on', 'cohort:active'])
    const [step] = flags[0].steps
    assert.deepEqual(
      [step.step, step.outcome, step.threshold, step.stratum],
      ['cohort', 'decides', 1, { region: ['東京'] }],
    )
    const out = await explain({ activity: 'quiet' })
    assert.deepEqual(
      out.flags[0].steps.map(({ step: name, matches }: { step: string; matches: boolean }) => [name, matches]),
      [
        ['cohort', false],
        ['share', null],
        ['otherwise', null],
      ],
    )
    await api('POST', '/v1/emergency', { stop: true, why: 'test', flag: 'explained' })
    assert.deepEqual((await explain({ activity: 'active', region: '東京' })).flags[0].reason, 'KILLED')
    await api('POST', '/v1/emergency', { stop: false, why: 'test' })
    assert.ok((await explain({}, {})).flags.length > 3)
    assert.equal((await api('POST', '/v1/cohorts/explain', { user: 'u', flag: 'unknown' })).status, 404)
  })
})

/** JSON with the words that the formats look for in the wrong places. */
const words = fc.constantFrom(
  ...['features', 'flags', 'segments', 'variations', 'variants', 'strategies', 'rules', 'key', 'name', 'targeting'],
  ...['parameters', 'rollout', 'constraints', 'defaultVariant', 'state', 'fallthrough', 'if', '__proto__', 'condition'],
)
const { hostile: hostileExport } = fc.letrec(tie => ({
  hostile: fc.oneof(
    { maxDepth: 6 },
    fc.jsonValue({ maxDepth: 1 }),
    fc.array(tie('hostile'), { maxLength: 3 }),
    fc.dictionary(words, tie('hostile'), { maxKeys: 5 }),
  ),
}))

describe('an import', () => {
  it('of whatever shape has an answer in every format, and writes only what is sound', () => {
    fc.assert(
      fc.property(fc.constantFrom(...flagFormats), hostileExport, (format, given) => {
        const { flags, notCarried } = importers[format]?.(given) ?? { flags: [], notCarried: [] }
        for (const flag of flags) assert.deepEqual(checkFlag(flag), [])
        for (const { why } of notCarried) assert.ok(why.length > 0)
      }),
      { numRuns: 500 },
    )
  })

  it('does not bring prerequisites that lead back, among its own flags or those that are there', async () => {
    await put('circle-there', { prerequisites: [{ flag: 'circle-new', variants: ['on'] }] })
    const asking = (key: string, flag: string): object => ({
      ...{ key, on: true, salt: 's', variations: [true, false], offVariation: 1, fallthrough: { variation: 0 } },
      prerequisites: [{ key: flag, variation: 0 }],
    })
    const flags = {
      'circle-new': asking('circle-new', 'circle-there'),
      'circle-a': asking('circle-a', 'circle-b'),
      'circle-b': asking('circle-b', 'circle-a'),
    }
    for (const dryRun of [true, false]) {
      const { body } = await api('POST', '/v1/flags/import', { format: 'launchdarkly', data: { flags }, dryRun })
      assert.deepEqual(body.imported, ['circle-a'])
      assert.deepEqual(
        body.skipped.map(({ flag }: { flag: string }) => flag),
        ['circle-new', 'circle-b'],
      )
      assert.match(body.skipped[0].why, /lead back to it \(circle-new -> circle-there -> circle-new\)/)
    }
  })

  it('leaves a flag alone that a live release moves, and says so', async () => {
    const data = { flags: [{ key: 'moved', on: false }] }
    const { body } = await api('POST', '/v1/flags/import', { format: 'dankai', data, replace: true })
    assert.match(body.skipped[0].why, /^it is moved by live release /)
    assert.equal((await api('GET', '/v1/flags/export?format=growthbook')).status, 422)
  })
})

describe('clients that evaluate by themselves', () => {
  it('are named with the reason when they are not given a flag', async () => {
    const share = (part: number) => ({ share: part, cohorts: [], shadow: false })
    await put('for-all', { exposure: share(1) })
    await put('for-some', { exposure: share(0.37) })
    await put('as-unleash', { exposure: share(0.25), algorithm: 'unleash' })
    const served = async (key: string) =>
      (await api('GET', `/v1/flags/${key}/clients`)).body.clients.map(
        ({ client, isServed, why }: { client: string; isServed: boolean; why: string | null }) => {
          assert.equal(isServed, why === null)
          return [client, isServed]
        },
      )
    const of = (launchdarkly: boolean, unleash: boolean, flagd: boolean) => [
      ['launchdarkly', launchdarkly],
      ['unleash', unleash],
      ['flagd', flagd],
    ]
    assert.deepEqual(await served('for-all'), of(true, true, true))
    assert.deepEqual(await served('for-some'), of(false, false, false))
    assert.deepEqual(await served('as-unleash'), of(false, true, false))
    await put('for-some-anyway', { exposure: { share: 0.5, cohorts: [], shadow: false }, otherBuckets: ['unleash'] })
    const { clients } = (await api('GET', '/v1/flags/for-some-anyway/clients')).body
    assert.deepEqual(
      clients.map(({ isServed, ownBuckets }: { isServed: boolean; ownBuckets: boolean }) => [isServed, ownBuckets]),
      [
        [false, false],
        [true, true],
        [false, false],
      ],
      'permitted, and seen to choose other users',
    )
    await api('DELETE', '/v1/flags/for-some-anyway', undefined, seen(await versionOf('for-some-anyway')))
    const { refused } = (await api('GET', '/v1/flag-clients')).body
    const refusedBy = new Map(
      refused.map(({ client, flags }: { client: string; flags: readonly { flag: string }[] }) => [
        client,
        flags.map(({ flag }) => flag).filter(flag => /^(for|as)-/.test(flag)),
      ]),
    )
    assert.deepEqual(
      [...refusedBy],
      [
        ['launchdarkly', ['as-unleash', 'for-some']],
        ['unleash', ['for-some']],
        ['flagd', ['as-unleash', 'for-some']],
      ],
    )
  })

  it('are named as silent also by an instance that none of them follows', async () => {
    const place = { project: 'default', environment: 'followed-elsewhere' }
    const asked = { kind: 'sdk-server', principal: 'shop', name: 'elsewhere', ...place }
    const { secret } = (await api('POST', '/v1/keys', asked)).body
    const scope = '?environment=followed-elsewhere'
    const { version } = (await api('PUT', `/v1/flags/far${scope}`, { flag: {} })).body.flag
    const sdk = '00000000-0000-4000-8000-000000000009'
    const ending = new AbortController()
    const stream = await fetch(`${server.url}/v1/stream`, {
      headers: { authorization: `Bearer ${secret}`, 'dankai-sdk': `${sdk}; name=shop` },
      signal: ending.signal,
    })
    const said = { sdk, name: 'shop', version, appliedAt: Date.now() }
    await ask(server.url, 'POST', '/v1/acknowledgements', { key: secret, body: said })
    const figures = async () => (await api('GET', `/v1/flag-clients${scope}`)).body
    await until(figures, ({ acknowledged }) => acknowledged === 1)
    const stopped = await ask(other.url, 'POST', `/v1/emergency${scope}`, { body: { stop: true, why: 'test' } })
    assert.deepEqual(
      [stopped.body.connected, stopped.body.acknowledged, stopped.body.silent],
      [1, 0, [{ sdk, name: 'shop' }]],
    )
    assert.ok(stopped.body.version > version)
    assert.equal(stream.status, 200)
    ending.abort()
    await api('POST', `/v1/emergency${scope}`, { stop: false, why: 'test' })
  })

  it('page through the SDKs of an environment, with what each serves', async () => {
    const { secret } = (await api('POST', '/v1/keys', { kind: 'sdk-server', principal: 'shop', name: 'paged' })).body
    const ending = new AbortController()
    const ids = [1, 2, 3].map(no => `00000000-0000-4000-8000-00000000000${no}`)
    // Held on to: a response that nobody holds is collected, and its connection is closed with it.
    const streams: Response[] = []
    for (const sdk of ids)
      streams.push(
        await fetch(`${server.url}/v1/stream`, {
          headers: { authorization: `Bearer ${secret}`, 'dankai-sdk': `${sdk}; name=shop` },
          signal: ending.signal,
        }),
      )
    const { version } = (await api('GET', '/v1/flag-clients')).body
    const said = { sdk: ids[1], name: 'shop', version, appliedAt: Date.now() }
    await ask(server.url, 'POST', '/v1/acknowledgements', { key: secret, body: said })
    const figures = async () => (await api('GET', '/v1/flag-clients')).body
    const { known } = await until(figures, ({ known, acknowledged }) => known === 3 && acknowledged === 1)
    assert.equal(known, 3)
    const first = (await api('GET', '/v1/sdks?limit=2')).body
    const rest = (await api('GET', `/v1/sdks?limit=2&cursor=${first.next}`)).body
    assert.deepEqual(
      [...first.items, ...rest.items].map(({ sdk, connected, version: served }) => [
        sdk,
        connected,
        served === version,
      ]),
      ids.map((sdk, index) => [sdk, true, index === 1]),
    )
    assert.equal(rest.next, null)
    assert.ok(streams.every(({ status }) => status === 200))
    ending.abort()
    assert.equal((await ask(server.url, 'GET', '/v1/sdks', { key: secret })).status, 403)
  })
})
