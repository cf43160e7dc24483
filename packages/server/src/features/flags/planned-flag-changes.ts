/**
 * Changes of flags that were planned for a time, carried out when it has come.
 *
 * Every instance looks; the store lets one of them end each change. The time is the database's.
 */
import type { Store } from '@dankai/store'
import type { Logger } from '../../http/log.ts'
import type { Environments } from '../../serving/environments.ts'
import { decideDueChange } from './planned-change.ts'

/** People plan by the minute; a second late is on time, and the look is one indexed read. */
const lookEveryMs = 1_000
/** In one look; whoever plans thousands for one moment waits a few seconds. */
const atOnceMax = 200

export function startPlannedFlagChanges(parts: {
  readonly store: Pick<Store, 'flagChanges'>
  readonly environments: Pick<Environments, 'refresh'>
  readonly log: Logger
}): { close(): Promise<void> } {
  const { log } = parts
  let running: Promise<void> | null = null
  let isClosed = false
  const timer = setInterval(() => {
    running ??= endDue(parts, () => isClosed)
      .catch(error => log.warn({ err: error }, 'cannot carry out planned changes of flags at the moment'))
      .finally(() => {
        running = null
      })
  }, lookEveryMs)
  return {
    async close() {
      isClosed = true
      clearInterval(timer)
      await running
    },
  }
}

async function endDue(
  { store, environments, log }: Parameters<typeof startPlannedFlagChanges>[0],
  isClosed: () => boolean,
): Promise<void> {
  for (let count = 0; count < atOnceMax && !isClosed(); count++) {
    const change = await store.flagChanges.endNextDue(decideDueChange)
    if (change === null) return
    const { project, environment, key, state, detail } = change
    log[state === 'done' ? 'info' : 'warn']({ project, environment, flag: key, state, detail }, 'a planned flag change')
    if (state === 'done') await environments.refresh({ project, environment })
  }
}
