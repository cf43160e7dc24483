import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPlan } from './check-plan.ts'
import type { Scenario } from './scenario.ts'
import { readScenarioFiles } from './scenario.ts'
import { checkText, parseDrafts, parseText, writePlan } from './testing/plan-texts.ts'

const minute = 60_000
const hour = 60 * minute

function readScenarios(...entries: readonly string[]): readonly Scenario[] {
  const text = `kind: Scenarios\nplan: sample\nscenarios:\n${entries.map(entry => `  - ${entry}`).join('\n')}`
  const documents = parseText(writePlan(), text)
  assert.deepEqual(
    checkPlan(documents).problems.map(({ message }) => message.en),
    [],
  )
  return readScenarioFiles(documents.documents)[0]?.scenarios ?? []
}

function happen(entry: string) {
  return readScenarios(`{ name: x, script: [${entry}], expect: [{ never: RollbackStarted }] }`)[0]?.script[0]
}

function expect(entry: string) {
  const found = readScenarios(`{ name: x, expect: [${entry}] }`)[0]?.expect[0]
  return found && Object.fromEntries(Object.entries(found).filter(([key, value]) => key !== 'place' && value !== null))
}

const after = (anchor: string, plusMs = 0) => ({ kind: 'anchor', anchor, plusMs })

