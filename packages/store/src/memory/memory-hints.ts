import type { Hint, Hints } from '../hint-ports.ts'

/** Hints of the in-memory twin: told after the call that caused them, as PostgreSQL does after the commit. */
export interface MemoryHints extends Hints {
  tell(hint: Hint): void
}

export function createMemoryHints(): MemoryHints {
  const listeners = new Set<(hint: Hint) => void>()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(hint) {
      if (listeners.size === 0) return
      queueMicrotask(() => {
        for (const listener of listeners) listener(hint)
      })
    },
  }
}
