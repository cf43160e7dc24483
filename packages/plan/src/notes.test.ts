import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPlan } from './check-plan.ts'
import { estimateErrorsToShowSafety, estimateRequestsToShowSafety } from './lint/evidence-budget.ts'
import type { Note } from './problem.ts'
import { checkText, parseDrafts, writePlan } from './testing/plan-texts.ts'

function notesOf(parts: Readonly<Record<string, string>>, ...documents: readonly string[]): readonly Note[] {
  const check = checkText(writePlan(parts, ...documents))
  assert.deepEqual(
    check.problems.map(({ message }) => message.en),
    [],
  )
  return check.notes
}

const english = (notes: readonly Note[]) => notes.map(({ message }) => message.en)

describe('notes', () => {
  const drafts = checkPlan(parseDrafts()).notes

  it('say word for word that a rule can fire only at the very end of a hold (T-012 X-018)', () => {
    const note = drafts.find(({ message }) => message.en.startsWith('phases[1] "early": hold'))
    assert.equal(
      note?.message.en,
      'phases[1] "early": hold 5m equals the 5m of "Latency Degradation"; it can fire only at the very end. Hold 10m to let it work',
    )
    assert.equal(
      note?.message.ja,
      'phases[1] "early": hold 5m は "Latency Degradation" の 5m と同じなので、発火できるのは最後の瞬間だけです。働かせるには hold を 10m にしてください',
    )
    assert.deepEqual(
      [note?.severity, note?.place.file, note?.path],
      ['warning', 'triptrip-api.yaml', 'strategies.argo-progressive.phases[1]'],
    )
  })

  it('say word for word what the samples of a plan can show (M-029 M-032)', () => {
    const note = drafts.find(({ code }) => code === 'evidence-budget')
    assert.equal(
      note?.message.en,
      'strategy "argo-progressive": 100 samples cannot show safety at +0.5pt; about 2,300 canary requests can (8 min at 5/s). The record will say "not shown harmful"',
    )
    assert.equal(
      note?.message.ja,
      '戦略 "argo-progressive": 100 標本では +0.5pt の安全は示せません。カナリアへの要求が約 2,300 件あれば示せます (毎秒 5 件で約 8 分)。記録には "not shown harmful" と書かれます',
    )
    assert.equal(note?.severity, 'info')
  })

  it('say word for word that a slower rule never acts (T-042 T-031 CA-48)', () => {
    const note = drafts.find(({ code }) => code === 'shadowed-rule')
    assert.equal(
      note?.message.en,
      'phases[1] "small": "error_rate > 5%" (rollback now) always comes before "error_rate > 5%" (rollback within 1h). The slower rule never acts here',
    )
    assert.equal(
      note?.message.ja,
      'phases[1] "small": "error_rate > 5%" (rollback now) が必ず "error_rate > 5%" (rollback within 1h) より先に働きます。遅いほうの規則はここでは働きません',
    )
  })

  it('count requests only when no service says how many come', () => {
    const evidence = {
      evidence: 'not harmful with 100 samples',
      promoteWhen: '[error_rate <= baseline + 0.5pt]',
      phases: 'phases: [{ name: a, expose: 10%, hold: 1h }, { name: b, expose: 100%, hold: 1h }]',
    }
    assert.deepEqual(english(notesOf(evidence)), [
      'plan "sample": 100 samples cannot show safety at +0.5pt; about 2,300 canary requests can. The record will say "not shown harmful"',
    ])
    const service = 'kind: Service\nname: sample\ntraffic: 1200/m'
    assert.match(english(notesOf(evidence, service))[0] ?? '', /about 2,300 canary requests can \(19 min at 2\/s\)/)
    assert.deepEqual(notesOf({ ...evidence, evidence: 'not harmful with 5000 samples' }), [])
  })

  it('tell of margins that are multiples, and of those that are none', () => {
    const phases = 'phases: [{ name: a, expose: 10%, hold: 1h }]'
    const of = (promoteWhen: string) =>
      english(notesOf({ phases, promoteWhen, evidence: 'not harmful with 100 samples' }))
    assert.deepEqual(of('[error_rate <= 1.5x baseline]'), [
      'plan "sample": to show safety for "error_rate <= 1.5x baseline", the canary must have seen requests enough for about 30 errors at the usual rate. Until then the record says "not shown harmful"',
    ])
    assert.match(of('[error_rate <= baseline]')[0] ?? '', /no number can, because it leaves no margin/)
    assert.match(of('[delivery_success >= baseline - 0.5pt]')[0] ?? '', /cannot show safety at -0.5pt; about 2,300/)
  })

  it('agree with the measured figures: 11 errors for twice the odds, 30 for one and a half', () => {
    assert.equal(Math.round(estimateErrorsToShowSafety(2.01, 0.1) * 10) / 10, 11.3)
    assert.equal(Math.round(estimateErrorsToShowSafety(1.5, 0.1) * 10) / 10, 29.5)
    assert.equal(estimateRequestsToShowSafety(0.005, 0.1), 2300)
    // Equal arms were measured at 4,700; the estimate leans to the careful side.
    assert.ok(estimateRequestsToShowSafety(0.005, 0.5) >= 4_700 && estimateRequestsToShowSafety(0.005, 0.5) <= 5_500)
    assert.ok(estimateRequestsToShowSafety(0.01, 0.1) < estimateRequestsToShowSafety(0.005, 0.1))
  })

  it('see only rules that really come too late', () => {
    const shadowed = (rollbackWhen: string) =>
      notesOf({ rollbackWhen }).filter(({ code }) => code === 'shadowed-rule').length
    const slow = (text: string) => `{ if: ${text}, then: rollback within 1h }`
    const table: readonly (readonly [string, string, number])[] = [
      ['error_rate > 5%', 'error_rate > 6%', 1],
      ['error_rate >= 5%', 'error_rate > 5%', 1],
      ['error_rate > 5%', 'error_rate >= 5%', 0],
      ['error_rate > 5%', 'error_rate > 4%', 0],
      ['error_rate > 5%', 'error_rate > 5% for 5m', 1],
      ['error_rate > 5% for 5m', 'error_rate > 5%', 0],
      ['error_rate > 5% for 5m', 'error_rate > 5% for 10m', 1],
      ['error_rate over 1h > 5%', 'error_rate > 5%', 0],
      ['delivery_success < 90%', 'delivery_success < 80%', 1],
      ['restarts > 5 in 1m', 'restarts > 5 in 5m', 0],
      ['p99 > 2x baseline', 'p99 > 3x baseline', 1],
      ['p99 > 2x baseline', 'p99 > 3s', 0],
      ['error_rate > 5%', 'error_rate > 6% and p99 > 1s', 1],
      ['error_rate > 5% and p99 > 1s', 'error_rate > 6%', 0],
      ['error_rate > 5% or p99 > 1s', 'p99 > 1s', 1],
      ['data_loss reported', 'data_loss reported', 1],
    ]
    for (const [now, later, count] of table) {
      assert.equal(
        shadowed(`[{ name: now, if: ${now}, then: rollback now }, ${slow(later)}]`),
        count,
        `${now} / ${later}`,
      )
    }
  })

  it('tell of a rule of one phase that cannot finish there, of days after the hold and of a deadline without time', () => {
    const phase = (rest: string) => `phases: [{ name: a, expose: 5%, hold: 2d, ${rest} }]`
    assert.match(
      english(notesOf({ phases: phase('rollbackWhen: [error_rate > 5% for 3d]') }))[0] ?? '',
      /hold 2d is shorter than the 3d of "error_rate > 5% for 3d"; it can never fire here\. Hold 6d/,
    )
    assert.match(
      english(notesOf({ phases: phase('during: [{ days: 3, confirm: look }]') }))[0] ?? '',
      /days 3 of "look" come after hold 2d/,
    )
    assert.deepEqual(
      notesOf({ phases: phase('during: [{ days: 1-2, confirm: look }], rollbackWhen: [error_rate > 5% for 1d]') }),
      [],
    )
    const tight = {
      rollbackWhen: '[{ if: error_rate > 5%, then: rollback within 5m }]',
      rollback: '[{ name: back, takes: 10m, do: [{ expose: 0% }] }]',
    }
    assert.match(
      english(notesOf(tight))[0] ?? '',
      /rollback within 5m leaves no time to decide, because "back" alone takes 10m/,
    )
  })

  it('guess at a role that is written once and looks like another', () => {
    const before =
      'before: [{ approve: tech-lead }, { approve: tech-lead, name: again }, { confirm: ok, by: tech-led }]'
    assert.deepEqual(english(notesOf({ before })), [
      'before[2].by: the role "tech-led" is named once, "tech-lead" more often. Did you mean "tech-lead"?',
    ])
    assert.deepEqual(notesOf({ before: before.replace('tech-led', 'qa') }), [])
  })
})