describe('scenarios', () => {
  it('of the documents are read whole (T-011 T-019 CA-17 CA-51)', () => {
    const files = readScenarioFiles(parseDrafts().documents)
    assert.deepEqual(
      files.map(({ plan, scenarios }) => [plan, scenarios.length]),
      [
        ['triptrip-api', 5],
        ['property-listing-sync', 3],
      ],
    )
    const [first] = files[0]?.scenarios ?? []
    assert.equal(first?.name, 'error rate just above 5 % for two minutes rolls back')
    assert.deepEqual(first?.script[0]?.happenings, [
      { kind: 'metric', metric: 'error_rate', track: null, value: { number: 0.0501, unit: 'percent' } },
    ])
    assert.deepEqual(
      [first?.expect[0]?.at, first?.expect[0]?.event, first?.expect[0]?.because],
      [after('early', 3 * minute), 'RollbackStarted', 'Error Rate Spike'],
    )
    assert.deepEqual([first?.expect[1]?.by, first?.expect[1]?.exposure], [after('early', 8 * minute), 0])
    const golden = files[0]?.scenarios.at(-1)
    assert.equal(golden?.startMs, Date.UTC(2026, 3, 28, 1))
    assert.deepEqual(golden?.script[1]?.at, { kind: 'time', at: Date.UTC(2026, 3, 29, 0) })
  })

  it('set metrics of any unit, on one track or on all, for a while or for good', () => {
    const table: readonly (readonly [string, unknown])[] = [
      ['error_rate: 5.01%', { metric: 'error_rate', track: null, value: { number: 0.0501, unit: 'percent' } }],
      ['error_rate: no data', { metric: 'error_rate', track: null, value: 'no data' }],
      ['error_rate stable: 1%', { metric: 'error_rate', track: 'stable', value: { number: 0.01, unit: 'percent' } }],
      ['p99 canary: 1.2s', { metric: 'p99', track: 'canary', value: { number: 1200, unit: 'time' } }],
      ['p99 baseline: 300ms', { metric: 'p99', track: 'baseline', value: { number: 300, unit: 'time' } }],
      ['restarts: 6', { metric: 'restarts', track: null, value: { number: 6, unit: 'number' } }],
      ['cost: 10.5USD', { metric: 'cost', track: null, value: { number: 10.5, unit: 'money' } }],
    ]
    for (const [text, expected] of table) {
      assert.deepEqual(
        happen(`{ at: early, ${text} }`)?.happenings,
        [{ kind: 'metric', ...(expected as object) }],
        text,
      )
    }
    const both = happen('{ at: half + 1m, error_rate: 6%, p99: 2s, for: 110s }'.replace('half', 'early'))
    assert.deepEqual([both?.at, both?.forMs, both?.happenings.length], [after('early', minute), 110_000, 2])
  })

  it('let people act and be away, steps and hands fail, and the engine die', () => {
    const table: readonly (readonly [string, unknown])[] = [
      ['absent: [qa, tech-lead]', { kind: 'absent', roles: ['qa', 'tech-lead'] }],
      ['present: qa', { kind: 'present', roles: ['qa'] }],
      [
        'person: ana, does: report data_loss, why: saw it',
        { kind: 'person', person: 'ana', does: 'report data_loss', why: 'saw it' },
      ],
      [
        'person: ana, does: rollback runbook restore',
        { kind: 'person', person: 'ana', does: 'rollback runbook restore', why: null },
      ],
      [
        'step: npm test, fails: always',
        { kind: 'step', step: 'npm test', result: 'fails', times: null, takesMs: null, answers: null },
      ],
      [
        'step: npm test, fails: 2 times, takes: 5m',
        { kind: 'step', step: 'npm test', result: 'fails', times: 2, takesMs: 5 * minute, answers: null },
      ],
      [
        'step: npm test, ambiguous: once',
        { kind: 'step', step: 'npm test', result: 'ambiguous', times: 1, takesMs: null, answers: null },
      ],
      [
        'step: GET x, answers: { count: 3 }',
        { kind: 'step', step: 'GET x', result: 'succeeds', times: null, takesMs: null, answers: { count: 3 } },
      ],
      ['hand: "flag:new-flow", fails: 3 times', { kind: 'hand', hand: 'flag:new-flow', trouble: 'fails', times: 3 }],
      ['hand: "flag:new-flow", drifts: 10%', { kind: 'drift', hand: 'flag:new-flow', share: 0.1 }],
      [
        'crash: after SetExposure ran, restart: 40s',
        { kind: 'crash', crash: 'after SetExposure ran', restartMs: 40_000 },
      ],
      ['late: 2m', { kind: 'late', byMs: 2 * minute }],
      ['suspended: 5m', { kind: 'suspended', ms: 5 * minute }],
      ['labels: [sev-1]', { kind: 'labels', labels: ['sev-1'] }],
    ]
    for (const [text, expected] of table)
      assert.deepEqual(happen(`{ at: start, ${text} }`)?.happenings, [expected], text)
  })

  it('expect events, exposure, waiting, outcomes and counts, at, by or during a time', () => {
    const table: readonly (readonly [string, unknown])[] = [
      [
        '{ at: early + 3m, event: RollbackStarted, because: Spike }',
        { at: after('early', 3 * minute), event: 'RollbackStarted', because: 'Spike' },
      ],
      ['{ by: rollback + 5m, exposure: 0% }', { by: after('rollback', 5 * minute), exposure: 0 }],
      ['{ at: start + 2h, waitingOn: approval of qa }', { at: after('start', 2 * hour), waitingOn: 'approval of qa' }],
      ['{ never: RollbackStarted }', { never: { kind: 'event', event: 'RollbackStarted' } }],
      [
        '{ never: exposure > 0%, during: [start, early + 1m] }',
        { never: { kind: 'exposure', op: '>', share: 0 }, during: [after('start'), after('early', minute)] },
      ],
      ['{ never: waitingOn approval of qa }', { never: { kind: 'waitingOn', text: 'approval of qa' } }],
      ['{ outcome: completed }', { outcome: 'completed' }],
      ['{ count: nginx reloads with weight=10, is: 1 }', { count: 'nginx reloads with weight=10', is: 1 }],
      ['{ at: all, phase: all }', { at: after('all'), phase: 'all' }],
    ]
    for (const [text, expected] of table) assert.deepEqual(expect(text), expected, text)
  })

  it('are refused with what to write instead when they speak of things the plan does not have', () => {
    const table: readonly (readonly [string, RegExp])[] = [
      ['script: [{ at: erly + 1m, error_rate: 5% }]', /phase "erly" .* Did you mean "early"/],
      ['script: [{ at: early, eror_rate: 5% }]', /Cannot set "eror_rate" .* Did you mean "error_rate"/],
      ['script: [{ at: early, absnt: [qa] }]', /Cannot set "absnt" .* Did you mean "absent"/],
      ['script: [{ at: early, error-rate: 5% }]', /Cannot set "error-rate" .* Did you mean "error_rate"/],
      [
        'script: [{ at: early, error_rate: 5 }]',
        /found "5", expected "no data" or a value such as 5%\. Write error_rate: 5%/,
      ],
      ['script: [{ at: early, p99: 5% }]', /found "5%", expected "no data" or a value such as 500ms/],
      ['script: [{ at: early, person: ana }]', /Cannot use "person" .* found it alone, expected it with does/],
      ['script: [{ at: early, person: ana, does: dance }]', /found "dance", expected one of approve, confirm/],
      ['script: [{ at: early, step: x }]', /expected it with fails or succeeds/],
      ['script: [{ at: early, crash: now }]', /expected it with restart/],
      ['script: [{ at: early + 5, error_rate: 5% }]', /found "early \+ 5", expected start, rollback, a phase/],
      ['start: 2026-04-28', /expected a time with its offset/],
      ['strategy: hotfix', /strategy "hotfix"/],
      ['expect: [{ at: early }]', /found nothing to see/],
      ['expect: [{ count: reloads }]', /expected "count" and "is" together/],
      ['expect: [{ never: exposure over 5% }]', /expected an event, exposure and a limit/],
    ]
    for (const [line, message] of table) {
      const rest = line.startsWith('expect') ? '' : '\n    expect: [{ never: RollbackStarted }]'
      const { problems } = checkText(
        writePlan({}, `kind: Scenarios\nplan: sample\nscenarios:\n  - name: x\n    ${line}${rest}`),
      )
      assert.ok(
        problems.some(problem => message.test(problem.message.en)),
        `${line}: ${problems.map(problem => problem.message.en).join('\n')}`,
      )
    }
    const { problems } = checkText(writePlan({}, 'kind: Scenarios\nplan: smaple\nscenarios: []'))
    assert.match(problems[0]?.message.en ?? '', /plan "smaple" .* Did you mean "sample"/)
  })
})
