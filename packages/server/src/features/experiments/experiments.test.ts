import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DankaiServer } from '../../create-server.ts'
import { type Answer, ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'

let house: TestHouse
let server: DankaiServer
before(async () => {
  house = await openTestHouse()
  server = await house.open()
})
after(() => house.close())

const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  ask(server.url, method, path, body === undefined ? {} : { body })

let batch = 0
async function tell(exposures: readonly object[], outcomes: readonly object[] = []): Promise<void> {
  const sdk = '00000000-0000-4000-8000-000000000009'
  const { status, body } = await api('POST', '/v1/exposures', {
    sdk,
    batch: ++batch,
    sentAt: Date.now(),
    exposures,
    outcomes,
  })
  assert.deepEqual([status, body.refused], [202, []])
}

interface Group {
  readonly variant: string
  readonly users: number
  readonly converted: number
  readonly value?: number
}

/** Users of each variant, of whom the first ones did it. */
async function run(flag: string, groups: readonly Group[], event = 'opened'): Promise<void> {
  const at = Date.now() - 1_000
  for (const { variant, users, converted, value = 1 } of groups) {
    const people = Array.from({ length: users }, (_, index) => `${flag}-${variant}-${index}`)
    for (let from = 0; from < users; from += 1_000)
      await tell(
        people.slice(from, from + 1_000).map(user => ({ flag, variant, user, at })),
        people.slice(from, Math.min(converted, from + 1_000)).map(user => ({ event, user, at, value })),
      )
  }
}

const experimentOf = async (flag: string, query = '') => (await api('GET', `/v1/experiments/${flag}${query}`)).body
const makeExperiment = (key: string, split: readonly { variant: string; weight: number }[]) =>
  api('PUT', `/v1/flags/${key}`, {
    flag: {
      kind: 'experiment',
      variants: Object.fromEntries(split.map(({ variant }) => [variant, variant])),
      offVariant: split[0]?.variant,
      onVariant: split.at(-1)?.variant,
      otherwise: { split, experiment: true },
    },
  })
const halves = (one: string, two: string) => [
  { variant: one, weight: 50_000 },
  { variant: two, weight: 50_000 },
]

describe('an experiment', () => {
  it('is data of the plan: the push A/B tests (P-029 … P-034, F-037, F-039)', async () => {
    const folder = fileURLToPath(new URL('../../../../../plans/mamapace-push/', import.meta.url))
    const files = ['plan.yaml', 'helpers.yaml'].map(file => ({ file, text: readFileSync(`${folder}${file}`, 'utf8') }))
    const applied = await api('POST', '/v1/plans', { files })
    assert.equal(applied.status, 200, JSON.stringify(applied.body).slice(0, 500))
    for (const [key, variants] of [
      ['notification_timing', { A: { quietHoursDefault: '22:00-07:00' }, B: { quietHoursDefault: '23:00-06:00' } }],
      ['notification_content', { A: { style: 'concise' }, B: { style: 'detailed' } }],
    ] as const) {
      assert.deepEqual((await api('GET', `/v1/flags/${key}`)).body.flag.variants, variants)
      const { kind, control, variants: groups, sampleRatio } = await experimentOf(key)
      assert.deepEqual([kind, control, sampleRatio.state], ['experiment', 'A', 'unknown'])
      assert.deepEqual(
        groups.map(({ variant, share }: { variant: string; share: number }) => [variant, share]),
        [
          ['A', 0.5],
          ['B', 0.5],
        ],
      )
    }
  })

  it('compares each variant with the control, with an interval that may be looked at any time', async () => {
    await makeExperiment('search-algorithm-variant', halves('control', 'ml_ranking'))
    await run('search-algorithm-variant', [
      { variant: 'control', users: 1_500, converted: 150 },
      { variant: 'ml_ranking', users: 1_500, converted: 300, value: 2 },
    ])
    const experiment = await experimentOf('search-algorithm-variant')
    assert.deepEqual([experiment.sampleRatio.state, experiment.running, experiment.notes], ['even', true, []])
    const [{ event, variants }] = experiment.outcomes
    const [control, other] = variants
    assert.deepEqual([event, control.rate, other.rate, other.mean], ['opened', 0.1, 0.2, 0.4])
    assert.equal(control.rateDifference, null)
    const { estimate, low, high, verdict } = other.rateDifference
    assert.ok(Math.abs(estimate - 0.1) < 1e-9 && low > 0.05 && high < 0.15, JSON.stringify(other))
    assert.deepEqual([verdict, other.meanDifference.verdict], ['higher', 'higher'])
    const turned = await experimentOf('search-algorithm-variant', '?event=opened&control=ml_ranking')
    assert.equal(turned.outcomes[0].variants[0].rateDifference.verdict, 'lower')
    const nothing = await experimentOf('search-algorithm-variant', '?event=bought')
    assert.deepEqual(nothing.outcomes[0].variants[1].rateDifference.verdict, 'undecided')
  })

  it('says first when the variants got other shares than they should, or too few users', async () => {
    await makeExperiment('losing', halves('a', 'b'))
    await run('losing', [
      { variant: 'a', users: 900, converted: 10 },
      { variant: 'b', users: 600, converted: 10 },
    ])
    const losing = await experimentOf('losing')
    assert.equal(losing.sampleRatio.state, 'uneven')
    assert.match(losing.notes[0], /^Do not read the results/)
    await makeExperiment('small', halves('a', 'b'))
    await run('small', [
      { variant: 'a', users: 20, converted: 10 },
      { variant: 'b', users: 20, converted: 1 },
    ])
    const small = await experimentOf('small')
    assert.equal(small.outcomes[0].variants[1].rateDifference, null)
    assert.deepEqual(small.notes, ['No interval for a, b: fewer than 100 users.'])
  })

  it('stays readable whatever values somebody sends', async () => {
    await makeExperiment('paid', halves('a', 'b'))
    await run('paid', [
      { variant: 'a', users: 150, converted: 150, value: 1e15 },
      { variant: 'b', users: 150, converted: 150, value: -1e15 },
    ])
    const at = Date.now() - 500
    const sdk = '00000000-0000-4000-8000-000000000019'
    const outcomes = [1e308, 1e308].map(value => ({ event: 'opened', user: 'paid-a-1', at, value }))
    const sent = await api('POST', '/v1/exposures', { sdk, batch: 1, sentAt: Date.now(), outcomes })
    assert.deepEqual([sent.status, sent.body.accepted, sent.body.refused.length], [202, 0, 2])
    const { outcomes: found } = await experimentOf('paid')
    assert.deepEqual([found[0].variants[0].mean, found[0].variants[1].meanDifference.verdict], [1e15, 'lower'])
  })

  it('knows the shares of a split behind a rule, and of one beside plain rules', async () => {
    const split = halves('a', 'b').map(part => ({ ...part }))
    const japan = [{ attribute: 'country', operator: 'is', values: ['JP'] }]
    await api('PUT', '/v1/flags/ruled', {
      flag: {
        ...{ kind: 'experiment', variants: { a: 'a', b: 'b' }, offVariant: 'a', onVariant: 'b' },
        rules: [
          { id: 'staff', when: [{ attribute: 'staff', operator: 'is', values: ['yes'] }], serve: { variant: 'b' } },
          { id: 'japan', when: japan, share: 0.5, serve: { split, experiment: true } },
        ],
        targets: [{ variant: 'b', keys: ['aki'] }],
        otherwise: { variant: 'a' },
      },
    })
    await run('ruled', [
      { variant: 'a', users: 900, converted: 0 },
      { variant: 'b', users: 500, converted: 0 },
    ])
    const { variants, sampleRatio } = await experimentOf('ruled')
    assert.deepEqual([variants.map(({ share }: { share: number }) => share), sampleRatio.state], [[0.5, 0.5], 'uneven'])
  })

  it('says when its shares were changed on the way, instead of blaming a variant for losing users', async () => {
    await makeExperiment('reweighted', halves('a', 'b'))
    await run('reweighted', [
      { variant: 'a', users: 900, converted: 10 },
      { variant: 'b', users: 900, converted: 10 },
    ])
    const { flag, care } = (await api('GET', '/v1/flags/reweighted')).body
    assert.equal(care.experimentEndedAt, null)
    const put = (changed: object, version: number): Promise<Answer> =>
      ask(server.url, 'PUT', '/v1/flags/reweighted', {
        body: { flag: { ...flag, ...changed } },
        headers: { 'if-match': `"${version}"` },
      })
    const off = (await put({ on: false }, flag.version)).body.flag
    assert.deepEqual(
      (await experimentOf('reweighted')).sharesChangedAt,
      null,
      'off and on again is no change of shares',
    )
    const split = [
      { variant: 'a', weight: 90_000 },
      { variant: 'b', weight: 10_000 },
    ]
    await put({ otherwise: { split, experiment: true } }, off.version)
    const { sampleRatio, sharesChangedAt, notes } = await experimentOf('reweighted')
    assert.equal(sampleRatio.state, 'unknown')
    assert.ok(sharesChangedAt > Date.now() - 60_000)
    assert.match(notes[0], /^The shares were changed after the first user/)
  })

  it('counts a user once, under the first variant, and leaves out who was given two', async () => {
    await makeExperiment('twice', halves('a', 'b'))
    const at = Date.now() - 5_000
    const seen = (variant: string, later: number) => ({ flag: 'twice', variant, user: 'u', at: at + later })
    await tell([seen('a', 0), seen('a', 1), { ...seen('a', 0), user: 'v' }])
    await tell([seen('b', 3_000)])
    const { variants, notes } = await experimentOf('twice')
    const [a] = variants
    assert.deepEqual([a.users, a.switched], [1, 1])
    assert.equal(notes[0], '1 users were given more than one variant and are left out.')
  })

  it('is refused for a flag that is not there and a control that is no variant', async () => {
    assert.equal((await api('GET', '/v1/experiments/nothing')).status, 404)
    assert.equal((await api('GET', '/v1/experiments/twice?control=purple')).status, 422)
  })
})
