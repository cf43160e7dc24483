import type { Store } from '@dankai/store'
import type { Logger } from '../http/log.ts'

/**
 * Packed samples are the past that releases are compared with, an hour ago at the nearest; the log itself is kept for
 * days. A row is rewritten whole when something is added, so it is done now and then, by whoever comes first.
 */
const compactEveryMs = 600_000
const pruneEveryMs = 3_600_000

/** Work that keeps the database small. A failure is tried again at the next turn. */
export function startHousekeeping(store: Store, log: Logger): { close(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve()
  const every = (ms: number, what: string, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      running = running.then(work).catch(error => log.warn({ err: error }, `cannot ${what} at the moment`))
    }, ms)
  const timers = [
    every(compactEveryMs, 'pack samples', () => store.samples.compact()),
    every(pruneEveryMs, 'prune the store', () => store.prune()),
  ]
  return {
    async close() {
      for (const timer of timers) clearInterval(timer)
      await running
    },
  }
}
