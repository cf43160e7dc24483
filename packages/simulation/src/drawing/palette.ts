import type { Doing } from './stretch.ts'

export type Ink = 'plain' | 'dim' | 'good' | 'bad' | 'warn' | 'info' | 'bold'

const codes: Readonly<Record<Ink, string>> = {
  plain: '',
  dim: '\u001b[2m',
  good: '\u001b[32m',
  bad: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[36m',
  bold: '\u001b[1m',
}

/** Colour is decoration only: every mark differs by its shape too, so that a log file and every eye can read it. */
export type Paint = (text: string, ink: Ink) => string

export function createPaint(color: boolean): Paint {
  return (text, ink) => (color && codes[ink] !== '' && text !== '' ? `${codes[ink]}${text}\u001b[0m` : text)
}

export const glyphs: Readonly<Record<Doing, { readonly mark: string; readonly ink: Ink }>> = {
  hold: { mark: '█', ink: 'good' },
  criterion: { mark: '▓', ink: 'warn' },
  gate: { mark: '▒', ink: 'info' },
  calendar: { mark: '░', ink: 'info' },
  gap: { mark: '·', ink: 'warn' },
  paused: { mark: '=', ink: 'warn' },
  raise: { mark: '>', ink: 'info' },
  rule: { mark: '?', ink: 'bad' },
  open: { mark: '─', ink: 'dim' },
  rollback: { mark: '<', ink: 'bad' },
}

export const doingWords: Readonly<Record<Doing, { readonly en: string; readonly ja: string }>> = {
  hold: { en: 'hold', ja: '保持' },
  criterion: { en: 'criteria', ja: '条件待ち' },
  gate: { en: 'gate', ja: 'ゲート' },
  calendar: { en: 'calendar', ja: 'カレンダー' },
  gap: { en: 'no data', ja: 'データなし' },
  paused: { en: 'paused', ja: '停止中' },
  raise: { en: 'raising', ja: '公開変更中' },
  rule: { en: 'rule', ja: 'ルール' },
  open: { en: 'open', ja: '終了待ち' },
  rollback: { en: 'rollback', ja: 'ロールバック' },
}
