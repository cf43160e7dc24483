import { type Context, say } from '../context.ts'
import type { Flag, FlagView, Serve } from './flag-api.ts'

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`
}

/** Characters that take two columns of a terminal. */
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g

const widthOf = (text: string): number => text.length + (text.match(wide)?.length ?? 0)

/** Columns as wide as their widest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<number[]>((known, row) => {
    for (const [index, cell] of row.entries()) known[index] = Math.max(known[index] ?? 0, widthOf(cell))
    return known
  }, [])
  return rows.map(row =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

export const stateOf = ({ flag: { killed, on }, stopped = false }: Pick<FlagView, 'flag' | 'stopped'>): string =>
  stopped ? 'stopped' : killed ? 'killed' : on ? 'on' : 'off'

export function listLines(context: Context, flags: readonly FlagView[]): readonly string[] {
  if (flags.length === 0)
    return [
      say(
        context,
        'No flag. Make one with "dankai flags set KEY --on".',
        'フラグはありません。"dankai flags set KEY --on" で作ります。',
      ),
    ]
  return alignColumns(
    flags.map(({ flag, care, claimedBy, retention, stopped }) => [
      flag.key,
      flag.kind,
      stateOf({ flag, stopped }),
      exposureText(flag),
      care.stage ?? '-',
      [
        ...(claimedBy === null
          ? []
          : [say(context, `moved by release ${claimedBy}`, `リリース ${claimedBy} が動かす`)]),
        ...(retention.state === 'kept' ? [] : [retention.state]),
      ].join(', '),
    ]),
  )
}

export function exposureText({ exposure: { share, cohorts, shadow } }: Flag): string {
  if (shadow) return 'shadow'
  const parts = cohorts.map(cohort => `${percent(cohort.share)} of ${cohort.segment}`)
  return [...(share > 0 || parts.length === 0 ? [percent(share)] : []), ...parts].join(' + ')
}

export function flagLines(
  context: Context,
  { flag, care, claimedBy, retention, ...view }: FlagView,
): readonly string[] {
  const time = (at: number | null): string => (at === null ? '-' : new Date(at).toISOString())
  const row = (en: string, ja: string, value: string): readonly string[] => [`  ${say(context, en, ja)}`, value]
  const rows = [
    ...(view.stopped
      ? [row('stopped', '停止中', say(context, 'nobody has it: emergency stop', '緊急停止により誰にも公開しません'))]
      : []),
    ...(care.title === null ? [] : [row('title', '名前', care.title)]),
    ...(care.description === null ? [] : [row('description', '説明', care.description)]),
    ...(care.owner === null ? [] : [row('owner', '持ち主', care.owner)]),
    ...(care.service === null ? [] : [row('service', 'サービス', care.service)]),
    row('variants', '種類', variantsText(flag)),
    row('exposure', '公開', exposureText(flag)),
    ...bucketRows(row, flag),
    ...flag.prerequisites.map(({ flag: key, variants }) => row('asks for', '前提', `${key}: ${variants.join(', ')}`)),
    ...flag.targets.map(({ variant, keys }) => row('targets', '指名', `${variant}: ${keys.length}`)),
    ...flag.rules.map(rule => row('rule', '規則', ruleText(context, rule))),
    row('otherwise', 'その他', serveText(flag.otherwise)),
    row(
      'read by',
      '読む側',
      care.client ? say(context, 'servers, clients', 'サーバーとクライアント') : say(context, 'servers', 'サーバー'),
    ),
    row('stage', '段階', care.stage ?? '-'),
    row('retention', '保持', retentionText(context, retention)),
    row('evaluated', '評価', time(view.lastEvaluatedAt)),
    row('changed', '変更', time(view.changedAt)),
    ...(claimedBy === null ? [] : [row('moved by', '動かす', `release ${claimedBy}`)]),
  ]
  const version = say(context, `version ${flag.version}`, `版 ${flag.version}`)
  return [`${flag.key}  ${flag.kind}  ${stateOf({ flag, stopped: view.stopped })}  ${version}`, ...alignColumns(rows)]
}

type Row = (en: string, ja: string, value: string) => readonly string[]

/** What decides who is chosen, where it is not what flags have by themselves. */
function bucketRows(row: Row, { algorithm, seed, otherBuckets = [], leaseMs }: Flag): readonly (readonly string[])[] {
  return [
    ...(algorithm === 'dankai' ? [] : [row('buckets', '割当て', `${algorithm}, ${seed}`)]),
    ...(otherBuckets.length === 0 ? [] : [row('other users', '別の利用者', otherBuckets.join(', '))]),
    ...(leaseMs === undefined ? [] : [row('lease', '期限', `${leaseMs / 1_000} s`)]),
  ]
}

type Rule = Flag['rules'][number]

/** Who is asked for stands first: a rule of which only the share is seen reads as one for everybody. */
function ruleText(context: Context, { id, when, share, serve }: Rule): string {
  const who = when.map(conditionText).join(' & ')
  const told = who === '' ? say(context, 'everybody', '全員') : cut(who)
  return `${id}: ${told}: ${percent(share)} -> ${serveText(serve)}`
}

/** A rule may have thousands of values; all of them are in `--json`. */
const shownValuesMax = 3
const shownTextMax = 200

function conditionText({ attribute, operator, values, negated }: Rule['when'][number]): string {
  const shown = values.slice(0, shownValuesMax).map(value => JSON.stringify(value))
  const more = values.length > shownValuesMax ? [`… (${values.length})`] : []
  return [...(negated ? ['not'] : []), attribute, operator, [...shown, ...more].join(', ')]
    .filter(text => text !== '')
    .join(' ')
}

const cut = (text: string): string => (text.length > shownTextMax ? `${text.slice(0, shownTextMax)}…` : text)

/** The server says it in English. */
export function retentionText(context: Context, { state, task, until, message }: FlagView['retention']): string {
  const days = until === null ? null : Math.floor(Math.abs(until - Date.now()) / 86_400_000)
  const work = task === 'review' ? '見直してください' : '削除してください'
  const japanese = {
    kept: days === null ? '保持します' : `保持します。あと ${days} 日`,
    due: `${days} 日以内に${work}`,
    overdue: `${days} 日過ぎています。${work}`,
  }
  return say(context, message, japanese[state])
}

function variantsText({ variants, offVariant, onVariant }: Flag): string {
  return Object.entries(variants)
    .map(([name, value]) => {
      const mark = name === onVariant ? ' (on)' : name === offVariant ? ' (off)' : ''
      return `${name}${mark}=${JSON.stringify(value)}`
    })
    .join(', ')
}

export function serveText(serve: Serve): string {
  if ('variant' in serve) return serve.variant
  return serve.split.map(({ variant, weight }) => `${variant} ${percent(weight / 100_000)}`).join(' / ')
}
