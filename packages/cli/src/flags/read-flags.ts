/** Commands that look at flags and change nothing. */
import type { flagVersionSchema, staleFlagSchema } from '@dankai/contract'
import type { Page } from '../api.ts'
import { answeredNo } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type FlagView, getFlag, queryOf, readAll, type ScopeOptions } from './flag-api.ts'
import { alignColumns, flagLines, listLines } from './flag-lines.ts'

export interface ListOptions extends ScopeOptions {
  readonly kind?: string
}

export async function listFlags(context: Context, { kind, ...scope }: ListOptions): Promise<void> {
  const flags = await readAll<FlagView>(context, '/v1/flags', scope)
  const items = flags.filter(({ flag }) => kind === undefined || flag.kind === kind)
  print(context, { items }, () => listLines(context, items))
}

export async function showFlag(context: Context, key: string, scope: ScopeOptions): Promise<void> {
  const flag = await getFlag(context, key, scope)
  print(context, flag, () => flagLines(context, flag))
}

type Version = ReturnType<typeof flagVersionSchema.parse>

export async function showHistory(
  context: Context,
  key: string,
  { limit, ...scope }: ScopeOptions & { readonly limit: number },
): Promise<void> {
  const path = `/v1/flags/${encodeURIComponent(key)}/history${queryOf(scope, { limit: String(limit) })}`
  const page = await context.api.get<Page<Version>>(path)
  print(context, page, () => [
    ...page.items.flatMap(({ version, at, by, why, changes }) => [
      `${say(context, 'version', '版')} ${version}  ${new Date(at).toISOString()}  ${by}${why === null ? '' : `  "${why}"`}`,
      ...changes.map(line => `  ${line}`),
    ]),
    ...(page.next === null ? [] : [say(context, '… and older ones', '… これより古いものもあります')]),
  ])
}

type Stale = ReturnType<typeof staleFlagSchema.parse>

/** With `--strict` the answer is no as long as a flag is overdue: for a pipeline. */
export async function showStale(
  context: Context,
  { strict, ...scope }: ScopeOptions & { readonly strict?: boolean },
): Promise<void> {
  const items = await readAll<Stale>(context, '/v1/flags/stale', scope)
  print(context, { items }, () =>
    items.length === 0
      ? [say(context, 'No stale flag.', '古いフラグはありません。')]
      : items.flatMap(({ key, kind, owner, reasons, task }) => [
          ...alignColumns([[key, kind, owner ?? '-']]),
          ...reasons.map(({ message }) => `  ${message}`),
          ...(task === null ? [] : [`  ${say(context, 'task', '作業')}: ${task.text}`]),
        ]),
  )
  if (strict === true && items.some(({ retention }) => retention.state === 'overdue')) throw answeredNo()
}
