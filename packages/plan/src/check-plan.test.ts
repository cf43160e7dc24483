import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalJson, canonicalPlanJson } from './canonical-json.ts'
import { checkPlan, compilePlan } from './check-plan.ts'
import type { CompiledPlan, Condition, Step, Term } from './compiled-plan.ts'
import { parsePlanDocuments } from './plan-documents.ts'
import { renderProblem } from './problem.ts'
import { compileDraft, compileGood, compileText, draftFiles, parseDrafts, writePlan } from './testing/plan-texts.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function termsOf(condition: Condition): readonly Term[] {
  return condition.kind === 'all' || condition.kind === 'any' ? condition.of.flatMap(termsOf) : [condition]
}

function stepsOf(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap(step => {
    const { action } = step
    const inside = action.verb === 'do' ? action.steps : action.verb === 'checklist' ? action.items : []
    return [step, ...stepsOf(inside)]
  })
}

/** `text -> limit` of every condition of a phase's own criteria. */
function criteriaOf(plan: CompiledPlan, phase: string): readonly string[] {
  const found = plan.phases.find(({ name }) => name === phase)
  return (found?.promoteWhen ?? []).map(criterion =>
    criterion.kind === 'condition' ? criterion.condition.text : criterion.step.name,
  )
}

describe('the five plans of the documents', () => {
  it('compile with every strategy and without a problem', () => {
    const check = checkPlan(parseDrafts())
    assert.deepEqual(
      check.problems.map(problem => renderProblem(problem, 'en')),
      [],
    )
    assert.deepEqual(
      check.plans.map(({ name, strategies }) => [name, ...strategies]),
      [
        ['bookmarks', 'minor', 'major', 'patch'],
        ['mamapace-push'],
        ['mamapace-android'],
        ['property-listing-sync'],
        ['triptrip-android'],
        ['triptrip-api', 'argo-progressive', 'gha-canary', 'hotfix'],
      ],
    )
  })

  it('keep the triggers of TripTrip literally (T-011 T-012 T-013 T-014 T-015)', () => {
    const plan = compileDraft('triptrip-api')
    const rules = plan.rules
      .filter(({ phase }) => phase === null)
      .map(({ name, anyOf, consequence }) => [name, anyOf.map(({ text }) => text).join(' | '), consequence])
    assert.deepEqual(rules, [
      ['Error Rate Spike', 'error_rate > 5% for 2m', { kind: 'now' }],
      ['Latency Degradation', 'p99_latency > 5000ms for 5m', { kind: 'now' }],
      ['Health Check Failures', 'health_check_failures > 3 in 1m', { kind: 'now' }],
      ['Crash Loop', 'pod_restarts > 5 in 5m', { kind: 'now' }],
      [
        '手動ロールバック判断',
        'user_failures reported | business_drop reported | vulnerability reported | data_problem reported',
        { kind: 'decide', ms: minute, otherwise: 'rollback' },
      ],
    ])
    const [spike] = termsOf(plan.rules[0]!.anyOf[0]!)
    assert.deepEqual(spike, {
      kind: 'metric',
      id: 'rollbackWhen.0.if.0.0',
      text: 'error_rate > 5% for 2m',
      metric: 'error_rate',
      overMs: null,
      op: '>',
      limit: { kind: 'amount', value: 0.05 },
      span: { kind: 'for', ms: 2 * minute },
    })
  })

  it('choose the strategy by name, by release type, else the default one (CA-04)', () => {
    const documents = parseDrafts()
    const choose = (choice: { strategy?: string; releaseType?: string }) => {
      const result = compilePlan(documents, { plan: 'triptrip-api', ...choice })
      return result.ok ? result.plan.strategy : result.problems[0]?.code
    }
    assert.equal(choose({}), 'argo-progressive')
    assert.equal(choose({ strategy: 'gha-canary' }), 'gha-canary')
    assert.equal(choose({ releaseType: 'hotfix' }), 'hotfix')
    assert.equal(choose({ releaseType: 'regular' }), 'argo-progressive')
    assert.equal(choose({ strategy: 'hotfx' }), 'unknown-strategy')
    assert.equal(choose({ releaseType: 'hotfx' }), 'unknown-release-type')
  })

  it('add what a strategy says to the plan, and take nothing away (C-052 C-053 H-004 H-010)', () => {
    const [plan, hotfix] = [compileDraft('triptrip-api'), compileDraft('triptrip-api', 'hotfix')]
    const names = (steps: readonly Step[]) => steps.map(({ id, name }) => `${id} ${name}`)
    assert.deepEqual(names(hotfix.before).slice(0, plan.before.length), names(plan.before))
    assert.deepEqual(names(hotfix.before).slice(plan.before.length), [
      'strategies.hotfix.before.0 checklist triptrip-hotfix',
      'strategies.hotfix.before.1 approve tech-lead',
    ])
    assert.ok(
      plan.rules.filter(({ phase }) => phase === null).every(rule => hotfix.rules.some(({ id }) => id === rule.id)),
    )
  })

  it('give each phase the criteria of plan, strategy and phase, with an id of its own (M-027 M-028)', () => {
    const plan = compileDraft('triptrip-api')
    assert.deepEqual(
      plan.phases.map(({ name, promoteWhen }) => [name, ...promoteWhen.map(({ id }) => id)]).slice(0, 2),
      [
        ['canary', 'phases.canary.promoteWhen.strategy.0', 'phases.canary.promoteWhen.strategy.1'],
        ['early', 'phases.early.promoteWhen.strategy.0', 'phases.early.promoteWhen.strategy.1'],
      ],
    )
    const [criterion] = plan.phases[0]!.promoteWhen
    const [term] = criterion?.kind === 'condition' ? termsOf(criterion.condition) : []
    assert.deepEqual(term?.kind === 'metric' && [term.overMs, term.limit], [
      5 * minute,
      { kind: 'reference', reference: 'baseline', multiple: 1, plus: 0.005, plusRelative: 0 },
    ])
  })

  it('copy the own items of an earlier phase for "same as" (M-042 M-044 P-130)', () => {
    const plan = compileDraft('triptrip-api')
    const ofPhase = (index: number) =>
      plan.rules.filter(({ phase }) => phase === index).map(({ id, name }) => [id, name])
    assert.deepEqual(ofPhase(2), [
      ['phases.half.rollbackWhen.0', 'success-rate'],
      ['phases.half.rollbackWhen.1', 'latency-p99'],
    ])
    assert.deepEqual(criteriaOf(compileDraft('bookmarks', 'minor'), 'half'), [
      'http_5xx < 0.1%',
      'p95 < baseline + 20%',
      'llm_cost < baseline + 50%',
      'smoke passed',
    ])
    assert.deepEqual(criteriaOf(compileDraft('triptrip-android'), 'day-6'), [
      'crash_free_rate >= 99.5%',
      'anr_rate < 0.1%',
      '評価トレンドが安定（rating_trend stable）',
      'レビューに重大な問題なし（no_critical_issues）',
      'retention_rate >= baseline',
      'ビジネス指標の劣化なし（no_degradation）',
    ])
  })

  it('expose cumulatively: whoever is in stays in (P-003 P-015 P-016 P-036 CA-27 CA-28)', () => {
    const push = compileDraft('mamapace-push')
    const mix = { region: { 東京: 0.5, 大阪: 0.2, その他: 0.3 }, userType: { 新規: 0.3, 既存: 0.7 } }
    const alpha = { segment: 'alpha-testers', share: 1, mix: null }
    const beta = { segment: 'active-users', share: 0.15, mix }
    assert.deepEqual(
      push.phases.slice(0, 3).map(({ exposure }) => exposure),
      [
        { share: 0, cohorts: [alpha], shadow: false },
        { share: 0, cohorts: [alpha, beta], shadow: false },
        { share: 0.25, cohorts: [alpha, beta], shadow: false },
      ],
    )
    assert.deepEqual(push.segments['alpha-testers']?.size, 18)
    assert.deepEqual(compileDraft('property-listing-sync').phases[0]?.exposure, { share: 0, cohorts: [], shadow: true })
  })

  it('embed calendar and escalation with times in milliseconds (C-018 C-024 C-025 C-032 A-044)', () => {
    const { calendar, escalation, labels } = compileDraft('triptrip-api')
    assert.deepEqual(calendar?.train, { freeze: 'Wed', staging: 'Thu', release: 'Tue', atMs: 10 * hour })
    assert.deepEqual(calendar?.maintenance[0]?.when, {
      kind: 'weekly',
      weekday: 'Sun',
      fromMs: 2 * hour,
      toMs: 6 * hour,
    })
    assert.deepEqual(calendar?.blocked[0]?.when, { kind: 'yearly', from: '12-28', to: '01-04' })
    assert.deepEqual([escalation?.levels[0]?.respondWithinMs, escalation?.levels[0]?.nextMs], [5 * minute, 15 * minute])
    assert.ok(labels.includes('important') && labels.includes('hotfix') && labels.includes('api-change'))
    const { calendar: bookmarks } = compileDraft('bookmarks')
    assert.deepEqual(bookmarks?.open, {
      minor: { weekday: 'Fri', fromMs: 20 * hour, toMs: 23 * hour + 59 * minute },
      major: 'any',
      patch: 'any',
    })
    assert.deepEqual(bookmarks?.blocked[0]?.reasons, ['cve', 'service-stop', 'external-change'])
  })

  it('flatten checklists and keep the heading of each item (C-057 C-062)', () => {
    const push = compileDraft('mamapace-push')
    const { action } = push.before[1]!
    const items = action.verb === 'checklist' ? action.items : []
    assert.deepEqual(items.map(({ id, group }) => [id, group])[5], ['before.1.items.1.items.0', 'インフラ準備'])
    assert.deepEqual(items[0]?.expect, { kind: 'compare', field: 'coverage', op: '>=', value: 0.9 })
    assert.deepEqual(
      [items[0]?.name, items[0]?.action],
      ['単体テスト完了', { verb: 'run', command: 'npm test -- --coverage' }],
    )
  })

  it('make alerts of the levels of metrics that name channels (M-009 M-010 M-011 K-001)', () => {
    const push = compileDraft('mamapace-push')
    const alerts = push.alerts
      .filter(({ id }) => id.startsWith('metrics.delivery_success.'))
      .map(({ id, severity, name, to }) => [id, severity, name, to])
    assert.deepEqual(alerts, [
      ['metrics.delivery_success.warn.alert', 'warning', 'delivery_success < 95%', ['email', 'slack']],
      ['metrics.delivery_success.critical.alert', 'critical', 'delivery_success < 90%', ['email', 'slack']],
    ])
    const levels = push.metrics['edge_invocations']?.levels
    const [warn] = levels?.warn ? termsOf(levels.warn) : []
    assert.deepEqual(warn?.kind === 'metric' && [warn.limit, warn.span], [
      { kind: 'amount', value: 1000 },
      { kind: 'in', ms: minute },
    ])
  })

  it('read metrics with units, sources, intervals and baselines (M-052 M-080 CA-36 CA-50)', () => {
    const { metrics } = compileDraft('property-listing-sync')
    assert.deepEqual([metrics['sync_time']?.unit, metrics['sync_time']?.everyMs], ['time', null])
    assert.deepEqual(
      [metrics['resources']?.unit, metrics['resources']?.everyMs, metrics['resources']?.measure],
      ['percent', minute, { kind: 'highest', of: ['cpu', 'memory', 'disk', 'network'] }],
    )
    const push = compileDraft('mamapace-push')
    assert.deepEqual(push.metrics['inquiries']?.baseline, { kind: 'meanOf', spanMs: 28 * day })
    assert.deepEqual(push.metrics['critical_bugs']?.measure, {
      kind: 'count',
      series: { name: 'bugs', labels: { severity: 'critical' } },
    })
    assert.deepEqual(compileDraft('bookmarks').metrics['p95']?.baseline, { kind: 'sameTime', agoMs: 7 * day })
    const trip = compileDraft('triptrip-api').metrics
    assert.deepEqual(trip['p99_latency']?.measure, {
      kind: 'quantile',
      quantile: 0.99,
      series: { name: 'triptrip.http.request.duration{track:$arm}', labels: {} },
    })
  })

  it('read the runbook with its deadlines, its failures and its way back (R-002 R-063 R-070 P-105 CA-51)', () => {
    const listing = compileDraft('property-listing-sync')
    assert.deepEqual(
      listing.rollback.map(({ name, takesMs }) => [name, (takesMs ?? 0) / minute]),
      [
        ['トラフィックの切り戻し', 5],
        ['データの検証', 15],
        ['ロールバックスクリプトの実行', 30],
        ['システムの検証', 15],
      ],
    )
    const steps = stepsOf(listing.rollback)
    assert.deepEqual(steps.find(({ name }) => name === 'GET listings/duplicates')?.onFail, {
      kind: 'ask',
      role: 'tech-lead',
    })
    assert.deepEqual(steps.find(({ name }) => name === 'GET listings/sync-state')?.onFail, { kind: 'goOn' })
    const retire = listing.phases.at(-1)?.before.find(({ irreversible }) => irreversible !== null)
    assert.equal(retire?.irreversible, 'afterRetirement')
    assert.deepEqual(
      compileDraft('mamapace-push').rollback.map(({ withinMs }) => (withinMs ?? 0) / minute),
      [5, 15, 30, 60],
    )
  })

  it('know days and intervals of the steps that accompany a phase (P-056 P-057 S-008)', () => {
    const [shadow] = compileDraft('property-listing-sync').phases
    assert.deepEqual(
      shadow?.during.map(({ days, everyMs }) => [days, everyMs]),
      [
        [{ from: 1, to: 2 }, null],
        [{ from: 3, to: 5 }, null],
        [{ from: 6, to: 7 }, null],
        [null, day],
        [null, day],
      ],
    )
  })

  it('keep labels with their sign, flag sets whole and hands with their roles (F-014 CB-02 CB-03 X-012)', () => {
    const trip = compileDraft('triptrip-api')
    assert.deepEqual(trip.before[1]?.when, [{ label: 'hotfix', present: false }])
    assert.deepEqual(
      trip.hands.map(({ id, role, canLower }) => [id, role, canLower]),
      [
        ['argo:triptrip-api', 'splitter', true],
        ['flag:new-booking-flow', 'gate', true],
      ],
    )
    assert.equal(trip.hands[0]?.options['scaleDownDelay'], 30_000)
    assert.deepEqual(
      compileDraft('triptrip-android').hands.map(({ id, canLower }) => [id, canLower]),
      [['googlePlay:com.triptrip.app/production', false]],
    )
    assert.equal(compileDraft('mamapace-push').flagSets['general']?.['TARGET_USER_PERCENTAGE'], 'exposure')
    assert.equal(compileDraft('mamapace-push').flagSets['alpha']?.['ALPHA_USERS_ONLY'], true)
  })

  it('send notices to the channels named, else to the one the template names (N-003 N-010 N-043)', () => {
    const trip = compileDraft('triptrip-api')
    assert.deepEqual(trip.notices.rollbackStarted, [
      { template: 'triptrip-rolling-back', to: ['incidents'], priority: 'high' },
    ])
    const steps = stepsOf(compileDraft('bookmarks', 'major').before)
    assert.deepEqual(steps.find(({ action }) => action.verb === 'notify')?.action, {
      verb: 'notify',
      template: 'maintenance',
      to: ['in-app'],
    })
  })
})

