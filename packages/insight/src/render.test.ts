import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventBody, Reason, ReleaseStatus, WaitingOn } from '@dankai/core'
import { renderAmount, renderDuration, renderExposure, renderShare, renderTime } from './amount.ts'
import { renderEvent } from './render-event.ts'
import { renderReason } from './render-reason.ts'
import { renderStatus } from './render-status.ts'
import { renderWaitingOn } from './render-waiting-on.ts'
import { type Wording, wordingOf } from './wording.ts'

const en: Wording = { language: 'en', timezone: 'Asia/Tokyo', plan: null }
const ja: Wording = { ...en, language: 'ja' }
const may6 = Date.parse('2026-05-06T00:00+09:00')
const hour = 3_600_000

const waits: readonly (readonly [WaitingOn, string, string])[] = [
  [
    { kind: 'hold', until: may6, coveredMs: 180_000, holdMs: 600_000 },
    'hold until 2026-05-06 00:00, 3m of 10m',
    '保持 2026-05-06 00:00 まで（10分のうち3分）',
  ],
  [{ kind: 'hold', until: null, coveredMs: 0, holdMs: 600_000 }, 'hold, 0s of 10m', '保持（10分のうち0秒）'],
  [{ kind: 'close' }, 'a person to close the release', 'リリースの終了操作'],
  [
    { kind: 'calendar', calendar: 'triptrip', until: may6, entry: 'ゴールデンウィーク' },
    'calendar triptrip until 2026-05-06 00:00 (ゴールデンウィーク)',
    'カレンダー triptrip 2026-05-06 00:00 まで（ゴールデンウィーク）',
  ],
  [
    { kind: 'calendar', calendar: 'triptrip', until: null, entry: '旅行シーズン' },
    'calendar triptrip (旅行シーズン)',
    'カレンダー triptrip（旅行シーズン）',
  ],
  [
    { kind: 'approval', step: 'before.1', role: 'release-managers', have: 0, need: 1 },
    'approval of release-managers (0 of 1)',
    'release-managers の承認（1 件中 0 件）',
  ],
  [
    { kind: 'confirmation', step: 's', name: '最終評価', by: 'tech-lead', deadline: may6 },
    'confirmation of "最終評価" by tech-lead, due by 2026-05-06 00:00',
    'tech-lead による「最終評価」の確認（期限 2026-05-06 00:00）',
  ],
  [
    { kind: 'confirmation', step: 's', name: '最終評価', by: null, deadline: null },
    'confirmation of "最終評価"',
    '「最終評価」の確認',
  ],
  [{ kind: 'step', step: 's', name: 'npm test', deadline: null }, 'step "npm test"', 'ステップ「npm test」'],
  [
    { kind: 'retryOrSkip', step: 's', name: 'npm ci', detail: 'exit code 1' },
    'retry or skip of "npm ci": exit code 1',
    '「npm ci」の再試行かスキップ: exit code 1',
  ],
  [
    {
      kind: 'criterion',
      criterion: 'c',
      text: 'error_rate < 1%',
      met: 'unknown',
      verdict: 'undecided',
      value: 0.004,
      limit: 0.01,
      samples: 40,
      samplesNeeded: 2300,
    },
    'criterion error_rate < 1% (0.4%, limit 1%, undecided, 40 of 2300 samples)',
    '条件 error_rate < 1%（0.4%、限度 1%、未確定、2300 件中 40 件）',
  ],
  [
    {
      kind: 'criterion',
      criterion: 'c',
      text: 'smoke passed',
      met: 'no',
      verdict: null,
      value: null,
      limit: null,
      samples: null,
      samplesNeeded: null,
    },
    'criterion smoke passed',
    '条件 smoke passed',
  ],
  [
    { kind: 'data', metric: 'error_rate', since: may6 },
    'data for error_rate (none since 2026-05-06 00:00)',
    'error_rate のデータ（2026-05-06 00:00 から届いていない）',
  ],
  [
    { kind: 'exposure', hand: 'nginx', desired: 0.5, observed: 0.1, problem: null },
    'exposure of nginx at 50%, observed 10%',
    'nginx の公開 50%（実測 10%）',
  ],
  [
    { kind: 'exposure', hand: 'nginx', desired: 0.5, observed: null, problem: 'no answer' },
    'exposure of nginx at 50%, observed unreadable: no answer',
    'nginx の公開 50%（実測 読めない）: no answer',
  ],
  [
    { kind: 'decision', rule: 'r', because: 'error_rate > 2%', deadline: may6, otherwise: 'rollback' },
    'decision about "error_rate > 2%" by 2026-05-06 00:00, otherwise rollback',
    '「error_rate > 2%」についての判断（期限 2026-05-06 00:00、回答なしはロールバック）',
  ],
  [
    { kind: 'latched', rule: 'r', name: 'high', rollbackAt: may6 },
    'rollback at 2026-05-06 00:00 because of "high"',
    '2026-05-06 00:00 のロールバック（「high」）',
  ],
  [{ kind: 'rule', rule: 'r', name: 'high' }, 'end of "high"', '「high」の解消'],
  [{ kind: 'resume', by: 'tanaka' }, 'resume (paused by tanaka)', '再開（tanaka が一時停止中）'],
  [
    { kind: 'halted', because: 'crash_free_rate < 99%' },
    'a person, halted because of "crash_free_rate < 99%"',
    '人の操作（「crash_free_rate < 99%」で停止中）',
  ],
  [{ kind: 'plan', plan: 'mamapace-android' }, 'completion of plan mamapace-android', 'プラン mamapace-android の完了'],
  [{ kind: 'time', step: 's', until: may6 }, 'time 2026-05-06 00:00', '2026-05-06 00:00 になること'],
  [{ kind: 'drift', hand: 'nginx' }, 'drift of nginx to end', 'nginx のずれの解消'],
  [
    { kind: 'coverage', since: may6 },
    'observation, lost since 2026-05-06 00:00',
    '監視の再開（2026-05-06 00:00 から途切れている）',
  ],
]

