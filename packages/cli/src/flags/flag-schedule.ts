import type { flagChangeSchema } from '@dankai/contract'
import { misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type ChangeOptions, type FieldOptions, fieldsOf } from './change-flag.ts'
import { findFlag, flagPath, getFlag, queryOf, readAll } from './flag-api.ts'

type Change = ReturnType<typeof flagChangeSchema.parse>

export interface ScheduleOptions extends ChangeOptions, FieldOptions {
  readonly at?: string
  readonly anyway?: boolean
  readonly cancel?: string
}

/** Plans a change with `--at`, cancels one with `--cancel`, else lists what is planned. */
export async function scheduleFlag(context: Context, key: string, options: ScheduleOptions): Promise<void> {
  if (options.cancel !== undefined) {
    const path = `/v1/flag-changes/${encodeURIComponent(options.cancel)}${queryOf(options)}`
    const cancelled = await context.api.delete<Change>(path)
    return print(context, cancelled, () => [lineOf(context, cancelled, null)])
  }
  if (options.at === undefined) {
    const items = await readAll<Change>(context, '/v1/flag-changes', options, { flag: key })
    const present = items.some(isWaiting) ? await findFlag(context, key, options) : null
    return print(context, { items }, () =>
      items.length === 0
        ? [say(context, 'Nothing planned.', '予定はありません。')]
        : items.map(item => lineOf(context, item, present?.flag.version ?? null)),
    )
  }
  const time = readTime(options.at)
  const fields = plannedFields(options)
  await getFlag(context, key, options)
  const { anyway = false, why } = options
  const body = { at: time, flag: fields, anyway, why: why || null }
  const planned = await context.api.post<Change>(flagPath(key, options, '/changes'), body)
  print(context, planned, () => [lineOf(context, planned, planned.seenVersion)])
}

/** Of the exposure the share alone: what else it is then is not known today. */
function plannedFields(options: FieldOptions): object {
  const { exposure, ...fields } = fieldsOf(options, null)
  if (exposure === undefined || options.share === undefined) return fieldsOf(options, null)
  return { ...fields, exposure: { share: exposure.share } }
}

const isWaiting = ({ state, anyway }: Change): boolean => state === 'planned' && !anyway

const japaneseStates = { planned: '予定', done: '実行済み', cancelled: '取消', failed: '失敗' } as const

/** Null: the version of the flag is not known, or there is no flag. */
function lineOf(context: Context, change: Change, present: number | null): string {
  const { id, key, at, flag, state, detail, seenVersion } = change
  const fields = Object.entries(flag).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const said = say(context, state, japaneseStates[state])
  const outdated =
    isWaiting(change) && present !== null && present !== seenVersion
      ? say(
          context,
          `will be cancelled: the flag is at version ${present}, seen was ${seenVersion}`,
          `取り消されます: フラグは版 ${present}、見た版は ${seenVersion}`,
        )
      : detail
  const end = outdated === null ? said : `${said} (${outdated})`
  return `${new Date(at).toISOString()}  ${key}  ${fields.join(' ')}  ${end}  ${id}`
}

function readTime(text: string): string {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const at = year === undefined ? Number.NaN : Date.parse(text)
  // Date.parse takes the 31st of a month of 30 days for the 1st of the next.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
  if (Number.isFinite(at) && isDay) return new Date(at).toISOString()
  throw misused(
    {
      cannot: 'read the time',
      found: `"${text.slice(0, 50)}"`,
      expected: 'a time with its zone',
      next: 'Write 2026-11-24T09:00:00+09:00.',
    },
    {
      cannot: '時刻を読めません',
      found: `"${text.slice(0, 50)}" があります`,
      expected: '時差つきの時刻',
      next: '2026-11-24T09:00:00+09:00 のように書いてください。',
    },
  )
}