describe('compiling', () => {
  it('gives the same data for the same files, frozen, with ids that are unique', () => {
    for (const name of ['triptrip-api', 'mamapace-push', 'property-listing-sync', 'bookmarks']) {
      const [one, other] = [compileDraft(name), compileDraft(name)]
      assert.equal(canonicalJson(one), canonicalJson(other))
      assert.deepEqual(JSON.parse(JSON.stringify(one)), one)
      assert.ok(Object.isFrozen(one) && Object.isFrozen(one.phases[0]?.promoteWhen))
      const steps = [
        ...one.before,
        ...one.rollback,
        ...one.followUp,
        ...Object.values(one.runbooks).flat(),
        ...Object.values(one.checks).flat(),
        ...one.phases.flatMap(phase => [...phase.before, ...phase.during]),
      ]
      const ids = [
        ...stepsOf(steps).map(({ id }) => id),
        ...one.phases.flatMap(({ promoteWhen }) => promoteWhen.map(({ id }) => id)),
        ...one.rules.map(({ id }) => id),
        ...one.alerts.map(({ id }) => id),
        ...[...one.rules, ...one.alerts]
          .flatMap(({ anyOf }) => anyOf.flatMap(termsOf))
          .filter(({ id }) => !id.startsWith('metrics.'))
          .map(({ id }) => id),
      ]
      assert.equal(new Set(ids).size, ids.length, name)
    }
  })

  it('gives one text to hash for one meaning: comments, line numbers and file names do not count', () => {
    const text = writePlan({ rollbackWhen: '[error_rate > 5%]' })
    const other = `# a comment\n\n${text.replace('error_rate > 5%', 'error_rate > 5%   ')}`
    assert.equal(canonicalPlanJson(compileGood(text)), canonicalPlanJson(compileGood(other)))
    assert.notEqual(canonicalPlanJson(compileGood(text)), canonicalPlanJson(compileGood(text.replace('5%', '5.01%'))))
  })

  it('refuses a plan that is not there with the nearest name', () => {
    const result = compilePlan(parseDrafts(), { plan: 'triptrip-apy' })
    assert.ok(!result.ok)
    assert.match(result.problems[0]?.message.en ?? '', /Did you mean "triptrip-ap/)
  })

  it('refuses a plan while any of its strategies is wrong', () => {
    const text = writePlan({
      phases: '',
      strategies: [
        'strategies:',
        '  good: { default: true, phases: [{ name: all, expose: 100%, hold: 1h }] }',
        '  bad: { phases: [{ name: all, expose: 100%, hold: 1h, promoteWhen: [nothing < 5] }] }',
      ].join('\n'),
    })
    const result = compileText(text)
    assert.deepEqual(!result.ok && result.problems.map(({ code }) => code), ['unknown-metric'])
  })

  it('asks which strategy is meant when none is the default', () => {
    const phases = 'phases: [{ name: all, expose: 100%, hold: 1h }]'
    const text = writePlan({ phases: '', strategies: `strategies: { a: { ${phases} }, b: { ${phases} } }` })
    const result = compileText(text)
    assert.match(
      (!result.ok && result.problems[0]?.message.en) || '',
      /found no default, expected one\. Add default: true to one of a, b/,
    )
    assert.equal(compileGood(text, { strategy: 'b' }).strategy, 'b')
  })

  it('accepts "shown safe" once safety can be shown, and always without baseline conditions', () => {
    const compares = writePlan({ promoteWhen: '[p99 <= baseline + 10%]', evidence: 'shown safe' })
    assert.ok(!compileText(compares).ok)
    assert.deepEqual(compileGood(compares, { canShowSafety: true }).evidence, { kind: 'shownSafe' })
    assert.deepEqual(compileGood(writePlan({ promoteWhen: '[error_rate < 1%]' })).evidence, { kind: 'shownSafe' })
  })

  it('reads every policy sentence of the language', () => {
    const phases = (ifNotMet: string) => `phases: [{ name: all, expose: 100%, hold: 1h, ifNotMet: ${ifNotMet} }]`
    const policies: readonly (readonly [string, unknown])[] = [
      ['wait', { kind: 'wait' }],
      ['rollback', { kind: 'rollback', afterMs: 0 }],
      ['rollback after 2h', { kind: 'rollback', afterMs: 2 * hour }],
      ['decide within 24h otherwise continue', { kind: 'decide', withinMs: day, otherwise: 'continue' }],
    ]
    for (const [text, expected] of policies)
      assert.deepEqual(compileGood(writePlan({ phases: phases(text) })).phases[0]?.ifNotMet, expected)
    const consequences: readonly (readonly [string, unknown])[] = [
      ['then: rollback now', { kind: 'now' }],
      ['then: rollback within 1h', { kind: 'within', ms: hour }],
      ['then: decide within 24h, otherwise: continue', { kind: 'decide', ms: day, otherwise: 'continue' }],
      ['then: halt', { kind: 'halt' }],
      ['then: hold', { kind: 'hold' }],
    ]
    for (const [text, expected] of consequences) {
      assert.deepEqual(
        compileGood(writePlan({ rollbackWhen: `[{ if: error_rate > 5%, ${text} }]` })).rules[0]?.consequence,
        expected,
      )
    }
    const evidence: readonly (readonly [string, unknown])[] = [
      ['shown safe', { kind: 'shownSafe' }],
      ['not harmful with 100 samples', { kind: 'notHarmful', afterMs: 0, samples: 100 }],
      ['not harmful after 2h with 2000 samples', { kind: 'notHarmful', afterMs: 2 * hour, samples: 2000 }],
    ]
    for (const [text, expected] of evidence)
      assert.deepEqual(compileGood(writePlan({ evidence: text })).evidence, expected)
  })

  it('reads every verb and every expectation of a step', () => {
    const steps = [
      '{ run: make, expect: stopped, takes: 30m, at: backend }',
      '{ sql: select 1, expect: no rows }',
      '{ http: GET https://a.example/health, expect: 200 }',
      '{ http: POST push/queue/pause, expect: count = 0 }',
      '{ expose: 5% }',
      '{ flags: alpha }',
      '{ flags: { READ_ONLY: true } }',
      '{ notify: hello, to: [ops, affected users] }',
      '{ confirm: 確認した, by: qa, optional: true, evidence: 写真 }',
      '{ check: [error_rate < 1%, smoke passed] }',
      '{ approve: tech-lead, count: 2 }',
      '{ needs: other }',
      '{ halt: other }',
      '{ wait: 24h }',
      '{ name: group, do: [{ run: a }, { run: b }], onFail: go on, when: a-label and not hotfix }',
    ]
    const other = writePlan({ name: 'other' })
    const plan = compileGood(
      writePlan(
        {
          before: `before:\n${steps.map(step => `  - ${step}`).join('\n')}`,
          flags: '{ alpha: { A: true, B: 5, C: exposure } }',
          channels: '{ ops: slack:#ops }',
          labels: '[a-label]',
        },
        'kind: Template\nname: hello\nja: こんにちは',
        other,
      ),
    )
    assert.deepEqual(
      plan.before.map(({ action }) => (action.verb === 'check' || action.verb === 'do' ? action.verb : action)),
      [
        { verb: 'run', command: 'make' },
        { verb: 'sql', text: 'select 1' },
        { verb: 'http', method: 'GET', url: 'https://a.example/health' },
        { verb: 'http', method: 'POST', url: 'push/queue/pause' },
        { verb: 'expose', share: 0.05 },
        { verb: 'flags', set: 'alpha', values: { A: true, B: 5, C: 'exposure' } },
        { verb: 'flags', set: null, values: { READ_ONLY: true } },
        { verb: 'notify', template: 'hello', to: ['ops', 'affected users'] },
        { verb: 'confirm', sentence: '確認した' },
        'check',
        { verb: 'approve', role: 'tech-lead', count: 2 },
        { verb: 'needs', plan: 'other' },
        { verb: 'halt', plan: 'other' },
        { verb: 'wait', ms: day },
        'do',
      ],
    )
    assert.deepEqual(
      plan.before.slice(0, 4).map(({ expect }) => expect),
      [
        { kind: 'text', text: 'stopped' },
        { kind: 'noRows' },
        { kind: 'status', status: 200 },
        { kind: 'compare', field: 'count', op: '=', value: 0 },
      ],
    )
    assert.deepEqual(plan.before.at(-1)?.when, [
      { label: 'a-label', present: true },
      { label: 'hotfix', present: false },
    ])
  })

  it('compiles the same whether its documents stand in one file or in several', () => {
    const joined = parsePlanDocuments([{ path: 'all.yaml', text: draftFiles.map(({ text }) => text).join('\n---\n') }])
    const result = compilePlan(joined, { plan: 'mamapace-push' })
    assert.ok(result.ok)
    assert.equal(canonicalPlanJson(result.plan), canonicalPlanJson(compileDraft('mamapace-push')))
  })

  it('reads a bare text where a list of one is meant', () => {
    const plan = compileGood(
      writePlan({ promoteWhen: 'error_rate < 1%', rollbackWhen: 'error_rate > 5%', labels: 'one' }),
    )
    assert.deepEqual(
      [plan.phases[0]?.promoteWhen.length, plan.rules[0]?.name, plan.labels.includes('one')],
      [1, 'error_rate > 5%', true],
    )
  })
})
