import type { WaitingOn } from '@dankai/core'
import { renderAmount, renderDuration, renderShare, renderTime, unitOfSentence } from './amount.ts'
import { inLanguage, type Wording } from './wording.ts'

/**
 * What a release waits for, as one line. The line begins with the thing itself (`approval of release-managers`,
 * `data for error_rate`), then what is known about it: plan tests compare from the beginning, so the beginning is part
 * of the contract and details come after it.
 */
export function renderWaitingOn(waiting: WaitingOn, wording: Wording): string {
  switch (waiting.kind) {
    case 'hold':
      return renderHold(waiting, wording)
    case 'close':
      return inLanguage(wording, { en: 'a person to close the release', ja: 'リリースの終了操作' })
    case 'calendar':
      return renderCalendar(waiting, wording)
    case 'approval':
      return inLanguage(wording, {
        en: `approval of ${waiting.role} (${waiting.have} of ${waiting.need})`,
        ja: `${waiting.role} の承認（${waiting.need} 件中 ${waiting.have} 件）`,
      })
    case 'confirmation':
      return renderConfirmation(waiting, wording)
    case 'step':
      return inLanguage(wording, {
        en: `step "${waiting.name}"${untilText(waiting.deadline, wording)}`,
        ja: `ステップ「${waiting.name}」${untilText(waiting.deadline, wording)}`,
      })
    case 'retryOrSkip':
      return inLanguage(wording, {
        en: `retry or skip of "${waiting.name}": ${waiting.detail}`,
        ja: `「${waiting.name}」の再試行かスキップ: ${waiting.detail}`,
      })
    case 'criterion':
      return renderCriterionWait(waiting, wording)
    case 'data':
      return inLanguage(wording, {
        en: `data for ${waiting.metric} (none since ${renderTime(waiting.since, wording)})`,
        ja: `${waiting.metric} のデータ（${renderTime(waiting.since, wording)} から届いていない）`,
      })
    case 'exposure':
      return renderExposureWait(waiting, wording)
    case 'decision':
      return inLanguage(wording, {
        en: `decision about "${waiting.because}" by ${renderTime(waiting.deadline, wording)}, otherwise ${waiting.otherwise}`,
        ja: `「${waiting.because}」についての判断（期限 ${renderTime(waiting.deadline, wording)}、回答なしは${waiting.otherwise === 'rollback' ? 'ロールバック' : '続行'}）`,
      })
    case 'latched':
      return inLanguage(wording, {
        en: `rollback at ${renderTime(waiting.rollbackAt, wording)} because of "${waiting.name}"`,
        ja: `${renderTime(waiting.rollbackAt, wording)} のロールバック（「${waiting.name}」）`,
      })
    case 'rule':
      return inLanguage(wording, { en: `end of "${waiting.name}"`, ja: `「${waiting.name}」の解消` })
    case 'resume':
      return inLanguage(wording, { en: `resume (paused by ${waiting.by})`, ja: `再開（${waiting.by} が一時停止中）` })
    case 'halted':
      return inLanguage(wording, {
        en: `a person, halted because of "${waiting.because}"`,
        ja: `人の操作（「${waiting.because}」で停止中）`,
      })
    case 'plan':
      return inLanguage(wording, { en: `completion of plan ${waiting.plan}`, ja: `プラン ${waiting.plan} の完了` })
    case 'time':
      return inLanguage(wording, {
        en: `time ${renderTime(waiting.until, wording)}`,
        ja: `${renderTime(waiting.until, wording)} になること`,
      })
    case 'drift':
      return inLanguage(wording, { en: `drift of ${waiting.hand} to end`, ja: `${waiting.hand} のずれの解消` })
    case 'coverage':
      return inLanguage(wording, {
        en: `observation, lost since ${renderTime(waiting.since, wording)}`,
        ja: `監視の再開（${renderTime(waiting.since, wording)} から途切れている）`,
      })
  }
}

type Waiting<Kind extends WaitingOn['kind']> = Extract<WaitingOn, { kind: Kind }>

function untilText(deadline: number | null, wording: Wording): string {
  if (deadline === null) return ''
  return inLanguage(wording, {
    en: ` by ${renderTime(deadline, wording)}`,
    ja: `（期限 ${renderTime(deadline, wording)}）`,
  })
}

