import type { DankaiClient } from '../dankai-client.ts'

/**
 * A number that changes whenever some flag may serve something else, in the shape `useSyncExternalStore` wants.
 *
 * One for each client, listening for as long as the client lives: what changes between a render and its effects is not
 * missed, and a hundred components cost one listener.
 */
export interface FlagRevisions {
  readonly subscribe: (listener: () => void) => () => void
  readonly current: () => number
}

const known = new WeakMap<DankaiClient, FlagRevisions>()

export function flagRevisionsOf(client: DankaiClient): FlagRevisions {
  const found = known.get(client) ?? listenTo(client)
  known.set(client, found)
  return found
}

function listenTo(client: DankaiClient): FlagRevisions {
  const listeners = new Set<() => void>()
  let revision = 0
  const advance = (): void => {
    revision++
    for (const listener of [...listeners]) listener()
  }
  for (const event of ['change', 'stale', 'fresh'] as const) client.on(event, advance)
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    current: () => revision,
  }
}
