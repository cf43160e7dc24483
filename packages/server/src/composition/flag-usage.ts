/**
 * What clients say they evaluated, on its way to the store.
 *
 *  1. Every protocol counts into the same book; it is written every half minute, in one statement.
 *  2. What cannot be written is tried again, as long as it is no more than the bound; the log says once that it cannot.
 *  3. Who counts by himself, because he is asked too often to come each time, is asked before anything is read or written.
 */
import type { FlagUsageStore, FlagUse } from '@dankai/store'
import type { Logger } from '../http/log.ts'
import type { FlagEvaluations } from '../serving/flag-evaluations.ts'

/** A person who asks "is it still used?" waits a moment; a statement every half minute costs nothing. */
const writeEveryMs = 30_000
/** Tens of thousands of flags with their variants and services. */
const waitingMax = 50_000

export interface KeptEvaluations extends FlagEvaluations {
  /** `tell` records what was counted since it was last called. */
  countFrom(tell: () => void): void
  /** Writes what waits. */
  flush(): Promise<void>
  close(): Promise<void>
}

export function keepEvaluations(inner: FlagEvaluations, store: FlagUsageStore, log: Logger): KeptEvaluations {
  let waiting = new Map<string, FlagUse>()
  let writing: Promise<void> = Promise.resolve()
  let isFailing = false
  const counters: (() => void)[] = []
  const hearCounters = (): void => {
    for (const tell of counters) tell()
  }

  function add({ project, environment, flag, who, variant, count, lastAt }: FlagUse): void {
    const slot = JSON.stringify([project, environment, flag, who, variant])
    const before = waiting.get(slot)
    if (before === undefined && waiting.size >= waitingMax) return
    const use = { project, environment, flag, who, variant }
    waiting.set(slot, {
      ...use,
      count: (before?.count ?? 0) + count,
      lastAt: Math.max(before?.lastAt ?? lastAt, lastAt),
    })
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
    since: inner.since,
    countFrom(tell) {
      counters.push(tell)
    },
    read(scope, flag) {
      hearCounters()
      return inner.read(scope, flag)
    },
    record(scope, flag, variant, count, at, who) {
      if (!Number.isSafeInteger(count) || count < 1 || !Number.isFinite(at)) return
      inner.record(scope, flag, variant, count, at)
      add({ ...scope, flag, who: who ?? null, variant, count, lastAt: Math.round(at) })
    },
    flush,
    async close() {
      clearInterval(timer)
      await flush().catch(() => {})
    },
  }
}
