import type { Forecast, ReleaseStatus } from '@dankai/core'
import { renderExposure, renderShare, renderTime } from './amount.ts'
import { renderReason } from './render-reason.ts'
import { describeMeasured, renderWaitingOn } from './render-waiting-on.ts'
import { inLanguage, type Wording } from './wording.ts'

/** The state of a release as lines: where it is, what it waits for, why, how its criteria stand, what comes next. */
export interface RenderedStatus {
  readonly headline: string
  readonly waitingOn: readonly string[]
  readonly reasons: readonly string[]
  readonly criteria: readonly string[]
  readonly next: string | null
}

export function renderStatus(status: ReleaseStatus, wording: Wording): RenderedStatus {
  return {
    headline: renderHeadline(status, wording),
    waitingOn: status.waitingOn.map(waiting => renderWaitingOn(waiting, wording)),
    reasons: status.reasons.map(reason => renderReason(reason, wording)),
    criteria: status.criteria.map(
      criterion => `${marks[criterion.met]} ${criterion.text}${describeMeasured(criterion, wording)}`,
    ),
    next: status.next === null ? null : renderForecast(status.next, wording),
  }
}

const marks = { yes: '✓', no: '✗', unknown: '?' } as const

const stageWords: Readonly<Record<ReleaseStatus['stage'], { readonly en: string; readonly ja: string }>> = {
  starting: { en: 'before the first phase', ja: '最初のフェーズの前' },
  running: { en: 'running', ja: '進行中' },
  rollingBack: { en: 'rolling back', ja: 'ロールバック中' },
  rolledBack: { en: 'rolled back', ja: 'ロールバック済み' },
  contained: { en: 'contained', ja: '封じ込め済み' },
  completed: { en: 'completed', ja: '完了' },
}

export function renderStage(stage: ReleaseStatus['stage'], wording: Wording): string {
  return stageWords[stage][wording.language]
}

function renderHeadline(status: ReleaseStatus, wording: Wording): string {
  const { phase } = status
  const stage = renderStage(status.stage, wording)
  const where =
    phase === null
      ? stage
      : inLanguage(wording, {
          en: `${stage}, phase ${phase.name} (${phase.index + 1} of ${phase.count})`,
          ja: `${stage}、フェーズ ${phase.name}（${phase.count} のうち ${phase.index + 1}）`,
        })
  const desired = renderExposure(status.desired, wording)
  const observed = renderShare(status.exposure)
  return inLanguage(wording, {
    en: `${where}, exposure ${observed}${desired === observed ? '' : `, wanted ${desired}`}`,
    ja: `${where}、公開 ${observed}${desired === observed ? '' : `（目標 ${desired}）`}`,
  })
}

const forecastWords: Readonly<Record<Forecast['what'], { readonly en: string; readonly ja: string }>> = {
  promote: { en: 'goes on', ja: '次へ進む' },
  raise: { en: 'raises', ja: '公開を広げる' },
  complete: { en: 'completes', ja: '完了する' },
  rollback: { en: 'rolls back', ja: 'ロールバックする' },
  'ask again': { en: 'asks again', ja: '再び尋ねる' },
  'answer by default': { en: 'takes the written answer', ja: '定めた既定の回答を採る' },
}

export function renderForecast(forecast: Forecast, wording: Wording): string {
  const what = forecastWords[forecast.what][wording.language]
  const at = renderTime(forecast.at, wording)
  return inLanguage(wording, {
    en: `${what}${forecast.phase ? ` to ${forecast.phase}` : ''} at ${at}`,
    ja: `${at} に${forecast.phase ? ` ${forecast.phase} へ` : ''}${what}`,
  })
}
