import { setConnectionSchema } from '@dankai/contract'
import type { Connection, ConnectionKind, ConnectionOf, Connections, Scope } from '@dankai/integrations'
import type { ConnectionStore } from '@dankai/store'

/** Runners ask before every command; a change of an admin counts within this time, also one of another instance. */
const freshMs = 2_000
/** More than any environment has. */
const connectionsMax = 1_000

export interface StoredConnections extends Connections {
  /** After a change made here, which counts at once. */
  forget(): void
}

/** Connections as runners open them: settings judged again by the contract, secrets beside them. */
export function createStoredConnections(store: ConnectionStore, now: () => number): StoredConnections {
  const known = new Map<string, { readonly at: number; readonly list: Promise<readonly Connection[]> }>()
  return {
    forget: () => known.clear(),
    async all<Kind extends ConnectionKind>(scope: Scope, kind: Kind) {
      const key = `${scope.project}\n${scope.environment}`
      const before = known.get(key)
      const fresh =
        before !== undefined && now() - before.at < freshMs ? before : { at: now(), list: readAll(store, scope) }
      known.set(key, fresh)
      fresh.list.catch(() => known.delete(key))
      return (await fresh.list).filter((connection): connection is ConnectionOf<Kind> => connection.kind === kind)
    },
  }
}

async function readAll(store: ConnectionStore, scope: Scope): Promise<readonly Connection[]> {
  const connections: Connection[] = []
  let after: string | null = null
  while (connections.length < connectionsMax) {
    const page = await store.list(scope, { limit: 200, after })
    for (const { name, kind, settings } of page.items) {
      const secrets = (await store.secretsOf(scope, name)) ?? {}
      const parsed = setConnectionSchema.safeParse({ kind, settings })
      // One that an older program wrote and this one cannot read is as good as none: its users are told by name.
      if (parsed.success)
        connections.push({ name, kind: parsed.data.kind, settings: parsed.data.settings, secrets } as Connection)
    }
    if (page.next === null) break
    after = page.next
  }
  return connections
}
