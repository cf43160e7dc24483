import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { levelOf } from './exposure.ts'
import { Runner } from './testing/runner.ts'
import { metricTerm, phaseOf, planOf, ruleOf, stepOf } from './testing/small-plan.ts'

const minute = 60_000
const hour = 60 * minute

describe('phases', () => {
  it('goes through every phase, holding each for its covered time, and completes', () => {
    const run = new Runner(planOf()).settle()
    assert.equal(run.status?.exposure, 0.05)
    assert.deepEqual(run.waits(), ['hold'])
    assert.equal(run.wakeAt, minute)
    run.at(minute - 1)
    assert.equal(run.status?.exposure, 0.05)
    run.at(minute)
    assert.equal(run.status?.exposure, 0.5)
    run.at(2 * minute).at(3 * minute)
    assert.equal(run.state.lifecycle.kind, 'completed')
    assert.deepEqual(
      run.find('PhasePromoted').map(event => event.name),
      ['canary', 'half', 'all'],
    )
  })

  it('holds the phase while a criterion is unknown or unmet, and tells which', () => {
    const plan = planOf({
      phases: [
        phaseOf(0, 'canary', 0.05, { promoteWhen: [{ kind: 'condition', id: 'c', condition: metricTerm('ok') }] }),
        phaseOf(1, 'all', 1),
      ],
    })
    const run = new Runner(plan).settle()
    run.evidence.set('ok', { met: 'unknown', holds: 'unknown', value: null, samples: 3, samplesNeeded: 20 })
    run.at(10 * minute)
    assert.deepEqual(
      run.status?.waitingOn.map(wait => wait.kind === 'criterion' && [wait.text, wait.met, wait.samples]),
      [['ok', 'unknown', 3]],
    )
    run.evidence.set('ok', { met: 'no' })
    run.at(11 * minute)
    assert.equal(run.status?.exposure, 0.05)
    run.evidence.set('ok', { met: 'yes' })
    run.at(12 * minute)
    assert.equal(run.status?.exposure, 1)
    assert.deepEqual(
      run.find('VerdictChanged').map(event => event.met),
      ['unknown', 'no', 'yes'],
    )
  })

  it('counts neither a pause nor missing data as held, without starting anew', () => {
    const run = new Runner(planOf()).settle()
    run.at(20_000).evidence.missingMetrics = [{ metric: 'error_rate', since: 20_000 }]
    const watched = new Runner(planOf({ rules: [ruleOf('r', { kind: 'now' })] })).settle()
    watched.evidence.missingMetrics = [{ metric: 'error_rate', since: 20_000 }]
    watched.at(50_000)
    assert.deepEqual(
      watched.find('DataMissing').map(event => event.since),
      [20_000],
    )
    assert.ok(watched.waits().includes('data'))
    watched.at(10 * minute)
    assert.equal(watched.status?.exposure, 0.05)
    watched.evidence.missingMetrics = []
    watched.evidence.restored.set('error_rate', 10 * minute)
    watched.at(10 * minute + 39_999)
    assert.equal(watched.status?.exposure, 0.05)
    watched.at(10 * minute + 40_000)
    assert.equal(watched.status?.exposure, 0.5)
  })

  it('rolls back, waits or asks when criteria are not met after the hold, as the phase says', () => {
    const rows = [
      ['wait', { kind: 'wait' }, 'running', []],
      ['rollback at once', { kind: 'rollback', afterMs: 0 }, 'rollingBack', []],
      ['rollback after an hour', { kind: 'rollback', afterMs: hour }, 'running', []],
      ['ask', { kind: 'decide', withinMs: hour, otherwise: 'rollback' }, 'running', ['DecisionAsked']],
    ] as const
    for (const [name, ifNotMet, stage, asked] of rows) {
      const run = new Runner(
        planOf({
          phases: [
            phaseOf(0, 'canary', 0.05, {
              ifNotMet,
              promoteWhen: [{ kind: 'condition', id: 'c', condition: metricTerm('ok') }],
            }),
          ],
        }),
      )
      run.settle()
      run.handsFollow = false
      run.at(minute)
      assert.equal(run.state.lifecycle.kind, stage, name)
      assert.deepEqual(
        run.types().filter(type => type === 'DecisionAsked'),
        [...asked],
        name,
      )
      run.handsFollow = true
      run.at(minute + hour)
      assert.equal(run.state.lifecycle.kind, name === 'wait' ? 'running' : 'rolledBack', name)
    }
  })

  it('does not roll back for a criterion that is unknown', () => {
    const phase = phaseOf(0, 'canary', 0.05, {
      ifNotMet: { kind: 'rollback', afterMs: 0 },
      promoteWhen: [{ kind: 'condition', id: 'c', condition: metricTerm('ok') }],
    })
    const run = new Runner(planOf({ phases: [phase] })).settle()
    run.evidence.set('ok', { met: 'unknown' })
    run.at(hour)
    assert.equal(run.state.lifecycle.kind, 'running')
  })

  it('goes back when a comparison is shown harmful, and prints the policy when it goes on', () => {
    const condition = {
      ...metricTerm('cmp'),
      limit: { kind: 'reference', reference: 'baseline', multiple: 1, plus: 0.005, plusRelative: 0 },
    } as const
    const plan = planOf({
      phases: [
        phaseOf(0, 'canary', 0.05, { promoteWhen: [{ kind: 'condition', id: 'c', condition }] }),
        phaseOf(1, 'all', 1),
      ],
    })
    const bad = new Runner(plan).settle()
    bad.evidence.set('cmp', { met: 'no', verdict: 'harmful' })
    bad.at(minute)
    assert.equal(bad.state.lifecycle.kind, 'rolledBack')
    assert.match(bad.find('RollbackStarted')[0]?.because ?? '', /harmful: cmp/)
    const good = new Runner(plan).settle()
    good.evidence.set('cmp', { met: 'yes', verdict: 'undecided' })
    good.at(minute)
    assert.deepEqual(good.find('PhasePromoted')[0]?.because, ['cmp (not shown harmful)'])
  })

  it('freezes instead of going back when a comparison is harmful and the hand can only rise (B-033, CB-14)', () => {
    const play = { id: 'googlePlay:p', kind: 'googlePlay', role: 'splitter', canLower: false, options: {} } as const
    const compared = {
      ...metricTerm('cmp'),
      limit: { kind: 'reference', reference: 'baseline', multiple: 1, plus: 0, plusRelative: 0 },
    } as ReturnType<typeof metricTerm>
    const plan = planOf({
      hands: [play],
      phases: [
        phaseOf(0, 'day-0', 0.2, { promoteWhen: [{ kind: 'condition', id: 'c', condition: compared }] }),
        phaseOf(1, 'day-1', 1),
      ],
    })
    const run = new Runner(plan).settle()
    run.evidence.set('cmp', { met: 'no', verdict: 'harmful' })
    run.at(minute).at(2 * minute)
    assert.deepEqual(
      run.find('Halted').map(event => event.because),
      ['shown harmful: cmp'],
    )
    assert.equal(run.state.lifecycle.kind, 'running')
    assert.equal(run.status?.exposure, 0.2)
    run.evidence.set('cmp', { met: 'yes', verdict: 'undecided' })
    run.at(3 * minute)
    assert.equal(run.status?.exposure, 0.2)
    run.act({ type: 'resume' })
    run.settle()
    assert.equal(run.status?.exposure, 1)
  })

  it('opens the tasks of a day when the day begins, the first at once, and repeats the others (P-056, S-008)', () => {
    const day = 24 * hour
    const during = [
      stepOf('first', { verb: 'confirm', sentence: 'first' }, { days: { from: 1, to: 2 } }),
      stepOf('third', { verb: 'confirm', sentence: 'third' }, { days: { from: 3, to: 3 } }),
      stepOf('daily', { verb: 'run', command: 'verify' }, { everyMs: day }),
    ]
    const run = new Runner(planOf({ phases: [phaseOf(0, 'shadow', 0.1, { holdMs: 7 * day, during })] })).settle()
    const opened = (): readonly string[] => run.find('GateOpened').map(event => event.step)
    assert.deepEqual(opened(), ['first'])
    assert.equal(run.wakeAt, hour, 'the first reminder')
    run.at(day)
    assert.equal(run.find('StepStarted').filter(event => event.step === 'daily').length, 1)
    run.at(2 * day)
    assert.deepEqual(opened(), ['first', 'third'])
    assert.deepEqual(
      run.find('AlertRaised').map(event => event.alert),
      ['deadline.first'],
    )
    run.at(7 * day)
    assert.equal(run.state.lifecycle.kind, 'running')
  })

  it('asks a person every day again, once the answer of the day before is there', () => {
    const day = 24 * hour
    const during = [stepOf('daily', { verb: 'confirm', sentence: 'health is good' }, { everyMs: day })]
    const run = new Runner(planOf({ phases: [phaseOf(0, 'all', 0.1, { holdMs: 7 * day, during })] })).settle()
    for (const passed of [1, 2, 3]) {
      run.at(passed * day)
      assert.equal(run.find('GateOpened').length, passed)
      assert.equal(run.act({ type: 'confirm', step: 'daily', evidence: null }).ok, true)
      run.settle()
      assert.equal(run.find('StepEnded').length, passed)
    }
    run.at(4 * day)
    run.at(5 * day)
    assert.equal(run.find('GateOpened').length, 4, 'what nobody answered is not asked twice')
  })

  it('reminds of a gate nobody answers after 1 h, 4 h and then daily, and tells of it as when it was asked', () => {
    const before = [stepOf('before.0', { verb: 'approve', role: 'cto', count: 1 })]
    const notices = { asked: [{ template: 'please', to: ['ops'], priority: null }] }
    const run = new Runner(planOf({ before, notices })).settle()
    const reminders = (): readonly number[] => run.find('GateReminded').map(event => event.times)
    const told = (): number => run.find('StepStarted').filter(event => event.step === 'notify.asked.please').length
    assert.deepEqual([reminders(), told(), run.wakeAt], [[], 1, hour])
    run.at(hour)
    run.at(4 * hour)
    run.at(24 * hour)
    assert.deepEqual([reminders(), told(), run.wakeAt], [[1, 2, 3], 4, 48 * hour])
    run.at(30 * 24 * hour)
    assert.deepEqual([reminders().length, told()], [4, 5], 'what was missed comes once')
    run.act({ type: 'approve', step: 'before.0', role: null }, { by: 'cto', roles: ['cto'] })
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'running')
  })

  it('waits for a person to close an open phase', () => {
    const run = new Runner(planOf({ phases: [phaseOf(0, 'all', 1, { holdMs: null })] })).settle()
    run.at(hour)
    assert.deepEqual(run.waits(), ['close'])
    assert.equal(run.act({ type: 'close' }).ok, true)
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'completed')
  })

  it('retries a raise for five minutes, then takes everybody back', () => {
    const run = new Runner(planOf())
    run.handsFollow = false
    run.at(0)
    run.hands = {
      'flag:a': { generation: 1, share: 0, reached: false, floor: 0, readings: 1, at: 0, problem: 'refused' },
    }
    run.at(5 * minute - 1)
    assert.deepEqual(run.waits(), ['exposure'])
    run.at(5 * minute)
    assert.match(run.find('RollbackStarted')[0]?.because ?? '', /"flag:a" could not be raised within 5m: refused/)
  })
})

