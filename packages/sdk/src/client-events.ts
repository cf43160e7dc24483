/** What a client tells: which flags changed, whether it still hears the control plane, and what went wrong. */
export interface ClientEvents {
  /**
   * Every flag whose answer may be another: the changed ones, and those that ask for one as a prerequisite. Also when a
   * lease ends or is renewed, which changes what flags serve without a new version.
   */
  readonly change: { readonly version: number | null; readonly keys: readonly string[] }
  /** Nothing was heard for `staleAfterMs`. */
  readonly stale: { readonly version: number | null }
  readonly fresh: { readonly version: number | null }
  readonly error: Error
}

export type ClientEventName = keyof ClientEvents
export type ClientListener<Name extends ClientEventName> = (event: ClientEvents[Name]) => void

export interface EventSource {
  on<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): () => void
  emit<Name extends ClientEventName>(name: Name, event: ClientEvents[Name]): void
}

export function createEventSource(): EventSource {
  const listeners = new Map<ClientEventName, Set<(event: never) => void>>()
  const listenersOf = (name: ClientEventName) => listeners.get(name) ?? new Set<(event: never) => void>()

  /** A listener that throws must not stop flags from being applied; one for errors that throws has nowhere to go. */
  function emit<Name extends ClientEventName>(name: Name, event: ClientEvents[Name]): void {
    for (const listener of [...listenersOf(name)] as ClientListener<Name>[]) {
      try {
        listener(event)
      } catch (cause) {
        if (name !== 'error') emit('error', new Error(`Cannot tell a listener of "${name}": it threw`, { cause }))
      }
    }
  }

  return {
    emit,
    on(name, listener) {
      const set = listenersOf(name)
      listeners.set(name, set.add(listener))
      return () => set.delete(listener)
    },
  }
}
