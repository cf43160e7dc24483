import type { EventBody } from '@dankai/core'
import { renderAmount, renderDuration, renderExposure, renderShare, renderTime, unitOfSentence } from './amount.ts'
import { describeMeasured } from './render-waiting-on.ts'
import { stepName } from './step-name.ts'
import { inLanguage, type Wording } from './wording.ts'

type Body<Type extends EventBody['type']> = Extract<EventBody, { type: Type }>

/** What happened, as one sentence without its time: the reader prints the time in a column of its own. */
export function renderEvent(event: { readonly body: EventBody }, wording: Wording): string {
  const { body } = event
  switch (body.type) {
    case 'ReleaseStarted':
    case 'Completed':
    case 'RolledBack':
    case 'Contained':
    case 'RollbackStarted':
    case 'RunbookStarted':
    case 'FollowUpOpened':
      return renderCourse(body, wording)
    case 'PhaseEntered':
    case 'HoldEnded':
    case 'PhasePromoted':
    case 'ExposureChanged':
    case 'ExposureReached':
    case 'ExposureFailed':
    case 'DriftSeen':
    case 'DriftEnded':
      return renderExposureEvent(body, wording)
    case 'StepStarted':
    case 'StepEnded':
    case 'RunbookStepFailed':
    case 'StepRetried':
    case 'GateOpened':
    case 'GateReminded':
    case 'GateAnswered':
      return renderStepEvent(body, wording)
    case 'VerdictChanged':
    case 'TriggerPending':
    case 'TriggerFired':
    case 'TriggerCleared':
    case 'AlertRaised':
    case 'AlertCleared':
    case 'DataMissing':
    case 'DataRestored':
    case 'CoverageLost':
    case 'CoverageRestored':
      return renderEvidenceEvent(body, wording)
    case 'DecisionAsked':
    case 'DecisionAnswered':
    case 'SignalReported':
    case 'SignalWithdrawn':
    case 'Paused':
    case 'Resumed':
    case 'Halted':
    case 'ActionTaken':
    case 'PlanAmended':
      return renderPeopleEvent(body, wording)
  }
}

type CourseBody =
  | Body<'ReleaseStarted'>
  | Body<'Completed'>
  | Body<'RolledBack'>
  | Body<'Contained'>
  | Body<'RollbackStarted'>
  | Body<'RunbookStarted'>
  | Body<'FollowUpOpened'>

function renderCourse(body: CourseBody, wording: Wording): string {
  switch (body.type) {
    case 'ReleaseStarted':
      return inLanguage(wording, {
        en: `release of ${body.plan} ${body.version} started by ${body.by}`,
        ja: `${body.plan} ${body.version} のリリースを開始（${body.by}）`,
      })
    case 'Completed':
      return inLanguage(wording, { en: `completed${byText(body.by, wording)}`, ja: `完了${byText(body.by, wording)}` })
    case 'RolledBack':
      return body.complete
        ? inLanguage(wording, { en: 'rolled back', ja: 'ロールバック完了' })
        : inLanguage(wording, { en: 'rolled back, runbook incomplete', ja: 'ロールバック済み、手順は未完' })
    case 'Contained':
      return inLanguage(wording, {
        en: `contained at ${renderExposure(body.exposure, wording)}`,
        ja: `${renderExposure(body.exposure, wording)} で封じ込め`,
      })
    case 'RollbackStarted':
      return inLanguage(wording, {
        en: `rollback started because of ${body.because}${byText(body.by, wording)}${body.runbook ? `, runbook ${body.runbook}` : ''}`,
        ja: `ロールバック開始: ${body.because}${byText(body.by, wording)}${body.runbook ? `、手順書 ${body.runbook}` : ''}`,
      })
    case 'RunbookStarted':
      return inLanguage(wording, {
        en: `runbook ${body.runbook} started${byText(body.by, wording)}`,
        ja: `手順書 ${body.runbook} を開始${byText(body.by, wording)}`,
      })
    case 'FollowUpOpened': {
      const name = stepName(wording.plan, body.step)
      const due = body.deadline === null ? null : renderTime(body.deadline, wording)
      return inLanguage(wording, {
        en: `task after the rollback: "${name}"${due ? ` by ${due}` : ''}`,
        ja: `ロールバック後の作業「${name}」${due ? `（期限 ${due}）` : ''}`,
      })
    }
  }
}

