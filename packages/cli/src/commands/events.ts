import { type Context, print } from '../context.ts'
import { eventLine, pinnedPlan, type TimelineEvent, wordingFor } from '../release-lines.ts'

const pageSize = 500

/** The whole log, a page at a time; with --json one line per event. */
export async function listEvents(context: Context, name: string, { since }: { readonly since: number }): Promise<void> {
  const id = await context.api.releaseId(name)
  const wording = wordingFor(context, await pinnedPlan(context, id))
  let from: number | null = since
  while (from !== null) {
    const path: string = `/v1/releases/${id}/events?since=${from}&limit=${pageSize}`
    const page = await context.api.page<TimelineEvent>(path)
    for (const event of page.items) print(context, event, () => [eventLine(event, wording)])
    const next: number = Number(page.next ?? -1)
    from = next > from ? next : null
  }
}
