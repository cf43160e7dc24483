import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { idsIn, planLinesIn, readCarriers } from './carriers.ts'
import { assessCoverage, countByGroup, type RowCoverage } from './coverage.ts'
import type { MutationCache } from './mutation-cache.ts'
import { orderScenarios } from './mutation-order.ts'
import { findLiveNumbers, keyOf } from './mutations.ts'
import { readPlanFolders } from './plan-folders.ts'
import { readPlanNumbers } from './plan-numbers.ts'
import { readRequirements } from './rows.ts'

/** A plan whose hold and limit are tested, whose 5 % is not, and whose service level nobody reads. */
const plan = `kind: ReleasePlan
name: small
exposure: [{ flag: small }]
metrics:
  error_rate:
    ratio: errors / requests
    target: "< 1%"               # P-005
phases:
  - name: canary
    expose: 5%                   # P-001
    hold: 2m                     # P-002
  - { name: all, expose: 100%, hold: 10m }
rollbackWhen:
  # P-003 stands here without saying anything
  - error_rate > 5% for 2m       # P-004
followUp:
  - { confirm: cause found }     # P-006
`
const scenarios = `kind: Scenarios
plan: small
scenarios:
  - name: exactly five percent never go back
    script: [{ at: all, error_rate: 5%, for: 5m }]
    expect: [{ at: canary + 2m, event: PhasePromoted }, { outcome: completed }]
  - name: less than two minutes do not go back
    script: [{ at: canary, error_rate: 5.01%, for: 110s }]
    expect: [{ outcome: completed }]
  - name: above five percent for two minutes goes back             # P-007
    script: [{ at: canary, error_rate: 5.01% }]
    expect: [{ at: canary + 2m, event: RollbackStarted }]
  - name: never true                                               # P-008
    expect: [{ outcome: contained }]
`
const files: Readonly<Record<string, string>> = {
  'plans/small/plan.yaml': plan,
  'plans/small/scenarios/all.yaml': scenarios,
  'packages/x/src/x.test.ts': "test('counts (P-009)', () => {})\n",
  'docs/reference/coverage.md': '| id | why |\n|---|---|\n| P-010 | ten people, as P-011 says |\n',
}

let root = ''
before(() => {
  root = mkdtempSync(join(tmpdir(), 'dankai-requirements-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
})
after(() => rmSync(root, { recursive: true, force: true }))

async function assess(cache: MutationCache | null = null): Promise<readonly RowCoverage[]> {
  const folders = readPlanFolders(root)
  const numbers = folders.flatMap(folder => readPlanNumbers(folder.files))
  const findings = await findLiveNumbers(folders, () => numbers, { cache, workers: 1, onProgress: () => {} })
  const requirements = Array.from({ length: 11 }, (_, index) => {
    const id = `P-${String(index + 1).padStart(3, '0')}`
    return { id, group: 'P', document: '000', text: id }
  })
  return assessCoverage({ requirements, carriers: readCarriers(root), numbers, findings })
}

describe('coverage of the requirements', () => {
  it('counts a plan line only when changing any of its numbers makes a scenario fail, and says what answers', async () => {
    const rows = await assess()
    assert.deepEqual(
      rows.map(({ requirement, by }) => `${requirement.id} ${by}`),
      [
        'P-001 missing', // 5 % is carried, and no scenario looks at the exposure
        'P-002 plan',
        'P-003 missing', // only a comment
        'P-004 plan',
        'P-005 missing', // a target that nothing reads
        'P-006 plan', // no number to change
        'P-007 plan', // a scenario that passes
        'P-008 missing', // a scenario that fails
        'P-009 test',
        'P-010 record',
        'P-011 missing', // named in a reason only
      ],
    )
    const why = new Map(rows.map(({ requirement, why: reason }) => [requirement.id, reason]))
    assert.equal(why.get('P-001'), 'plans/small/plan.yaml:10: no scenario notices when 5 of phases[0].expose changes')
    assert.equal(why.get('P-008'), 'plans/small/scenarios/all.yaml:13: scenario "never true" fails')
    assert.deepEqual(countByGroup(rows), [
      { group: 'P', covered: 6, all: 11, missing: ['P-001', 'P-003', 'P-005', 'P-008', 'P-011'] },
    ])
  })

  it('says the same whatever the last time said, which only decides what is tried first', async () => {
    const found = await assess()
    for (const hint of [[null], ['never true', null], ['less than two minutes do not go back', 'gone since']])
      assert.deepEqual(await assess({ read: () => null, write: () => {}, hint: () => hint }), found)
  })

  it('knows every requirement of the documents once', () => {
    const rows = readRequirements()
    assert.equal(rows.length, 1381)
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
  })
})

describe('the carriers of ids', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['P-001', ['P-001']],
    ['P-001..P-003 and T-007', ['P-001', 'P-002', 'P-003', 'T-007']],
    ['R-010…R-011', ['R-010', 'R-011']],
    ['CA-51, RB-2026-001 and SEV-1', []],
  ]
  for (const [text, ids] of rows)
    it(`reads ${ids.join(' ') || 'nothing'} in "${text}"`, () => assert.deepEqual(idsIn(text).toSorted(), ids))

  it('are comments behind something; a colour or a channel is no comment', () => {
    const lines = planLinesIn('plan.yaml', 'a: slack:#P-001\n# P-002\nb: 1 # P-003 P-004\n')
    assert.deepEqual(lines, [{ file: 'plan.yaml', line: 3, ids: ['P-003', 'P-004'] }])
  })
})