describe('gates', () => {
  it('exposes nobody before every gate is done, in order (E-020, C-052)', () => {
    const plan = planOf({
      before: [
        stepOf('before.0', { verb: 'run', command: 'npm test' }),
        stepOf('before.1', { verb: 'approve', role: 'release-managers', count: 2 }),
        stepOf('before.2', { verb: 'confirm', sentence: 'done' }, { by: 'sre' }),
      ],
    })
    const run = new Runner(plan).settle()
    assert.deepEqual(run.waits(), ['step'])
    run.finish('before.0')
    assert.deepEqual(run.waits(), ['approval'])
    assert.equal(
      run.act({ type: 'approve', step: null, role: null }, { by: 'ann', roles: ['release-managers'] }).ok,
      true,
    )
    assert.equal(
      run.act({ type: 'approve', step: null, role: null }, { by: 'ann', roles: ['release-managers'] }).ok,
      false,
      'four eyes are two people',
    )
    assert.equal(run.act({ type: 'approve', step: null, role: null }, { by: 'bob', roles: ['dev'] }).ok, false)
    run.settle()
    assert.deepEqual(run.waits(), ['approval'])
    run.act({ type: 'approve', step: null, role: null }, { by: 'bob', roles: ['release-managers'] })
    run.settle()
    assert.deepEqual(run.waits(), ['confirmation'])
    assert.equal(run.status?.exposure, 0)
    run.act({ type: 'confirm', step: 'before.2', evidence: null }, { by: 'eve', roles: ['sre'] })
    run.settle()
    assert.equal(run.status?.exposure, 0.05)
  })

  it('stops at a failed gate until it is repaired; it cannot be skipped', () => {
    const run = new Runner(planOf({ before: [stepOf('before.0', { verb: 'run', command: 'npm test' })] })).settle()
    run.finish('before.0', 'failed')
    assert.deepEqual(run.waits(), ['retryOrSkip'])
    assert.equal(run.act({ type: 'skip', step: 'before.0' }).ok, false)
    assert.equal(run.act({ type: 'retry', step: 'before.0' }).ok, true)
    run.settle().finish('before.0')
    assert.equal(run.status?.exposure, 0.05)
  })

  it('works on a checklist in any order and leaves out what the labels exclude', () => {
    const items = [
      stepOf('i.0', { verb: 'confirm', sentence: 'a' }),
      stepOf('i.1', { verb: 'confirm', sentence: 'b' }),
      stepOf('i.2', { verb: 'confirm', sentence: 'c' }, { when: [{ label: 'important', present: true }] }),
      stepOf('i.3', { verb: 'confirm', sentence: 'd' }, { optional: true }),
    ]
    const run = new Runner(
      planOf({ before: [stepOf('before.0', { verb: 'checklist', checklist: 'x', items })] }),
    ).settle()
    assert.deepEqual(run.waits(), ['confirmation', 'confirmation', 'confirmation'])
    run.act({ type: 'confirm', step: 'i.1', evidence: null })
    run.act({ type: 'confirm', step: 'i.0', evidence: null })
    run.settle()
    assert.equal(run.status?.exposure, 0.05)
  })

  it('judges what a step expects of its output', () => {
    const rows = [
      [{ kind: 'rows' }, { rows: 1 }, true],
      [{ kind: 'rows' }, { rows: 0 }, false],
      [{ kind: 'noRows' }, { rows: 0 }, true],
      [{ kind: 'status', status: 200 }, { status: 200 }, true],
      [{ kind: 'status', status: 200 }, { status: 503 }, false],
      [{ kind: 'compare', field: 'count', op: '=', value: 0 }, { fields: { count: 0 } }, true],
      [{ kind: 'compare', field: 'count', op: '=', value: 0 }, { fields: { count: 2 } }, false],
      [{ kind: 'compare', field: 'count', op: '=', value: 0 }, { fields: {} }, false],
      [{ kind: 'text', text: 'stopped' }, { text: 'old: stopped' }, true],
      [{ kind: 'text', text: 'stopped' }, { text: 'old: online' }, false],
    ] as const
    for (const [expect, output, isMet] of rows) {
      const run = new Runner(
        planOf({ before: [stepOf('before.0', { verb: 'http', method: 'GET', url: 'a/b' }, { expect })] }),
      ).settle()
      run.finish('before.0', 'succeeded', output)
      assert.equal(run.status?.exposure === 0.05, isMet, JSON.stringify([expect, output]))
    }
  })

  it('lets a result of an older run of a step count for nothing', () => {
    const run = new Runner(planOf({ before: [stepOf('before.0', { verb: 'run', command: 'x' })] })).settle()
    run.results.push({ slot: 'before.0#0', outcome: 'succeeded', detail: null, output: null, at: 0 })
    run.settle()
    assert.deepEqual(run.waits(), ['step'])
  })
})