function renderHold(waiting: Waiting<'hold'>, wording: Wording): string {
  const covered = renderDuration(waiting.coveredMs, wording.language)
  const whole = renderDuration(waiting.holdMs, wording.language)
  if (waiting.until === null)
    return inLanguage(wording, { en: `hold, ${covered} of ${whole}`, ja: `保持（${whole}のうち${covered}）` })
  const until = renderTime(waiting.until, wording)
  return inLanguage(wording, {
    en: `hold until ${until}, ${covered} of ${whole}`,
    ja: `保持 ${until} まで（${whole}のうち${covered}）`,
  })
}

function renderCalendar(waiting: Waiting<'calendar'>, wording: Wording): string {
  const until = waiting.until === null ? null : renderTime(waiting.until, wording)
  return inLanguage(wording, {
    en: `calendar ${waiting.calendar}${until ? ` until ${until}` : ''} (${waiting.entry})`,
    ja: `カレンダー ${waiting.calendar}${until ? ` ${until} まで` : ''}（${waiting.entry}）`,
  })
}

function renderConfirmation(waiting: Waiting<'confirmation'>, wording: Wording): string {
  const until = untilText(waiting.deadline, wording)
  return inLanguage(wording, {
    en: `confirmation of "${waiting.name}"${waiting.by ? ` by ${waiting.by}` : ''}${waiting.deadline === null ? '' : `, due${until}`}`,
    ja: `${waiting.by ? `${waiting.by} による` : ''}「${waiting.name}」の確認${until}`,
  })
}

function renderCriterionWait(waiting: Waiting<'criterion'>, wording: Wording): string {
  const known = describeMeasured(waiting, wording)
  return inLanguage(wording, { en: `criterion ${waiting.text}`, ja: `条件 ${waiting.text}` }) + known
}

interface Measured {
  readonly criterion: string
  readonly text: string
  readonly met: 'yes' | 'no' | 'unknown'
  readonly verdict: string | null
  readonly value: number | null
  readonly limit: number | null
  readonly samples: number | null
  readonly samplesNeeded?: number | null
}

const verdictWords: Readonly<Record<string, { readonly en: string; readonly ja: string }>> = {
  harmful: { en: 'harmful', ja: '悪化' },
  safe: { en: 'safe', ja: '安全' },
  undecided: { en: 'undecided', ja: '未確定' },
  'no data': { en: 'no data', ja: 'データなし' },
  invalid: { en: 'invalid', ja: '判定不能' },
}

/** ` (5.01%, limit 5%, safe, 40 of 2300 samples)`; empty when nothing is known. */
export function describeMeasured(measured: Measured, wording: Wording): string {
  const unit = unitOfSentence(wording.plan, measured.criterion, measured.text)
  const japanese = wording.language === 'ja'
  const parts: string[] = []
  if (measured.value !== null) parts.push(renderAmount(measured.value, unit))
  if (measured.limit !== null) parts.push(`${japanese ? '限度' : 'limit'} ${renderAmount(measured.limit, unit)}`)
  if (measured.verdict !== null) parts.push(verdictWords[measured.verdict]?.[wording.language] ?? measured.verdict)
  if (measured.samples !== null) parts.push(renderSamples(measured.samples, measured.samplesNeeded ?? null, wording))
  if (parts.length === 0) return ''
  return japanese ? `（${parts.join('、')}）` : ` (${parts.join(', ')})`
}

function renderSamples(samples: number, needed: number | null, wording: Wording): string {
  if (needed === null || needed <= samples)
    return inLanguage(wording, { en: `${samples} samples`, ja: `${samples} 件` })
  return inLanguage(wording, { en: `${samples} of ${needed} samples`, ja: `${needed} 件中 ${samples} 件` })
}

function renderExposureWait(waiting: Waiting<'exposure'>, wording: Wording): string {
  const observed =
    waiting.observed === null
      ? inLanguage(wording, { en: 'unreadable', ja: '読めない' })
      : renderShare(waiting.observed)
  const problem = waiting.problem === null ? '' : `: ${waiting.problem}`
  return inLanguage(wording, {
    en: `exposure of ${waiting.hand} at ${renderShare(waiting.desired)}, observed ${observed}${problem}`,
    ja: `${waiting.hand} の公開 ${renderShare(waiting.desired)}（実測 ${observed}）${problem}`,
  })
}