type ExposureBody =
  | Body<'PhaseEntered'>
  | Body<'HoldEnded'>
  | Body<'PhasePromoted'>
  | Body<'ExposureChanged'>
  | Body<'ExposureReached'>
  | Body<'ExposureFailed'>
  | Body<'DriftSeen'>
  | Body<'DriftEnded'>

function renderExposureEvent(body: ExposureBody, wording: Wording): string {
  switch (body.type) {
    case 'PhaseEntered':
      return inLanguage(wording, { en: `phase ${body.name} entered`, ja: `フェーズ ${body.name} に入る` })
    case 'HoldEnded':
      return inLanguage(wording, { en: `hold of ${body.name} over`, ja: `${body.name} の保持時間が終了` })
    case 'PhasePromoted':
      return inLanguage(wording, {
        en: `phase ${body.name} passed${byText(body.by, wording)}${listText(body.because, '; ')}`,
        ja: `フェーズ ${body.name} を通過${byText(body.by, wording)}${listText(body.because, '、')}`,
      })
    case 'ExposureChanged': {
      const exposure = renderExposure(body.exposure, wording)
      return inLanguage(wording, { en: `expose ${exposure}`, ja: `公開を ${exposure} に変更` })
    }
    case 'ExposureReached':
      return inLanguage(wording, { en: 'exposure confirmed', ja: '公開を確認' })
    case 'ExposureFailed':
      return inLanguage(wording, {
        en: `${body.hand} could not be raised: ${body.detail}`,
        ja: `${body.hand} を上げられない: ${body.detail}`,
      })
    case 'DriftSeen':
      return renderDrift(body, wording)
    case 'DriftEnded':
      return inLanguage(wording, { en: `${body.hand} as wanted again`, ja: `${body.hand} のずれが解消` })
  }
}

function renderDrift(body: Body<'DriftSeen'>, wording: Wording): string {
  const wanted = renderShare(body.desired)
  if (body.observed === null)
    return inLanguage(wording, {
      en: `${body.hand} unreadable, wanted ${wanted}`,
      ja: `${body.hand} が読めない（目標 ${wanted}）`,
    })
  const observed = renderShare(body.observed)
  return inLanguage(wording, {
    en: `${body.hand} drifted to ${observed}, wanted ${wanted}`,
    ja: `${body.hand} が ${observed} にずれた（目標 ${wanted}）`,
  })
}

type StepBody =
  | Body<'StepStarted'>
  | Body<'StepEnded'>
  | Body<'RunbookStepFailed'>
  | Body<'StepRetried'>
  | Body<'GateOpened'>
  | Body<'GateReminded'>
  | Body<'GateAnswered'>

const outcomeWords: Readonly<Record<Body<'StepEnded'>['outcome'], { readonly en: string; readonly ja: string }>> = {
  done: { en: 'done', ja: '完了' },
  failed: { en: 'failed', ja: '失敗' },
  skipped: { en: 'skipped', ja: 'スキップ' },
  ambiguous: { en: 'ended without a known result', ja: '結果不明' },
  superseded: { en: 'dropped', ja: '取りやめ' },
  expired: { en: 'ran out of time', ja: '時間切れ' },
}

const answerWords: Readonly<Record<Body<'GateAnswered'>['answer'], { readonly en: string; readonly ja: string }>> = {
  approved: { en: 'approved', ja: '承認' },
  confirmed: { en: 'confirmed', ja: '確認' },
  rejected: { en: 'rejected', ja: '却下' },
}

const askWords: Readonly<Record<Body<'GateOpened'>['asks'], { readonly en: string; readonly ja: string }>> = {
  approval: { en: 'approval', ja: '承認' },
  confirmation: { en: 'confirmation', ja: '確認' },
  'decision after a failure': { en: 'decision after a failure', ja: '失敗後の判断' },
  'retry or skip': { en: 'retry or skip', ja: '再試行かスキップ' },
}

