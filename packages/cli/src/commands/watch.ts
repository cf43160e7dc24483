/**
 * Follows a release to its end, whatever happens to the connection.
 *
 *  1. Every event is printed once and in order: a new connection goes on after the last one seen.
 *  2. A connection that breaks is made again, on the next instance if there are several, until nothing was heard for
 *     `patienceMs`.
 *  3. Exit code 0 when the release completed, 1 when it was taken back, 3 when nobody answers any more.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { EventBody } from '@dankai/core'
import { answeredNo, CommandEnd, exitCode } from '../command-end.ts'
import { type Context, print } from '../context.ts'
import { eventLine, pinnedPlan, type TimelineEvent, wordingFor } from '../release-lines.ts'

/** A restart of a server takes seconds; a new machine takes a minute. */
const patienceMs = 120_000
const firstPauseMs = 250
const longestPauseMs = 5_000

export async function watchRelease(context: Context, name: string): Promise<void> {
  const id = await context.api.releaseId(name)
  const wording = wordingFor(context, await pinnedPlan(context, id))
  for await (const event of followTimeline(context, id)) {
    print(context, event, () => [eventLine(event, wording)])
    const end = endOf(event.body)
    if (end === 'no') throw answeredNo()
    if (end === 'done') return
  }
}

function endOf({ type }: EventBody): 'done' | 'no' | null {
  if (type === 'Completed') return 'done'
  return type === 'RolledBack' || type === 'Contained' ? 'no' : null
}

/** Never ends by itself: the caller stops at the event that is the end, or an exception says why there are no more. */
async function* followTimeline(context: Context, id: string): AsyncGenerator<TimelineEvent> {
  let last = 0
  let heardAt = performance.now()
  for (let attempt = 0; ; attempt++) {
    let lost: unknown = null
    try {
      const path = `/v1/releases/${id}/timeline?since=${last}`
      for await (const { event, data } of context.api.stream(path, null, attempt)) {
        heardAt = performance.now()
        attempt = 0
        const message = event === 'event' ? (JSON.parse(data) as TimelineEvent) : null
        if (message === null || message.seq <= last) continue
        last = message.seq
        yield message
      }
    } catch (end) {
      if (!mayComeBack(end, last)) throw end
      lost = end
    }
    if (lost !== null && performance.now() - heardAt > patienceMs) throw lost
    await wait(Math.min(longestPauseMs, firstPauseMs * 2 ** attempt))
  }
}

/** What was never there is not waited for: the first connection must succeed. */
const mayComeBack = (end: unknown, last: number): boolean =>
  last > 0 && end instanceof CommandEnd && end.exit === exitCode.unreachable