test('whatever a release waits for is said in both languages, the thing itself first', () => {
  for (const [waiting, english, japanese] of waits) {
    assert.equal(renderWaitingOn(waiting, en), english)
    assert.equal(renderWaitingOn(waiting, ja), japanese)
  }
})

const at = may6
const happened: readonly (readonly [EventBody, string, string])[] = [
  [
    {
      type: 'ReleaseStarted',
      plan: 'triptrip-api',
      planDigest: 'd',
      strategy: null,
      semantics: 1,
      version: '1.4.0',
      labels: [],
      hands: [],
      by: 'ci',
      exemption: null,
    },
    'release of triptrip-api 1.4.0 started by ci',
    'triptrip-api 1.4.0 のリリースを開始（ci）',
  ],
  [{ type: 'PhaseEntered', phase: 0, name: 'canary' }, 'phase canary entered', 'フェーズ canary に入る'],
  [
    {
      type: 'ExposureChanged',
      exposure: { share: 0.05, cohorts: [], shadow: false },
      generation: 1,
      direction: 'raise',
    },
    'expose 5%',
    '公開を 5% に変更',
  ],
  [
    { type: 'PhasePromoted', phase: 0, name: 'canary', by: null, because: ['error_rate < 1%: 0.1%'] },
    'phase canary passed: error_rate < 1%: 0.1%',
    'フェーズ canary を通過: error_rate < 1%: 0.1%',
  ],
  [
    {
      type: 'TriggerFired',
      rule: 'r',
      name: 'Error Rate Spike',
      text: 'error_rate > 5% for 2m',
      value: 0.0501,
      limit: 0.05,
    },
    '"Error Rate Spike" fired: error_rate > 5% for 2m, 5.01%',
    '「Error Rate Spike」発動: error_rate > 5% for 2m, 5.01%',
  ],
  [
    { type: 'TriggerPending', rule: 'r', name: 'x', since: at, firesAt: at },
    '"x" is true, fires at 2026-05-06 00:00',
    '「x」が成立、2026-05-06 00:00 に発動',
  ],
  [
    { type: 'DataMissing', metric: 'm', since: at },
    'no data for m since 2026-05-06 00:00',
    'm のデータが 2026-05-06 00:00 から届かない',
  ],
  [
    { type: 'DataRestored', metric: 'm', since: at, until: at + 9 * 60_000 },
    'data for m again after 9m',
    'm のデータが 9分ぶりに届いた',
  ],
  [
    { type: 'DecisionAnswered', rule: 'r', answer: 'rollback', by: null, why: null },
    'nobody answered: rollback',
    '回答なし: ロールバック',
  ],
  [
    { type: 'GateAnswered', step: 'before.1', by: 'sato', answer: 'approved', why: null, evidence: null },
    '"before.1" approved by sato',
    '「before.1」を sato が承認',
  ],
  [
    { type: 'RollbackStarted', because: 'Error Rate Spike', rule: 'r', by: null, runbook: null },
    'rollback started because of Error Rate Spike',
    'ロールバック開始: Error Rate Spike',
  ],
  [{ type: 'RolledBack', complete: false }, 'rolled back, runbook incomplete', 'ロールバック済み、手順は未完'],
  [
    { type: 'DriftSeen', hand: 'nginx', observed: null, desired: 0.1 },
    'nginx unreadable, wanted 10%',
    'nginx が読めない（目標 10%）',
  ],
  [{ type: 'Completed', by: null }, 'completed', '完了'],
]