function renderStepEvent(body: StepBody, wording: Wording): string {
  const name = stepName(wording.plan, body.step)
  switch (body.type) {
    case 'StepStarted':
      return inLanguage(wording, {
        en: `step "${name}" started${body.run > 1 ? `, run ${body.run}` : ''}`,
        ja: `ステップ「${name}」開始${body.run > 1 ? `（${body.run} 回目）` : ''}`,
      })
    case 'StepEnded': {
      const outcome = outcomeWords[body.outcome][wording.language]
      const detail = `${byText(body.by, wording)}${detailText(body.detail)}`
      return inLanguage(wording, {
        en: `step "${name}" ${outcome}${detail}`,
        ja: `ステップ「${name}」${outcome}${detail}`,
      })
    }
    case 'RunbookStepFailed':
      return inLanguage(wording, {
        en: `runbook step "${body.name}" failed${detailText(body.detail)}`,
        ja: `手順「${body.name}」失敗${detailText(body.detail)}`,
      })
    case 'StepRetried':
      return inLanguage(wording, {
        en: `step "${name}" tried again${byText(body.by, wording)}`,
        ja: `ステップ「${name}」を再試行${byText(body.by, wording)}`,
      })
    case 'GateOpened': {
      const asks = askWords[body.asks][wording.language]
      return inLanguage(wording, {
        en: `${asks}${body.of ? ` of ${body.of}` : ''} asked for "${name}"`,
        ja: `「${name}」の${asks}を${body.of ? ` ${body.of} に` : ''}依頼`,
      })
    }
    case 'GateReminded':
      return inLanguage(wording, {
        en: `reminded of "${name}", ${body.times} ${body.times === 1 ? 'time' : 'times'} so far`,
        ja: `「${name}」を再通知（${body.times} 回目）`,
      })
    case 'GateAnswered': {
      const answer = answerWords[body.answer][wording.language]
      return inLanguage(wording, {
        en: `"${name}" ${answer} by ${body.by}${detailText(body.why)}`,
        ja: `「${name}」を ${body.by} が${answer}${detailText(body.why)}`,
      })
    }
  }
}

type EvidenceBody =
  | Body<'VerdictChanged'>
  | Body<'TriggerPending'>
  | Body<'TriggerFired'>
  | Body<'TriggerCleared'>
  | Body<'AlertRaised'>
  | Body<'AlertCleared'>
  | Body<'DataMissing'>
  | Body<'DataRestored'>
  | Body<'CoverageLost'>
  | Body<'CoverageRestored'>

const metWords: Readonly<Record<Body<'VerdictChanged'>['met'], { readonly en: string; readonly ja: string }>> = {
  yes: { en: 'met', ja: '成立' },
  no: { en: 'not met', ja: '不成立' },
  unknown: { en: 'not known', ja: '不明' },
}

function renderEvidenceEvent(body: EvidenceBody, wording: Wording): string {
  switch (body.type) {
    case 'VerdictChanged': {
      const met = metWords[body.met][wording.language]
      return `${body.text}: ${met}${describeMeasured(body, wording)}`
    }
    case 'TriggerPending':
      return inLanguage(wording, {
        en: `"${body.name}" is true${body.firesAt === null ? '' : `, fires at ${renderTime(body.firesAt, wording)}`}`,
        ja: `「${body.name}」が成立${body.firesAt === null ? '' : `、${renderTime(body.firesAt, wording)} に発動`}`,
      })
    case 'TriggerFired':
      return inLanguage(wording, {
        en: `"${body.name}" fired${firedText(body, wording)}`,
        ja: `「${body.name}」発動${firedText(body, wording)}`,
      })
    case 'TriggerCleared':
      return inLanguage(wording, { en: `"${body.name}" is no longer true`, ja: `「${body.name}」は解消` })
    case 'AlertRaised':
      return inLanguage(wording, {
        en: `alert ${body.severity}: ${body.text}${body.to.length > 0 ? ` to ${body.to.join(', ')}` : ''}`,
        ja: `アラート ${body.severity}: ${body.text}${body.to.length > 0 ? `（${body.to.join('、')} へ）` : ''}`,
      })
    case 'AlertCleared': {
      const name = wording.plan?.alerts.find(alert => alert.id === body.alert)?.name ?? body.alert
      return inLanguage(wording, { en: `alert over: ${name}`, ja: `アラート解消: ${name}` })
    }
    case 'DataMissing':
      return inLanguage(wording, {
        en: `no data for ${body.metric} since ${renderTime(body.since, wording)}`,
        ja: `${body.metric} のデータが ${renderTime(body.since, wording)} から届かない`,
      })
    case 'DataRestored':
      return inLanguage(wording, {
        en: `data for ${body.metric} again after ${renderDuration(body.until - body.since, 'en')}`,
        ja: `${body.metric} のデータが ${renderDuration(body.until - body.since, 'ja')}ぶりに届いた`,
      })
    case 'CoverageLost':
      return inLanguage(wording, {
        en: `nobody watched since ${renderTime(body.since, wording)}`,
        ja: `${renderTime(body.since, wording)} から監視が途切れた`,
      })
    case 'CoverageRestored':
      return inLanguage(wording, {
        en: `watching again after ${renderDuration(body.until - body.since, 'en')}`,
        ja: `${renderDuration(body.until - body.since, 'ja')}ぶりに監視を再開`,
      })
  }
}

