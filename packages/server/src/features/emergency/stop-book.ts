/**
 * The emergency stops in force, whatever state the database is in.
 *
 *  1. A stop goes to the database first. Without an answer within a second it goes to memory and a flushed file, and is
 *     in force at once; the database is told when it is back.
 *  2. Stops merge as "off wins": those of the database and those of the file are in force together.
 *  3. Lifting needs the database: what could not be agreed on by all instances stays off.
 *  4. Whoever serves or moves something is told in the same turn in which a stop comes into force.
 *  5. What is said to be in force is what is kept: the overlay of the database and not the request (`kept-stop.ts`).
 *  6. A place has a bounded number of stops. Stopping everything there is always possible, and so is repeating a stop.
 */
import type { Hints, OverlayStore } from '@dankai/store'
import { answeredWithin } from '../../http/answered-within.ts'
import type { Logger } from '../../http/log.ts'
import type { Stop } from '../../serving/served-flags.ts'
import { databaseWithinMs, isSameQuestion, isSameStop, keepStop } from './kept-stop.ts'
import type { StopFile } from './stop-file.ts'

export interface KeptStop {
  /** "memory": the database was away and the file could not be written, so a restart would forget it. */
  readonly stored: 'database' | 'file' | 'memory'
  /** Its id is another than the one asked for when that was taken. */
  readonly stop: Stop
}

export interface StopBook {
  readonly active: readonly Stop[]
  /** Null when its place has as many stops as it may have, and nothing of this was done. */
  stop(stop: Stop): Promise<KeptStop | null>
  /** Lifts those that are meant, of all in force anywhere, and says which; throws when the database is away. */
  lift(isMeant: (stop: Stop) => boolean, by: string, why: string): Promise<readonly Stop[]>
  onChange(listener: (stops: readonly Stop[]) => void): void
  /** Reads what other instances stopped or lifted. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** In one environment. The database reads twice as many, for those that several instances take at the same moment. */
export const stopsMax = 500
const tellAgainEveryMs = 2_000

export async function openStopBook(options: {
  readonly overlays: Pick<OverlayStore, 'stop' | 'clear' | 'active'>
  readonly hints: Hints
  readonly file: StopFile
  readonly log: Logger
}): Promise<StopBook> {
  const { overlays, hints, file, log } = options
  const listeners: ((stops: readonly Stop[]) => void)[] = []
  let stored: readonly Stop[] = await overlays.active(null)
  let untold: readonly Stop[] = await file.read()
  let telling: Promise<void> | null = null
  let closed = false

  const active = (): readonly Stop[] => [
    ...stored,
    ...untold.filter(stop => !stored.some(other => isSameStop(other, stop))),
  ]
  const changed = (): void => {
    for (const listener of listeners) listener(active())
  }

  async function refresh(): Promise<void> {
    stored = await overlays.active(null)
    changed()
  }

  /** A stop is in force without the file too, so a disk that is full is said and keeps nobody from stopping. */
  async function keepFile(): Promise<boolean> {
    try {
      await file.write(untold)
      return true
    } catch (error) {
      log.error({ err: error }, 'cannot write the file of emergency stops: a restart would forget those in it')
      return false
    }
  }

  async function tellDatabase(): Promise<void> {
    const told = untold
    if (told.length === 0) return
    for (const stop of told) await keepStop(overlays, stop, { askedAt: stop.at, isWaiting: () => true })
    stored = await overlays.active(null)
    untold = untold.filter(stop => !told.includes(stop))
    // One that stays in the file is told again after a restart, which changes nothing.
    await keepFile()
    changed()
    log.info({ stops: told.length }, 'told the database of emergency stops made without it')
  }

  const teller = setInterval(() => {
    telling ??= tellDatabase()
      .catch(error => log.warn({ err: error }, 'cannot tell the database of emergency stops yet'))
      .finally(() => {
        telling = null
      })
  }, tellAgainEveryMs)

  const unsubscribe = hints.subscribe(hint => {
    if (closed || (hint.kind !== 'overlays' && hint.kind !== 'reconnected')) return
    refresh().catch(error => log.warn({ err: error }, 'cannot read emergency stops'))
  })

  return {
    get active() {
      return active()
    },
    async stop(asked) {
      const stop = roomFor(asked, active())
      if (stop === null) return null
      const kept = await keptInTime(overlays, stop)
      if (kept !== null) {
        stored = [kept, ...stored.filter(({ id }) => id !== kept.id)]
        changed()
        return { stored: 'database', stop: kept }
      }
      untold = [...untold.filter(other => !isSameStop(other, stop)), stop]
      changed()
      return { stored: (await keepFile()) ? 'file' : 'memory', stop }
    },
    async lift(isMeant, by, why) {
      await tellDatabase()
      // Another instance may have made one of which this one has not heard.
      await refresh()
      const lifted = active().filter(isMeant)
      for (const { id } of lifted) await overlays.clear(id, by, why)
      await refresh()
      return lifted
    },
    onChange(listener) {
      listeners.push(listener)
      listener(active())
    },
    refresh,
    async close() {
      closed = true
      clearInterval(teller)
      unsubscribe()
      await telling
    },
  }
}

/** The stop itself while its place has room; without, the same one that is in force already, or null. */
function roomFor(stop: Stop, inForce: readonly Stop[]): Stop | null {
  const here = inForce.filter(
    ({ project, environment }) => project === stop.project && environment === stop.environment,
  )
  if (here.length < stopsMax) return stop
  const same = here.find(other => isSameQuestion(other, stop))
  if (same !== undefined) return { ...stop, id: same.id }
  return stop.stops.kind === 'everything' ? stop : null
}

/** Null when it failed or took too long; it may still happen, and happening twice is once. */
async function keptInTime(overlays: Pick<OverlayStore, 'stop'>, stop: Stop): Promise<Stop | null> {
  let isWaiting = true
  // Whoever asks now means now, whatever was lifted before.
  const work = keepStop(overlays, stop, { askedAt: Number.POSITIVE_INFINITY, isWaiting: () => isWaiting })
  const inTime = answeredWithin(work, databaseWithinMs, 'keep an emergency stop')
  try {
    return await inTime
  } catch {
    return null
  } finally {
    isWaiting = false
  }
}
