/**
 * The emergency stops in force, whatever state the database is in.
 *
 *  1. A stop goes to the database first. Without an answer within a second it goes to memory and a flushed file, and is
 *     in force at once; the database is told when it is back.
 *  2. Stops merge as "off wins": those of the database and those of the file are in force together.
 *  3. Lifting needs the database: what could not be agreed on by all instances stays off.
 *  4. Whoever serves or moves something is told in the same turn in which a stop comes into force.
 */
import type { Hints, OverlayStore } from '@dankai/store'
import { answeredWithin } from '../../http/answered-within.ts'
import type { Logger } from '../../http/log.ts'
import type { Stop } from '../../serving/served-flags.ts'
import type { StopFile } from './stop-file.ts'

export interface StopBook {
  readonly active: readonly Stop[]
  stop(stop: Stop): Promise<'database' | 'file'>
  /** Lifts these stops; throws when the database is away. */
  lift(ids: readonly string[], by: string, why: string): Promise<void>
  onChange(listener: (stops: readonly Stop[]) => void): void
  /** Reads what other instances stopped or lifted. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Semantics G2. */
const databaseWithinMs = 1_000
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

  const active = (): readonly Stop[] => [...stored, ...untold.filter(stop => !stored.some(({ id }) => id === stop.id))]
  const changed = (): void => {
    for (const listener of listeners) listener(active())
  }

  async function refresh(): Promise<void> {
    stored = await overlays.active(null)
    changed()
  }

  async function tellDatabase(): Promise<void> {
    if (untold.length === 0) return
    for (const stop of untold) await overlays.stop(stop)
    const told = new Set(untold.map(({ id }) => id))
    stored = await overlays.active(null)
    untold = untold.filter(({ id }) => !told.has(id))
    await file.write(untold)
    changed()
    log.info({ stops: told.size }, 'told the database of emergency stops made without it')
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
    async stop(stop) {
      if (await isKept(overlays.stop(stop))) {
        stored = [...stored.filter(({ id }) => id !== stop.id), stop]
        changed()
        return 'database'
      }
      untold = [...untold.filter(({ id }) => id !== stop.id), stop]
      changed()
      await file.write(untold)
      return 'file'
    },
    async lift(ids, by, why) {
      await tellDatabase()
      for (const id of ids) await overlays.clear(id, by, why)
      await refresh()
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

/** False when it failed or took too long; it may still happen, and happening twice is once. */
function isKept(work: Promise<unknown>): Promise<boolean> {
  return answeredWithin(work, databaseWithinMs, 'keep an emergency stop').then(
    () => true,
    () => false,
  )
}
