import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { deadAfterMs, lookForDeadEveryMs } from '@dankai/engine'
import pg from 'pg'
import type { Hint, Hints } from '../hint-ports.ts'
import type { Database, Statement } from './database.ts'

/**
 * Hints between the processes that share a database.
 *
 * 1. What this process did it hears itself at once; others hear it by NOTIFY, sent after the commit and together.
 *    Transactions that notify are written to disk one by one, so only those that move flags do so themselves.
 * 2. One connection listens and does nothing else. When it breaks it is opened again, and `reconnected` is said,
 *    because what was said meanwhile is lost. The first connection says it too: whoever subscribed before may have
 *    missed something.
 * 3. A process that dies between its commit and its NOTIFY takes the hint with it. So when an instance is no longer
 *    alive, `reconnected` is said as well; whoever hears it also looks at once for what the dead one owned.
 */
/** Called after the commit. Never throws and never waits. */
export type Tell = (hints: readonly Hint[]) => void

export interface HintExchange extends Hints {
  readonly tell: Tell
  close(): Promise<void>
}

const reconnectPausesMs = [50, 100, 200, 500, 1_000] as const
const retryPauseMs = 100
/** More than this waiting to be sent (the database is away) is said as one "look again". */
const untoldMax = 1_000

export function openHintExchange(database: Database): HintExchange {
  const me = randomUUID()
  const listeners = new Set<(hint: Hint) => void>()
  const closing = new AbortController()
  let client: pg.Client | null = null
  let running: readonly Promise<void>[] = []
  let untold: Hint[] = []
  let telling: Promise<void> | null = null

  return {
    subscribe(listener) {
      listeners.add(listener)
      if (running.length === 0) running = [keepListening(), watchInstances()]
      return () => void listeners.delete(listener)
    },
    tell(hints) {
      if (hints.length === 0 || closing.signal.aborted) return
      queueMicrotask(() => hints.forEach(say))
      untold = untold.length > untoldMax ? [{ kind: 'reconnected' }] : [...untold, ...hints]
      telling ??= tellOthers()
    },
    async close() {
      await telling
      closing.abort()
      await client?.end().catch(() => {})
      await Promise.all(running)
    },
  }

  function say(hint: Hint): void {
    if (closing.signal.aborted) return
    for (const listener of listeners) listener(hint)
  }

  /** Tries again once: a database that is away breaks every listening connection, which says "look again" itself. */
  async function tellOthers(): Promise<void> {
    for (let failures = 0; untold.length > 0 && failures < 2; ) {
      const hints = untold
      untold = []
      const texts = [...new Set(hints.map(hint => JSON.stringify(hint)))]
      try {
        await database.urgent(notify, [`${database.schema}_hint`, me, texts])
        failures = 0
      } catch {
        failures++
        untold = [...hints, ...untold]
        await waitMs(retryPauseMs)
      }
    }
    telling = null
  }

  async function keepListening(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const heard = await listenUntilBroken()
      if (heard) failures = 0
      await waitMs(reconnectPausesMs[Math.min(failures, reconnectPausesMs.length - 1)]!)
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
    connection.on('notification', ({ payload }) => {
      const hint = parseHint(payload, me)
      if (hint !== null) say(hint)
    })
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

  async function watchInstances(): Promise<void> {
    for (let known = new Set<string>(); !closing.signal.aborted; await waitMs(lookForDeadEveryMs)) {
      const alive = await readAlive().catch(() => null)
      if (alive === null) continue
      if ([...known].some(instance => !alive.has(instance))) say({ kind: 'reconnected' })
      known = alive
    }
  }

  async function readAlive(): Promise<Set<string>> {
    const rows = await database.query<{ instance: string }>(aliveInstances, [await database.now(), deadAfterMs])
    return new Set(rows.map(row => row.instance))
  }

  async function waitMs(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: closing.signal }).catch(() => {})
  }
}

/** Hints sent by this process were heard when they were told. Those written in SQL have no sender. */
function parseHint(payload: string | undefined, me: string): Hint | null {
  try {
    const { from, ...hint } = JSON.parse(payload ?? '') as Hint & { readonly from?: string }
    return typeof hint.kind === 'string' && from !== me ? (hint as Hint) : null
  } catch {
    return null
  }
}

const notify: Statement = {
  name: 'notify',
  doing: 'tell the other instances',
  text: `select pg_notify($1, (text::jsonb || jsonb_build_object('from', $2::text))::text) from unnest($3::text[]) as text`,
}

const aliveInstances: Statement = {
  name: 'alive-instances',
  doing: 'look which instances are alive',
  text: `select id || ' ' || epoch as instance from instance where seen_at > now_ms($1) - $2::bigint order by id limit 1000`,
}
