import type { flagChangeSchema } from '@dankai/contract'
import { misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type ChangeOptions, type FieldOptions, fieldsOf } from './change-flag.ts'
import { flagPath, getFlag, queryOf, readAll } from './flag-api.ts'

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
    return print(context, cancelled, () => [lineOf(cancelled)])
  }
  if (options.at === undefined) {
    const items = await readAll<Change>(context, '/v1/flag-changes', options, { flag: key })
    return print(context, { items }, () =>
      items.length === 0 ? [say(context, 'Nothing planned.', '予定はありません。')] : items.map(lineOf),
    )
  }
  const time = readTime(options.at)
  const fields = plannedFields(options)
  await getFlag(context, key, options)
  const { anyway = false, why } = options
  const body = { at: time, flag: fields, anyway, why: why || null }
  const planned = await context.api.post<Change>(flagPath(key, options, '/changes'), body)
  print(context, planned, () => [lineOf(planned)])
}

/** Of the exposure the share alone: what else it is then is not known today. */
function plannedFields(options: FieldOptions): object {
  const { exposure, ...fields } = fieldsOf(options, null)
  if (exposure === undefined || options.share === undefined) return fieldsOf(options, null)
  return { ...fields, exposure: { share: exposure.share } }
}

function lineOf({ id, key, at, flag, state, detail }: Change): string {
  const fields = Object.entries(flag).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const end = detail === null ? state : `${state} (${detail})`
  return `${new Date(at).toISOString()}  ${key}  ${fields.join(' ')}  ${end}  ${id}`
}

function readTime(text: string): string {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(at)) return new Date(at).toISOString()
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
