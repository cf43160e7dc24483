import type { Reason } from '@dankai/core'
import { renderTime } from './amount.ts'
import { inLanguage, type Wording } from './wording.ts'

/** Why a release is where it is, as one line. */
export function renderReason(reason: Reason, wording: Wording): string {
  switch (reason.kind) {
    case 'rolledBack':
      return inLanguage(wording, {
        en: `rolling back because of ${reason.because}${reason.by ? `, by ${reason.by}` : ''}`,
        ja: `ロールバックの理由: ${reason.because}${reason.by ? `（${reason.by}）` : ''}`,
      })
    case 'pending':
      return renderPending(reason, wording)
    case 'policy':
      return inLanguage(wording, { en: `policy: ${reason.text}`, ja: `方針: ${reason.text}` })
    case 'promoted':
      return inLanguage(wording, {
        en: `promoted to ${reason.phase}${reason.because.length > 0 ? `: ${reason.because.join('; ')}` : ''}`,
        ja: `${reason.phase} へ進行${reason.because.length > 0 ? `: ${reason.because.join('、')}` : ''}`,
      })
  }
}

function renderPending(reason: Extract<Reason, { kind: 'pending' }>, wording: Wording): string {
  const since = renderTime(reason.since, wording)
  const fires = reason.firesAt === null ? null : renderTime(reason.firesAt, wording)
  return inLanguage(wording, {
    en: `"${reason.name}" true since ${since}${fires ? `, fires at ${fires}` : ''}`,
    ja: `「${reason.name}」が ${since} から成立${fires ? `、${fires} に発動` : ''}`,
  })
}
