import type { Connection, ConnectionStore } from '../document-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit, type Scope } from '../scope.ts'
import type { SecretBox } from '../secret-box.ts'
import type { Database, Statement } from './database.ts'

/** Named ways to the outside. Listing and reading never touch the column of the secrets. */
export function createConnections(database: Database, secretBox: SecretBox): ConnectionStore {
  return {
    async put({ project, environment, name, kind, settings, secrets, by }) {
      const sealed = secretBox.seal(secrets ?? {}, placeOf({ project, environment }, name))
      const names = Object.keys(secrets ?? {}).toSorted()
      const values = [await database.now(), project, environment, name, kind, JSON.stringify(settings), names, sealed]
      const rows = await database.query<Connection>(putConnection, [...values, by, secrets !== null])
      return rows[0]!
    },
    async get({ project, environment }, name) {
      return (await database.query<Connection>(readConnection, [project, environment, name]))[0] ?? null
    },
    async list({ project, environment }, request) {
      const limit = pageLimit(request)
      const values = [project, environment, request.after ?? '', limit + 1]
      return pageOf(await database.query<Connection>(listConnections, values), limit, connection => connection.name)
    },
    async remove({ project, environment }, name) {
      return (await database.query(removeConnection, [project, environment, name])).length > 0
    },
    async secretsOf({ project, environment }, name) {
      const rows = await database.query<{ secrets: Buffer }>(readSecrets, [project, environment, name])
      return rows[0] === undefined ? null : secretBox.open(rows[0].secrets, placeOf({ project, environment }, name))
    },
  }
}

export function placeOf({ project, environment }: Scope, name: string): string {
  return JSON.stringify([project, environment, name])
}

const connectionColumns = `c.project, c.environment, c.name, c.kind, c.settings, c.secret_names as "secretNames",
  c.version, c.changed_at as "changedAt", c.by`

const putConnection: Statement = {
  name: 'put-connection',
  doing: 'store a connection',
  text: `insert into connection as c (project, environment, name, kind, settings, secret_names, secrets, version, changed_at, by)
    values ($2, $3, $4, $5, $6, $7, $8, 1, now_ms($1), $9)
    on conflict (project, environment, name) do update set
      kind = excluded.kind, settings = excluded.settings, version = c.version + 1, changed_at = excluded.changed_at,
      by = excluded.by,
      secret_names = case when $10::boolean then excluded.secret_names else c.secret_names end,
      secrets = case when $10::boolean then excluded.secrets else c.secrets end
    returning ${connectionColumns}`,
}

const readConnection: Statement = {
  name: 'read-connection',
  doing: 'read a connection',
  text: `select ${connectionColumns} from connection c where c.project = $1 and c.environment = $2 and c.name = $3`,
}

const listConnections: Statement = {
  name: 'list-connections',
  doing: 'list connections',
  text: `select ${connectionColumns} from connection c
    where c.project = $1 and c.environment = $2 and c.name > $3 order by c.name limit $4`,
}

const removeConnection: Statement = {
  name: 'remove-connection',
  doing: 'remove a connection',
  text: 'delete from connection where project = $1 and environment = $2 and name = $3 returning name',
}

const readSecrets: Statement = {
  name: 'read-connection-secrets',
  doing: 'read the secrets of a connection',
  text: 'select secrets from connection where project = $1 and environment = $2 and name = $3',
}