test('an event is one sentence in each language', () => {
  for (const [body, english, japanese] of happened) {
    assert.equal(renderEvent({ body }, en), english)
    assert.equal(renderEvent({ body }, ja), japanese)
  }
})

test('a reason names its cause, its author and when a pending rule fires', () => {
  const rolledBack: Reason = { kind: 'rolledBack', because: 'data_loss reported', by: 'sato' }
  assert.equal(renderReason(rolledBack, en), 'rolling back because of data_loss reported, by sato')
  assert.equal(renderReason(rolledBack, ja), 'ロールバックの理由: data_loss reported（sato）')
  const pending: Reason = { kind: 'pending', rule: 'r', name: 'Spike', since: may6, firesAt: may6 + hour }
  assert.equal(renderReason(pending, en), '"Spike" true since 2026-05-06 00:00, fires at 2026-05-06 01:00')
})

test('a status says where the release is, what it waits for and what comes next', () => {
  const status: ReleaseStatus = {
    stage: 'running',
    phase: { index: 1, name: 'half', count: 3 },
    desired: { share: 0.5, cohorts: [], shadow: false },
    exposure: 0.1,
    waitingOn: [{ kind: 'data', metric: 'error_rate', since: may6 }],
    reasons: [],
    next: { what: 'promote', at: may6 + hour, phase: 'all' },
    criteria: [
      { criterion: 'c', text: 'error_rate < 1%', met: 'yes', verdict: 'safe', value: null, limit: null, samples: 2300 },
    ],
  }
  assert.deepEqual(renderStatus(status, en), {
    headline: 'running, phase half (2 of 3), exposure 10%, wanted 50%',
    waitingOn: ['data for error_rate (none since 2026-05-06 00:00)'],
    reasons: [],
    criteria: ['✓ error_rate < 1% (safe, 2300 samples)'],
    next: 'goes on to all at 2026-05-06 01:00',
  })
  assert.equal(renderStatus(status, ja).headline, '進行中、フェーズ half（3 のうち 2）、公開 10%（目標 50%）')
})

test('amounts are printed in the unit of their metric, durations in their two largest units', () => {
  assert.deepEqual([0.0501, 0.05, 1, 0.000001].map(renderShare), ['5.01%', '5%', '100%', '0.0001%'])
  assert.deepEqual(
    [renderAmount(5000, 'time'), renderAmount(90_000, 'time'), renderAmount(1.5, 'money'), renderAmount(3, null)],
    ['5000ms', '90s', '1.5 USD', '3'],
  )
  assert.deepEqual(
    [0, 500, 150_000, 26 * hour, 8 * 24 * hour].map(ms => renderDuration(ms, 'en')),
    ['0s', '500ms', '2m30s', '1d2h', '8d'],
  )
  assert.equal(renderDuration(150_000, 'ja'), '2分30秒')
})

test('a time is printed in the zone of the plan, with seconds only where they say something', () => {
  assert.equal(renderTime(may6, en), '2026-05-06 00:00')
  assert.equal(renderTime(may6 + 5_000, en), '2026-05-06 00:00:05')
  assert.equal(renderTime(may6, wordingOf(null, 'en')), '2026-05-05 15:00')
})

test('an exposure names shares, groups and shadow runs', () => {
  const cohort = (segment: string, share: number) => ({ segment, share, mix: null })
  const texts = [
    { share: 0.25, cohorts: [], shadow: false },
    { share: 0, cohorts: [cohort('alpha', 1)], shadow: false },
    { share: 0.25, cohorts: [cohort('active', 0.15)], shadow: false },
    { share: 0, cohorts: [], shadow: true },
  ].map(exposure => [renderExposure(exposure, en), renderExposure(exposure, ja)])
  assert.deepEqual(texts, [
    ['25%', '25%'],
    ['alpha', 'alpha'],
    ['25% + 15% of active', '25% + active の 15%'],
    ['shadow', 'シャドー'],
  ])
})
