import type { Clock } from '@dankai/engine'
import type { Logger } from '../http/log.ts'

/**
 * Clocks of machines drift milliseconds an hour, but they are also set: until it is asked again, samples are put where
 * nobody looks for them. One second is the shortest bucket.
 */
const askEveryMs = 1_000

export interface DatabaseClock {
  /** The database's time without asking it; goes on when the database is away, and never steps back. */
  now(): number
  close(): void
}

export async function openDatabaseClock(clock: Clock, log: Logger): Promise<DatabaseClock> {
  let offset = 0
  let latest = 0
  async function ask(): Promise<void> {
    const before = performance.now()
    const now = await clock.now()
    // Half of the round trip is the best guess of when the answer was made.
    offset = now - (before + performance.now()) / 2
  }
  await ask()
  const timer = setInterval(() => {
    ask().catch(error => log.debug({ err: error }, 'cannot ask the database for the time'))
  }, askEveryMs)
  return {
    now() {
      latest = Math.max(latest, Math.round(performance.now() + offset))
      return latest
    },
    close: () => clearInterval(timer),
  }
}
