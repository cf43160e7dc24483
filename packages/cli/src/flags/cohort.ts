import type { cohortPreviewSchema, explainedCohortSchema } from '@dankai/contract'
import { answeredNo, type CommandEnd, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { readPercent } from './change-flag.ts'
import { queryOf, type ScopeOptions } from './flag-api.ts'
import { alignColumns, percent } from './flag-lines.ts'

type Explained = ReturnType<typeof explainedCohortSchema.parse>
type Preview = ReturnType<typeof cohortPreviewSchema.parse>
type Parts = Readonly<Record<string, Readonly<Record<string, number>>>>
type ExplainedFlag = Explained['flags'][number]

export interface ExplainOptions extends ScopeOptions {
  readonly flag?: string
  readonly attribute: readonly string[]
}

export async function explainCohort(context: Context, user: string, options: ExplainOptions): Promise<void> {
  const { flag } = options
  const body = { user, attributes: attributesOf(options.attribute), ...(flag === undefined ? {} : { flag }) }
  const explained = await context.api.post<Explained>(`/v1/cohorts/explain${queryOf(options)}`, body)
  print(context, explained, () =>
    flag === undefined ? tableOf(context, explained) : explained.flags.flatMap(one => stepLines(context, one)),
  )
}

function tableOf(context: Context, { flags, more }: Explained): readonly string[] {
  if (flags.length === 0) return [say(context, 'No flag.', 'フラグはありません。')]
  return [
    ...alignColumns(
      flags.map(({ flag, variant, reason, ruleId }) => [flag, variant ?? '-', reason, ruleId === null ? '' : ruleId]),
    ),
    ...(more
      ? [say(context, '… and more flags; name one with --flag', '… 他にもあります。--flag で指定してください')]
      : []),
  ]
}

function stepLines(context: Context, { flag, variant, reason, errorCode, steps }: ExplainedFlag): readonly string[] {
  const served = `${flag}: ${variant ?? '-'} (${errorCode ?? reason})`
  return [
    served,
    ...alignColumns(
      steps.map(({ step, name, outcome, matches, bucket, threshold, stratum }) => [
        `  ${outcome === 'decides' ? '→' : ' '} ${step}${name === null ? '' : ` ${name}`}`,
        matches === null
          ? ''
          : matches
            ? say(context, 'matches', '当てはまる')
            : say(context, 'no match', '当てはまらない'),
        placeText(context, bucket, threshold),
        stratum === null ? '' : stratumText(context, stratum),
      ]),
    ),
  ]
}

function placeText(context: Context, bucket: number | null, threshold: number | null): string {
  if (threshold === null) return ''
  if (bucket === null) return say(context, `threshold ${percent(threshold)}`, `境目 ${percent(threshold)}`)
  return say(
    context,
    `bucket ${percent(bucket)}, threshold ${percent(threshold)}`,
    `位置 ${percent(bucket)}、境目 ${percent(threshold)}`,
  )
}

const stratumText = (context: Context, where: Readonly<Record<string, readonly string[]>>): string =>
  Object.keys(where).length === 0
    ? say(context, '(rest)', '(その他)')
    : Object.entries(where)
        .map(([attribute, values]) => `${attribute}=${values.join('|')}`)
        .join(', ')

/** `plan=pro`, `beta=true`, `age=42`, `custom.betaTester=true`; a path makes objects. */
function attributesOf(given: readonly string[]): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  for (const text of given) {
    const [, name, value] = /^([^=\s]{1,200})=(.*)$/su.exec(text) ?? []
    const names = name?.split('.') ?? []
    if (value === undefined || names.some(part => part === '' || part === '__proto__')) throw wrongAttribute(text)
    let place = attributes
    for (const part of names.slice(0, -1)) {
      const inner = Object.hasOwn(place, part) ? place[part] : undefined
      const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
      place[part] = next
      place = next
    }
    place[names.at(-1) ?? ''] = attributeValue(value)
  }
  return attributes
}

function attributeValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text ? Number(text) : text
}

