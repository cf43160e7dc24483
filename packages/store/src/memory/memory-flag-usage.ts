import type { FlagUsageStore, FlagUse } from '../flag-usage-ports.ts'
import { byText, isIn, scopedKey } from './memory-state.ts'

interface Counted extends FlagUse {
  readonly firstAt: number
}

export interface MemoryFlagUsage extends FlagUsageStore {
  /** What was not evaluated since. */
  forget(before: number): void
}

export function createMemoryFlagUsage(): MemoryFlagUsage {
  const uses = new Map<string, Counted>()
  return {
    async add(added) {
      for (const use of added) {
        const name = scopedKey(use, use.flag, use.who ?? '', use.variant ?? '')
        const before = uses.get(name)
        uses.set(name, {
          ...use,
          count: Math.min((before?.count ?? 0) + use.count, Number.MAX_SAFE_INTEGER),
          firstAt: Math.min(before?.firstAt ?? use.lastAt, use.lastAt),
          lastAt: Math.max(before?.lastAt ?? use.lastAt, use.lastAt),
        })
      }
    },
    async list(scope, flag) {
      const found = [...uses.values()].filter(use => isIn(use, scope) && use.flag === flag)
      const ordered = found.toSorted(
        (one, other) => other.lastAt - one.lastAt || byText(one.who ?? '', other.who ?? ''),
      )
      return ordered.slice(0, 1_000).map(({ firstAt: _firstAt, ...use }) => use)
    },
    async last(scope) {
      const at = new Map<string, number>()
      let since: number | null = null
      for (const use of uses.values()) {
        if (!isIn(use, scope)) continue
        at.set(use.flag, Math.max(at.get(use.flag) ?? 0, use.lastAt))
        since = Math.min(since ?? use.firstAt, use.firstAt)
      }
      return { since, at }
    },
    forget(before) {
      for (const [name, { lastAt }] of uses) if (lastAt < before) uses.delete(name)
    },
  }
}