describe('numbers of plans', () => {
  const numbersOf = (text: string, kind = 'ReleasePlan'): readonly string[] => {
    const lines = `kind: ${kind}\nname: v2\n${text}\n`.split('\n')
    const numbers = readPlanNumbers([{ path: 'p.yaml', text: lines.join('\n') }])
    for (const { line, column, text: written } of numbers)
      assert.ok(lines[line - 1]?.slice(column - 1).startsWith(written), `${line}:${column}`)
    return numbers.map(number => number.text)
  }
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['hold: 2m', ['2']],
    ['promoteWhen: [error_rate over 5m <= baseline + 0.5pt, p99 < 1.1x baseline]', ['5', '0.5', '1.1']],
    ['rollbackWhen: [{ if: restarts > 5 in 5m, then: rollback within 1h }]', ['5', '5', '1']],
    ['metrics: { p99: { warn: "> 1.2s", every: 10s } }', ['1.2', '10']],
    ['phases: [{ name: 3a, expose: 15% of active-users, hold: open }]', ['15']],
    ['evidence: not harmful after 2h with 100 samples', ['2', '100']],
    ['during: [{ days: 3-5, confirm: Week 1 of 4 }]', ['3', '5']],
    [
      'blocked: [{ from: 12-28, to: 01-04 }, { every: Sun 02:00-06:00 }]',
      ['12', '28', '01', '04', '02', '00', '06', '00'],
    ],
    ['do: [{ run: tail -n 100 x.log, expect: count = 0 }, { http: GET x/y?limit=10, expect: 200 }]', ['0', '200']],
    ['exposure: [{ nginx: { stable: localhost:3001, verify: { requests: 100 } } }]', ['100']],
    ['channels: { a: slack:C0123456789 }', []],
  ]
  for (const [text, expected] of rows)
    it(`are ${expected.join(', ') || 'none'} in "${text}"`, () => assert.deepEqual(numbersOf(text), expected))

  it('are none in templates', () => assert.deepEqual(numbersOf('ja: { body: 30 }', 'Template'), []))

  it('are looked for first by the scenarios that use their words', () => {
    const [number] = readPlanNumbers([{ path: 'plans/small/plan.yaml', text: plan }]).filter(
      ({ path }) => path === 'phases[0].hold',
    )
    assert.ok(number)
    assert.equal(keyOf(number), 'plans/small/plan.yaml:11:11')
    const order = orderScenarios(number, ['at: all + 1m', 'at: canary + 2m', 'at: all + 2m'])
    assert.deepEqual(order, [1, 2, 0])
  })
})