export interface PreviewOptions {
  readonly share: string
  readonly quota: readonly string[]
  readonly population: readonly string[]
  readonly rest: string
  readonly size?: number
}

/** What a sample with quotas comes to: thresholds of the strata, and how far off it is where a stratum is short. */
export async function previewCohort(context: Context, options: PreviewOptions): Promise<void> {
  const body = {
    share: readPercent(options.share),
    quotas: partsOf(options.quota, '--quota'),
    population: partsOf(options.population, '--population'),
    rest: options.rest,
  }
  const preview = await context.api.post<Preview>('/v1/cohorts/preview', body)
  print(context, preview, () => previewLines(context, preview, options.size))
  if (preview.isShort) throw answeredNo()
}

function previewLines(
  context: Context,
  { asked, reached, strata, parts }: Preview,
  size: number | undefined,
): readonly string[] {
  const people = size === undefined ? null : Math.round(reached * size)
  return [
    say(
      context,
      `asked ${percent(asked)}, reached ${percent(reached)}${people === null ? '' : ` (${people} people)`}`,
      `目標 ${percent(asked)}、達成 ${percent(reached)}${people === null ? '' : ` (${people} 人)`}`,
    ),
    ...alignColumns([
      [say(context, '  stratum', '  層'), say(context, 'threshold', '境目')],
      ...strata.map(({ where, share }) => [`  ${stratumText(context, where)}`, percent(share)]),
    ]),
    ...alignColumns([
      [say(context, '  part', '  割合'), say(context, 'quota', '目標'), say(context, 'reached', '達成'), ''],
      ...parts.map(part => [
        `  ${part.attribute}=${part.value}`,
        percent(part.quota),
        percent(part.reached),
        offText(context, part.reached - part.quota),
      ]),
    ]),
  ]
}

const offText = (context: Context, difference: number): string =>
  Math.abs(difference) < 1e-6 ? '' : say(context, `${deviation(difference)} off`, `${deviation(difference)} のずれ`)

const deviation = (difference: number): string =>
  `${difference > 0 ? '+' : ''}${Number((difference * 100).toFixed(2))} pp`

/** `region:東京=50%,大阪=20%,その他=30%` */
function partsOf(given: readonly string[], option: string): Parts {
  const parts: Record<string, Record<string, number>> = {}
  for (const text of given) {
    const [, attribute, list] = /^([^:=,]{1,100}):(.+)$/su.exec(text) ?? []
    if (attribute === undefined || list === undefined || attribute === '__proto__') throw wrongParts(option, text)
    const values = list.split(',').map(part => part.split('='))
    const entries = values.map(([value = '', share = '']) => [value, readPercent(share)] as const)
    const sum = entries.reduce((total, [, share]) => total + share, 0)
    if (Math.abs(sum - 1) > 1e-9 || entries.some(([value]) => value === '')) throw wrongParts(option, text)
    parts[attribute] = Object.fromEntries(entries)
  }
  return parts
}

function wrongAttribute(text: string): CommandEnd {
  const shown = text.slice(0, 100)
  return misused(
    { cannot: 'read --attribute', found: `"${shown}"`, expected: 'NAME=VALUE', next: 'Write plan=pro.' },
    {
      cannot: '--attribute を読めません',
      found: `"${shown}" があります`,
      expected: 'NAME=VALUE',
      next: 'plan=pro のように書いてください。',
    },
  )
}

function wrongParts(option: string, text: string): CommandEnd {
  const shown = text.slice(0, 100)
  return misused(
    {
      cannot: `read ${option}`,
      found: `"${shown}"`,
      expected: 'an attribute with shares that make up 100%',
      next: 'Write region:東京=50%,大阪=20%,その他=30%.',
    },
    {
      cannot: `${option} を読めません`,
      found: `"${shown}" があります`,
      expected: '合計 100% の割合を持つ属性',
      next: 'region:東京=50%,大阪=20%,その他=30% のように書いてください。',
    },
  )
}