describe('rules', () => {
  it('rolls back now, from any state of a running release (T-011, T-001)', () => {
    const rows: [string, (run: Runner) => void][] = [
      ['holding', () => {}],
      ['paused', run => run.act({ type: 'pause' })],
      ['at a gate of the next phase', run => run.at(minute)],
    ]
    for (const [name, prepare] of rows) {
      const plan = planOf({
        rules: [ruleOf('Error Rate Spike', { kind: 'now' })],
        phases: [
          phaseOf(0, 'canary', 0.05),
          phaseOf(1, 'all', 1, { before: [stepOf('g', { verb: 'approve', role: 'r', count: 1 })] }),
        ],
      })
      const run = new Runner(plan).settle()
      prepare(run)
      run.evidence.meets('Error Rate Spike')
      run.at(minute + 10_000)
      assert.equal(run.state.lifecycle.kind, 'rolledBack', name)
      assert.equal(run.find('RollbackStarted')[0]?.because, 'Error Rate Spike', name)
      assert.equal(levelOf(run.state.exposure.desired), 0, name)
    }
  })

  it('starts nothing while a now-rule is met', () => {
    const run = new Runner(planOf({ rules: [ruleOf('r', { kind: 'now' })] }))
    run.evidence.meets('r')
    run.at(0)
    assert.deepEqual(run.waits(), ['rule'])
    assert.equal(run.status?.exposure, 0)
    run.evidence.set('r', { met: 'no' })
    run.at(1)
    assert.equal(run.status?.exposure, 0.05)
  })

  it('brings users back before the deadline of "rollback within 1h", by what lowering takes (T-031, CA-51)', () => {
    const plan = planOf({
      rules: [ruleOf('High', { kind: 'within', ms: hour })],
      phases: [phaseOf(0, 'all', 1, { holdMs: 100 * hour })],
      rollback: [
        stepOf(
          'rollback.0',
          { verb: 'do', steps: [stepOf('rollback.0.do.0', { verb: 'expose', share: 0 })] },
          { takesMs: 5 * minute },
        ),
      ],
    })
    const run = new Runner(plan).settle()
    run.evidence.meets('High')
    run.at(minute)
    run.evidence.set('High', { met: 'no' })
    run.at(55 * minute)
    assert.equal(
      run.state.lifecycle.kind,
      'running',
      'clearing alone undoes nothing, 55 minutes after the breach are not over',
    )
    run.at(56 * minute)
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
  })

  it('lets a person cancel a latched rollback, with a reason', () => {
    const run = new Runner(
      planOf({
        rules: [ruleOf('High', { kind: 'within', ms: hour })],
        phases: [phaseOf(0, 'all', 1, { holdMs: 100 * hour })],
      }),
    ).settle()
    run.evidence.meets('High')
    run.at(minute)
    assert.equal(run.act({ type: 'cancel', rule: 'High' }, { why: null }).ok, false)
    assert.equal(run.act({ type: 'cancel', rule: 'High' }, { why: 'a test load' }).ok, true)
    run.at(3 * hour)
    assert.equal(run.state.lifecycle.kind, 'running')
  })

  it('asks, blocks promotion, and falls to the declared default when nobody answers (T-035)', () => {
    for (const otherwise of ['rollback', 'continue'] as const) {
      const run = new Runner(
        planOf({ rules: [ruleOf('Medium', { kind: 'decide', ms: 24 * hour, otherwise })] }),
      ).settle()
      run.evidence.meets('Medium')
      run.at(minute)
      assert.equal(run.find('DecisionAsked')[0]?.deadline, minute + 24 * hour)
      run.at(2 * hour)
      assert.equal(run.status?.exposure, 0.05)
      assert.ok(run.waits().includes('decision'))
      run.at(minute + 24 * hour)
      assert.equal(run.find('DecisionAnswered')[0]?.by, null)
      if (otherwise === 'rollback')
        assert.equal(run.find('RollbackStarted')[0]?.because, 'no answer within 24h to "Medium"')
      else assert.equal(run.status?.exposure, 0.5)
    }
  })

  it('lets a stronger rule overtake an open question, and records both (CA-48)', () => {
    const run = new Runner(
      planOf({
        rules: [
          ruleOf('Medium', { kind: 'decide', ms: 24 * hour, otherwise: 'continue' }),
          ruleOf('Critical', { kind: 'now' }),
        ],
      }),
    ).settle()
    run.evidence.meets('Medium')
    run.at(1000)
    run.evidence.meets('Critical')
    run.at(2000)
    assert.deepEqual(
      run.find('TriggerFired').map(event => event.rule),
      ['Medium', 'Critical'],
    )
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
    assert.deepEqual(run.state.decisions, {})
  })

  it('freezes on halt and only holds promotion on hold', () => {
    const halted = new Runner(planOf({ rules: [ruleOf('r', { kind: 'halt' })] })).settle()
    halted.evidence.meets('r')
    halted.at(10_000)
    assert.deepEqual(halted.waits(), ['hold', 'halted'], 'told before the hold is over')
    halted.evidence.set('r', { met: 'no' })
    halted.at(hour)
    assert.ok(halted.waits().includes('halted'))
    const held = new Runner(planOf({ rules: [ruleOf('r', { kind: 'hold' })] })).settle()
    held.evidence.meets('r')
    held.at(hour)
    assert.ok(held.waits().includes('rule'))
    held.evidence.set('r', { met: 'no' })
    held.at(2 * hour)
    assert.equal(held.status?.exposure, 0.5)
  })

  it('tells that a sustained rule is pending, and when it would fire', () => {
    const run = new Runner(planOf({ rules: [ruleOf('r', { kind: 'now' })] })).settle()
    run.evidence.set('r', { met: 'no', holds: 'yes', trueSince: 10_000, metAt: 130_000 })
    run.at(20_000)
    assert.deepEqual(
      run.find('TriggerPending').map(event => [event.since, event.firesAt]),
      [[10_000, 130_000]],
    )
    run.evidence.set('r', { met: 'no', holds: 'no' })
    run.at(30_000)
    assert.equal(run.find('TriggerCleared').length, 1)
  })

  it('fires on what a person reports, with who and why (T-059, T-015)', () => {
    const condition = {
      kind: 'reported',
      id: 's',
      text: 'data_loss reported',
      signal: 'data_loss',
      not: false,
      span: null,
    } as const
    const run = new Runner(planOf({ rules: [ruleOf('r', { kind: 'now' }, [condition])] })).settle()
    assert.equal(run.act({ type: 'report', signal: 'data_lost' }).ok, false)
    assert.equal(run.act({ type: 'report', signal: 'data_loss' }, { why: null }).ok, false)
    assert.equal(run.act({ type: 'report', signal: 'data_loss' }, { why: 'rows are gone' }).ok, true)
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
  })
})

