/**
 * What clients say they evaluated, whatever their protocol, on its way to the store.
 *
 *  1. Every protocol counts here; it is written every half minute, in one statement.
 *  2. What cannot be written is tried again, as long as it is no more than the bound; the log says once that it cannot.
 *  3. When each flag was last evaluated is known at once. The flags that nobody told of for longest are forgotten first,
 *     and a moment never goes back, however late something is told.
 *  4. Who counts by himself, because he is asked too often to come each time, is asked before anything is read or written.
 */
import type { FlagUsageStore, FlagUse, Scope } from '@dankai/store'
import type { Logger } from '../http/log.ts'

/** A person who asks "is it still used?" waits a moment; a statement every half minute costs nothing. */
const writeEveryMs = 30_000
/** Tens of thousands of flags with their variants and services. */
const waitingMax = 50_000
/** Ten environments of thousands of flags each. */
const flagsMax = 50_000

export interface FlagEvaluations {
  /**
   * `variant` is null when the client does not say which, or served its own default; `who` is a service or protocol.
   * What is no count at a moment is left out.
   */
  record(scope: Scope, flag: string, variant: string | null, count: number, at: number, who: string | null): void
  /** When a flag was last evaluated, as far as it was told here; null: nobody told of it. */
  lastSeenAt(scope: Scope, flag: string): number | null
  /** `tell` records what was counted since it was last called. */
  countFrom(tell: () => void): void
  /** Writes what waits. */
  flush(): Promise<void>
  close(): Promise<void>
}

export function createFlagEvaluations(store: Pick<FlagUsageStore, 'add'>, log: Logger): FlagEvaluations {
  const lastSeen = new Map<string, number>()
  let waiting = new Map<string, FlagUse>()
  let writing: Promise<void> = Promise.resolve()
  let isFailing = false
  const counters: (() => void)[] = []
  const hearCounters = (): void => {
    for (const tell of counters) tell()
  }

  function see(slot: string, at: number): void {
    const latest = Math.max(at, lastSeen.get(slot) ?? at)
    lastSeen.delete(slot)
    lastSeen.set(slot, latest)
    if (lastSeen.size > flagsMax) lastSeen.delete(lastSeen.keys().next().value ?? '')
  }

  function add(use: FlagUse): void {
    const { project, environment, flag, who, variant } = use
    const slot = JSON.stringify([project, environment, flag, who, variant])
    const before = waiting.get(slot)
    if (before === undefined && waiting.size >= waitingMax) return
    waiting.set(slot, before === undefined ? use : sumOf(before, use))
  }

  async function write(): Promise<void> {
    hearCounters()
    const uses = [...waiting.values()]
    waiting = new Map()
    try {
      await store.add(uses)
      isFailing = false
    } catch (error) {
      for (const use of uses) add(use)
      throw error
    }
  }

  const flush = (): Promise<void> => {
    const next = writing.then(write)
    writing = next.catch(error => {
      if (!isFailing) log.warn({ err: error }, 'cannot write which flags are evaluated at the moment')
      isFailing = true
    })
    return next
  }
  const timer = setInterval(() => void flush().catch(() => {}), writeEveryMs)

  return {
    record({ project, environment }, flag, variant, count, at, who) {
      if (!Number.isSafeInteger(count) || count < 1 || !Number.isFinite(at)) return
      const lastAt = Math.round(at)
      see(slotOf({ project, environment }, flag), lastAt)
      add({ project, environment, flag, who, variant, count, lastAt })
    },
    lastSeenAt(scope, flag) {
      hearCounters()
      return lastSeen.get(slotOf(scope, flag)) ?? null
    },
    countFrom(tell) {
      counters.push(tell)
    },
    flush,
    async close() {
      clearInterval(timer)
      await flush().catch(() => {})
    },
  }
}

const sumOf = (before: FlagUse, { count, lastAt }: FlagUse): FlagUse => ({
  ...before,
  count: before.count + count,
  lastAt: Math.max(before.lastAt, lastAt),
})

const slotOf = ({ project, environment }: Scope, flag: string): string => `${project}\n${environment}\n${flag}`
