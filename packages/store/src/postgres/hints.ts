import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Hint, Hints } from '../hint-ports.ts'
import type { Database } from './database.ts'

/**
 * Hints of all instances, heard on one connection that does nothing else.
 *
 * The connection is opened with the first listener. When it breaks it is opened again, and listeners then hear
 * `reconnected`: what was said meanwhile is lost, so they read on from their cursors. The first connection says
 * `reconnected` too, because whoever subscribed before it stood may have missed something.
 */
export interface HintListener extends Hints {
  close(): Promise<void>
}

const reconnectPausesMs = [50, 100, 200, 500, 1_000] as const

export function listenForHints(database: Database): HintListener {
  const listeners = new Set<(hint: Hint) => void>()
  const closing = new AbortController()
  let client: pg.Client | null = null
  let running: Promise<void> | null = null

  return {
    subscribe(listener) {
      listeners.add(listener)
      running ??= keepListening()
      return () => void listeners.delete(listener)
    },
    async close() {
      closing.abort()
      await client?.end().catch(() => {})
      await running
    },
  }

  async function keepListening(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const heard = await listenUntilBroken()
      if (heard) failures = 0
      const waitMs = reconnectPausesMs[Math.min(failures, reconnectPausesMs.length - 1)]
      await pause(waitMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  /** True when it could listen at all. What is wrong with the database is said by the queries of this process. */
  async function listenUntilBroken(): Promise<boolean> {
    const connection = new pg.Client(database.connection)
    const broken = new Promise<void>(resolve => {
      connection.once('error', () => resolve())
      connection.once('end', () => resolve())
    })
    connection.on('error', () => {})
    connection.on('notification', ({ payload }) => say(parseHint(payload)))
    client = connection
    try {
      await connection.connect()
      await connection.query(`listen ${pg.escapeIdentifier(`${database.schema}_hint`)}`)
      say({ kind: 'reconnected' })
      await broken
      return true
    } catch {
      return false
    } finally {
      await connection.end().catch(() => {})
    }
  }

  function say(hint: Hint | null): void {
    if (hint === null || closing.signal.aborted) return
    for (const listener of listeners) listener(hint)
  }
}

function parseHint(payload: string | undefined): Hint | null {
  try {
    const hint = JSON.parse(payload ?? '') as Hint
    return typeof hint?.kind === 'string' ? hint : null
  } catch {
    return null
  }
}