describe('rolling back', () => {
  const steps = [
    stepOf(
      'rollback.0',
      {
        verb: 'do',
        steps: [
          stepOf('rollback.0.do.0', { verb: 'http', method: 'PUT', url: 'x/stop' }),
          stepOf('rollback.0.do.1', { verb: 'expose', share: 0 }),
        ],
      },
      { withinMs: 5 * minute },
    ),
    stepOf('rollback.1', { verb: 'run', command: 'restore' }, { withinMs: 15 * minute }),
    stepOf('rollback.2', { verb: 'confirm', sentence: 'checked' }),
  ]

  it('lowers at once, in front of every step of the runbook', () => {
    const run = new Runner(planOf({ rollback: steps })).settle()
    run.act({ type: 'rollback', runbook: null })
    assert.equal(levelOf(run.state.exposure.desired), 0)
    run.settle()
    assert.equal(run.status?.exposure, 0)
    assert.equal(run.state.lifecycle.kind, 'rollingBack')
  })

  it('retries a failing step until its deadline, pages, goes on with the next, and ends incomplete', () => {
    const run = new Runner(planOf({ rollback: steps })).settle()
    run.act({ type: 'rollback', runbook: null })
    run.settle().finish('rollback.0.do.0')
    for (let at = 0; at < 16 * minute; at += 30_000) run.at(at).finish('rollback.1', 'failed')
    assert.equal(run.find('RunbookStepFailed').length, 1)
    assert.ok(run.find('StepStarted').filter(event => event.step === 'rollback.1').length > 10)
    run.act({ type: 'confirm', step: 'rollback.2', evidence: null })
    run.settle()
    assert.deepEqual(run.state.lifecycle.kind === 'rolledBack' && run.state.lifecycle.complete, false)
    run.act({ type: 'retry', step: 'rollback.1' })
    run.settle()
    const begun = run.find('StepStarted').filter(event => event.step === 'rollback.1')
    assert.equal(begun[0]?.command?.expiresAt, 15 * minute)
    assert.equal(begun.at(-1)?.command?.expiresAt, null, 'what begins after its deadline is not born expired')
    run.finish('rollback.1')
    assert.deepEqual(run.state.lifecycle.kind === 'rolledBack' && run.state.lifecycle.complete, true)
  })

  it('is not over before every hand was read at its floor twice', () => {
    const run = new Runner(planOf()).settle()
    run.act({ type: 'abort' })
    run.handsFollow = false
    const generation = run.state.exposure.generation
    const reading = { share: 0, reached: true, floor: 0, at: 0, problem: null }
    run.hands = { 'flag:a': { ...reading, generation: generation - 1, readings: 9 } }
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rollingBack', 'a reading of an older generation counts for nothing')
    run.hands = { 'flag:a': { ...reading, generation, readings: 1 } }
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rollingBack')
    run.hands = { 'flag:a': { ...reading, generation, readings: 2 } }
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
  })

  it('ends contained when a hand cannot go down', () => {
    const play = { id: 'googlePlay:p', kind: 'googlePlay', role: 'splitter', canLower: false, options: {} } as const
    const run = new Runner(planOf({ hands: [play] })).settle()
    run.act({ type: 'rollback', runbook: null })
    run.handsFollow = false
    run.hands = {
      'googlePlay:p': {
        generation: run.state.exposure.generation,
        share: 0.05,
        reached: true,
        floor: 0.05,
        readings: 2,
        at: 0,
        problem: null,
      },
    }
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'contained')
  })

  it('uses the other runbook after an irreversible step, in its own order', () => {
    const plan = planOf({
      phases: [
        phaseOf(0, 'half', 0.5),
        phaseOf(1, 'all', 1, { before: [stepOf('g', { verb: 'run', command: 'drop' }, { irreversible: 'restore' })] }),
      ],
      rollback: [stepOf('rollback.0', { verb: 'expose', share: 0 })],
      runbooks: {
        restore: [
          stepOf('runbooks.restore.0', { verb: 'confirm', sentence: 'old version is up' }),
          stepOf('runbooks.restore.1', { verb: 'expose', share: 0 }),
        ],
      },
    })
    const run = new Runner(plan).settle()
    run.at(minute).finish('g')
    assert.equal(run.status?.exposure, 1)
    run.act({ type: 'rollback', runbook: null })
    run.settle()
    assert.equal(levelOf(run.state.exposure.desired), 1, 'the old version is gone: nobody is sent there yet')
    run.act({ type: 'confirm', step: 'runbooks.restore.0', evidence: null })
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
  })

  it('lets a person skip a failed step of a runbook started by hand, while the release goes on', () => {
    const runbooks = {
      tidy: [
        stepOf('runbooks.tidy.0', { verb: 'run', command: 'clean' }, { onFail: { kind: 'ask', role: 'sre' } }),
        stepOf('runbooks.tidy.1', { verb: 'confirm', sentence: 'looked at it' }),
      ],
    }
    const run = new Runner(planOf({ runbooks })).settle()
    run.act({ type: 'startRunbook', runbook: 'tidy' })
    run.settle().finish('runbooks.tidy.0', 'failed')
    assert.ok(run.waits().includes('retryOrSkip'))
    assert.equal(run.act({ type: 'skip', step: 'runbooks.tidy.0' }).ok, true)
    run.settle()
    assert.equal(run.state.steps['runbooks.tidy.0']?.status, 'skipped')
    assert.ok(run.waits().includes('confirmation'))
    assert.equal(run.state.lifecycle.kind, 'running')
  })

  it('opens follow-ups that block nothing and stay answerable (R-037)', () => {
    const run = new Runner(
      planOf({
        followUp: [stepOf('followUp.0', { verb: 'confirm', sentence: 'cause found' }, { withinMs: 24 * hour })],
      }),
    ).settle()
    run.act({ type: 'abort' })
    run.settle()
    assert.equal(run.state.lifecycle.kind, 'rolledBack')
    assert.equal(run.find('FollowUpOpened')[0]?.deadline, 24 * hour)
    run.at(24 * hour)
    assert.ok(run.find('AlertRaised').some(event => event.alert === 'deadline.followUp.0'))
    assert.equal(run.act({ type: 'confirm', step: 'followUp.0', evidence: null }).ok, true)
  })
})

