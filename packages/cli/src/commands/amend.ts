import type { ReleaseDetail } from '@dankai/contract'
import { type Context, print } from '../context.ts'
import { statusLines, type TimelineEvent } from '../release-lines.ts'

/** Lets a running release take over the newest applied plan, and says what that changed. */
export async function amendRelease(
  context: Context,
  name: string,
  { why, seen }: { readonly why: string; readonly seen?: number },
): Promise<void> {
  const id = await context.api.releaseId(name)
  const expected = seen === undefined ? null : { seq: seen }
  const release = await context.api.post<ReleaseDetail>(`/v1/releases/${id}/amend`, { why, expected })
  const changes = await changesOf(context, release)
  const lines = context.json ? [] : [...changes.map(change => `  ${change}`), ...(await statusLines(context, release))]
  print(context, { ...release, changes }, () => lines)
}

/** The record of this very amendment: the log keeps what each revision changed. */
async function changesOf(context: Context, { id, seq, revision }: ReleaseDetail): Promise<readonly string[]> {
  const since = Math.max(0, seq - recentEvents)
  const { items } = await context.api.page<TimelineEvent>(
    `/v1/releases/${id}/events?since=${since}&limit=${recentEvents}`,
  )
  for (const { body } of items) if (body.type === 'PlanAmended' && body.revision === revision) return body.changes
  return []
}

/** The amendment is among the newest events; few can come in the moment between the two calls. */
const recentEvents = 100