/** The sentence that fired is repeated only when the rule has a name of its own. */
function firedText(body: Body<'TriggerFired'>, wording: Wording): string {
  const unit = unitOfSentence(wording.plan, body.rule, body.text)
  const parts = [
    ...(body.text === body.name ? [] : [body.text]),
    ...(body.value === null ? [] : [renderAmount(body.value, unit)]),
  ]
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

type PeopleBody =
  | Body<'DecisionAsked'>
  | Body<'DecisionAnswered'>
  | Body<'SignalReported'>
  | Body<'SignalWithdrawn'>
  | Body<'Paused'>
  | Body<'Resumed'>
  | Body<'Halted'>
  | Body<'ActionTaken'>
  | Body<'PlanAmended'>

function renderPeopleEvent(body: PeopleBody, wording: Wording): string {
  switch (body.type) {
    case 'DecisionAsked':
      return inLanguage(wording, {
        en: `decision asked because of ${body.because}, by ${renderTime(body.deadline, wording)}, otherwise ${body.otherwise}`,
        ja: `判断を依頼: ${body.because}（期限 ${renderTime(body.deadline, wording)}、回答なしは${answerWord(body.otherwise, wording)}）`,
      })
    case 'DecisionAnswered':
      return renderDecisionAnswered(body, wording)
    case 'SignalReported':
      return inLanguage(wording, {
        en: `${signalSentence(body.signal, wording)} reported by ${body.by}${detailText(body.why)}`,
        ja: `${body.by} が報告: ${signalSentence(body.signal, wording)}${detailText(body.why)}`,
      })
    case 'SignalWithdrawn':
      return inLanguage(wording, {
        en: `${signalSentence(body.signal, wording)} withdrawn by ${body.by}${detailText(body.why)}`,
        ja: `${body.by} が報告を取り下げ: ${signalSentence(body.signal, wording)}${detailText(body.why)}`,
      })
    case 'Paused':
      return inLanguage(wording, {
        en: `paused by ${body.by}${detailText(body.why)}`,
        ja: `${body.by} が一時停止${detailText(body.why)}`,
      })
    case 'Resumed':
      return inLanguage(wording, {
        en: `resumed by ${body.by}${detailText(body.why)}`,
        ja: `${body.by} が再開${detailText(body.why)}`,
      })
    case 'Halted':
      return inLanguage(wording, {
        en: `halted because of ${body.because}${byText(body.by, wording)}`,
        ja: `停止: ${body.because}${byText(body.by, wording)}`,
      })
    case 'ActionTaken':
      return inLanguage(wording, {
        en: `${body.action}${body.subject ? ` ${body.subject}` : ''} by ${body.by}${detailText(body.why)}`,
        ja: `${body.by} の操作: ${body.action}${body.subject ? ` ${body.subject}` : ''}${detailText(body.why)}`,
      })
    case 'PlanAmended':
      return inLanguage(wording, {
        en: `plan amended to revision ${body.revision} by ${body.by}: ${body.why}`,
        ja: `${body.by} がプランを改訂 ${body.revision} に変更: ${body.why}`,
      })
  }
}

function renderDecisionAnswered(body: Body<'DecisionAnswered'>, wording: Wording): string {
  const answer = answerWord(body.answer, wording)
  if (body.by === null) return inLanguage(wording, { en: `nobody answered: ${answer}`, ja: `回答なし: ${answer}` })
  return inLanguage(wording, {
    en: `${body.by} answered ${answer}${detailText(body.why)}`,
    ja: `${body.by} の回答: ${answer}${detailText(body.why)}`,
  })
}

function answerWord(answer: 'rollback' | 'continue', wording: Wording): string {
  if (wording.language === 'en') return answer
  return answer === 'rollback' ? 'ロールバック' : '続行'
}

function signalSentence(signal: string, wording: Wording): string {
  return wording.plan?.signals[signal] ?? signal
}

function byText(by: string | null, wording: Wording): string {
  if (by === null) return ''
  return inLanguage(wording, { en: ` by ${by}`, ja: `（${by}）` })
}

function detailText(detail: string | null): string {
  return detail === null || detail === '' ? '' : `: ${detail}`
}

function listText(items: readonly string[], separator: string): string {
  return items.length === 0 ? '' : `: ${items.join(separator)}`
}