describe('people', () => {
  it('refuses who acts on a stale sight: two promotes on one sight promote one phase', () => {
    const run = new Runner(
      planOf({
        phases: [phaseOf(0, 'a', 0.1, { holdMs: hour }), phaseOf(1, 'b', 0.5, { holdMs: hour }), phaseOf(2, 'c', 1)],
      }),
    ).settle()
    const { seq } = run.state
    assert.equal(run.act({ type: 'promote' }, { by: 'ann', seq, phase: 'a' }).ok, true)
    run.settle()
    const second = run.act({ type: 'promote' }, { by: 'bob', seq, phase: 'a' })
    assert.equal(second.ok ? '' : second.refusal.code, 'conflict')
    assert.equal(run.status?.exposure, 0.5)
  })

  it('lets promote override a hold, never a gate and never a met now-rule', () => {
    const run = new Runner(
      planOf({
        rules: [ruleOf('r', { kind: 'now' })],
        before: [stepOf('g', { verb: 'approve', role: 'x', count: 1 })],
      }),
    ).settle()
    assert.equal(run.act({ type: 'promote' }).ok, false)
    run.act({ type: 'approve', step: null, role: 'x' })
    run.settle()
    run.evidence.meets('r')
    assert.equal(run.act({ type: 'promote' }).ok, false)
  })

  it('tells the same channels whether a person or a rule began the rollback (A-049)', () => {
    const notices = { rollbackStarted: [{ template: 'back', to: ['incidents'], priority: 'high' }] }
    const run = new Runner(planOf({ notices })).settle()
    run.act({ type: 'rollback', runbook: null }, { why: 'users cannot book' })
    const [notice] = run.find('StepStarted').filter(event => event.step === 'notify.rollbackStarted.back')
    assert.deepEqual(
      notice?.command?.effect.kind === 'notify' && [notice.command.effect.to, notice.command.effect.values.reason],
      [['incidents'], 'users cannot book'],
    )
    run.settle()
    assert.equal(run.find('StepStarted').filter(event => event.step === 'notify.rollbackStarted.back').length, 1)
  })

  it('records how each criterion stood when a person promoted over it', () => {
    const criterion = { kind: 'condition', id: 'c', condition: metricTerm('ok') } as const
    const run = new Runner(
      planOf({ phases: [phaseOf(0, 'canary', 0.05, { promoteWhen: [criterion] }), phaseOf(1, 'all', 1)] }),
    ).settle()
    run.evidence.set('ok', { met: 'no', holds: 'no' })
    run.act({ type: 'promote' })
    assert.deepEqual(run.find('PhasePromoted')[0]?.because, ['ok (not met)'])
  })

  it('pauses raising, not watching, and refuses to go on after the end', () => {
    const run = new Runner(planOf()).settle()
    run.act({ type: 'pause' })
    run.at(hour)
    assert.equal(run.status?.exposure, 0.05)
    run.act({ type: 'resume' })
    run.at(hour + minute)
    assert.equal(run.status?.exposure, 0.5)
    run.act({ type: 'abort' })
    run.settle()
    for (const type of ['promote', 'pause', 'resume', 'abort'] as const) assert.equal(run.act({ type }).ok, false, type)
  })
})
