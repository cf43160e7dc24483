/**
 * Tasks that flags give to people: remove it, review it. A task is there as long as its reason (stale-flags);
 * here its opening is put on record and into the log, so that somebody hears of it who does not ask.
 *
 *  1. An opening is on record once, also after a restart. Two instances that look in the same moment may both write it.
 */
import type { Scope, Store } from '@dankai/store'
import type { Logger } from '../../http/log.ts'
import { assessStale, flagsOf, type StaleFlag } from './stale-flags.ts'

/** Retention is counted in days. */
const lookEveryMs = 3_600_000

export const openTaskAction = 'open flag task'

type Parts = {
  readonly store: Pick<Store, 'flags' | 'audit'>
  readonly now: () => number
  readonly log: Logger
}

export function startFlagTasks(parts: Parts): { close(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    running = openFlagTasks(parts).catch(error =>
      parts.log.warn({ err: error }, 'cannot look for flags past their retention at the moment'),
    )
  }, lookEveryMs)
  return {
    async close() {
      clearInterval(timer)
      await running
    },
  }
}

/** Returns the keys of flags whose task was put on record now. */
export async function openFlagTasks({ store, now, log }: Parts): Promise<readonly string[]> {
  const opened: string[] = []
  for (const scope of await store.flags.scopes())
    for await (const flag of flagsOf(store.flags, scope)) {
      const stale = assessStale(flag, now(), () => null, null)
      if (stale?.task == null || (await isOnRecord(store, scope, stale.key, stale.task))) continue
      const { kind, text, openedAt } = stale.task
      const detail = { task: kind, text, openedAt, owner: stale.owner }
      await store.audit.append({
        ...scope,
        by: 'dankai',
        action: openTaskAction,
        subject: stale.key,
        why: null,
        detail,
      })
      log.warn({ ...scope, flag: stale.key, owner: stale.owner }, text)
      opened.push(stale.key)
    }
  return opened
}

async function isOnRecord(
  { audit }: Pick<Store, 'audit'>,
  scope: Scope,
  subject: string,
  { openedAt }: NonNullable<StaleFlag['task']>,
): Promise<boolean> {
  for (let after: string | null = null; ; ) {
    const page = await audit.list(scope, { subject, limit: 200, after })
    if (page.items.some(({ action, detail }) => action === openTaskAction && detail['openedAt'] === openedAt))
      return true
    if (page.next === null) return false
    after = page.next
  }
}
