import {
  type ApiKey,
  type KeyStore,
  keysAskedMax,
  type Membership,
  type Principal,
  type PrincipalStore,
  type VerifiedKey,
} from '../access-ports.ts'
import { drawKey, hashOf } from '../api-key.ts'
import { pageOf } from '../page-of.ts'
import { newId } from '../release-row.ts'
import { everywhere, pageLimit } from '../scope.ts'
import type { Database, Query, Statement } from './database.ts'

/** Who may do what: people and machines, their roles, and the keys that act for them. */
export function createPrincipals(database: Database): PrincipalStore {
  return {
    async create({ name, kind }) {
      const rows = await database.query<Principal>(insertPrincipal, [await database.now(), newId(), name, kind])
      return rows[0] === undefined ? { ok: false, code: 'name taken' } : { ok: true, principal: rows[0] }
    },
    async get(id) {
      return (await database.query<Principal>(readPrincipal, [id]))[0] ?? null
    },
    async byName(name) {
      return (await database.query<Principal>(readPrincipalByName, [name]))[0] ?? null
    },
    async list(request) {
      const limit = pageLimit(request)
      const rows = await database.query<Principal>(listPrincipals, [request.after ?? '', limit + 1])
      return pageOf(rows, limit, principal => principal.name)
    },
    async disable(id) {
      return (await database.query(disablePrincipal, [await database.now(), id])).length > 0
    },
    async setMemberships(id, memberships) {
      await database.transaction('set the roles of a principal', async query => {
        await query(deleteMemberships, [id])
        await query(insertMemberships, [id, ...membershipColumns(memberships)])
      })
    },
    memberships: id => database.query<Membership>(readMemberships, [id]),
    async rolesOf(id, { project, environment }) {
      const rows = await database.query<{ role: string }>(readRoles, [id, project, environment, everywhere])
      return rows.map(row => row.role)
    },
  }
}

export function createKeys(database: Database): KeyStore {
  return {
    async createFirstAdmin(name) {
      const now = await database.now()
      return database.transaction('make the first admin key', async query => {
        await query(lockFirstAdmin, [])
        const [free] = await query<{ free: boolean }>(noAdminYet, [])
        if (!free?.free) return null
        const [principal] = await query<{ id: string }>(ensurePrincipal, [now, newId(), name])
        await query(insertMemberships, [principal!.id, [everywhere], [everywhere], ['admin']])
        const scope = { project: everywhere, environment: everywhere }
        return insertKey(query, now, {
          ...scope,
          kind: 'admin',
          name: 'first admin key',
          principalId: principal!.id,
          expiresAt: null,
        })
      })
    },
    async create(key) {
      return insertKey(database.query, await database.now(), key)
    },
    async verify(secret) {
      const rows = await database.query<VerifiedKey>(verifyKey, [await database.now(), hashOf(secret), everywhere])
      return rows[0] ?? null
    },
    async validAmong(ids) {
      const values = [await database.now(), ids.slice(0, keysAskedMax)]
      return new Set((await database.query<{ id: string }>(validKeys, values)).map(({ id }) => id))
    },
    async list(request) {
      const limit = pageLimit(request)
      const values = [request.project ?? null, request.after ?? null, limit + 1]
      return pageOf(await database.query<ApiKey>(listKeys, values), limit, key => key.id)
    },
    async revoke(id) {
      return (await database.query(revokeKey, [await database.now(), id])).length > 0
    },
  }
}

async function insertKey(query: Query, now: number | null, key: Parameters<KeyStore['create']>[0]) {
  const { secret, prefix, hash } = drawKey(key.kind)
  const { project, environment, kind, name, principalId, expiresAt } = key
  const values = [now, newId(), project, environment, kind, name, prefix, hash, principalId, expiresAt]
  const rows = await query<ApiKey>(insertApiKey, values)
  return { key: rows[0]!, secret }
}

function membershipColumns(memberships: readonly Membership[]): readonly unknown[] {
  return [
    memberships.map(membership => membership.project),
    memberships.map(membership => membership.environment),
    memberships.map(membership => membership.role),
  ]
}

const principalColumns = 'p.id, p.name, p.kind, p.created_at as "createdAt", p.disabled_at as "disabledAt"'

const insertPrincipal: Statement = {
  name: 'insert-principal',
  doing: 'make a principal',
  text: `insert into principal as p (id, name, kind, created_at) values ($2::uuid, $3, $4, now_ms($1))
    on conflict (name) do nothing returning ${principalColumns}`,
}

const ensurePrincipal: Statement = {
  name: 'ensure-principal',
  doing: 'make a principal',
  text: `insert into principal as p (id, name, kind, created_at) values ($2::uuid, $3, 'person', now_ms($1))
    on conflict (name) do update set disabled_at = null returning p.id`,
}

const readPrincipal: Statement = {
  name: 'read-principal',
  doing: 'read a principal',
  text: `select ${principalColumns} from principal p where p.id = $1::uuid`,
}

const readPrincipalByName: Statement = {
  name: 'read-principal-by-name',
  doing: 'read a principal',
  text: `select ${principalColumns} from principal p where p.name = $1`,
}

const listPrincipals: Statement = {
  name: 'list-principals',
  doing: 'list principals',
  text: `select ${principalColumns} from principal p where p.name > $1 order by p.name limit $2`,
}

const disablePrincipal: Statement = {
  name: 'disable-principal',
  doing: 'disable a principal',
  text: 'update principal set disabled_at = coalesce(disabled_at, now_ms($1)) where id = $2::uuid returning id',
}

const deleteMemberships: Statement = {
  name: 'delete-memberships',
  doing: 'take roles away',
  text: 'delete from membership where principal_id = $1::uuid',
}

const insertMemberships: Statement = {
  name: 'insert-memberships',
  doing: 'give roles',
  text: `insert into membership (principal_id, project, environment, role)
    select $1::uuid, * from unnest($2::text[], $3::text[], $4::text[]) on conflict do nothing`,
}

const readMemberships: Statement = {
  name: 'read-memberships',
  doing: 'read roles',
  text: `select project, environment, role from membership where principal_id = $1::uuid
    order by project, environment, role limit 1000`,
}

const readRoles: Statement = {
  name: 'read-roles',
  doing: 'read roles',
  text: `select distinct role from membership where principal_id = $1::uuid
    and project in ($2, $4) and environment in ($3, $4) order by role`,
}

const keyColumns = `k.id, k.project, k.environment, k.kind, k.name, k.prefix, k.principal_id as "principalId",
  k.created_at as "createdAt", k.expires_at as "expiresAt", k.revoked_at as "revokedAt", k.used_at as "usedAt"`

/** Two first starts take turns. The look comes in a statement of its own, so that it sees what the other one made. */
const lockFirstAdmin: Statement = {
  name: 'lock-first-admin',
  doing: 'take turns making the first admin key',
  text: `select pg_advisory_xact_lock(hashtext(current_schema() || ' first admin'))`,
}

const noAdminYet: Statement = {
  name: 'no-admin-yet',
  doing: 'look for an admin key',
  text: `select not exists (select from api_key where kind = 'admin') as free`,
}

const insertApiKey: Statement = {
  name: 'insert-key',
  doing: 'make a key',
  text: `insert into api_key as k (id, project, environment, kind, name, prefix, hash, principal_id, created_at, expires_at)
    values ($2::uuid, $3, $4, $5, $6, $7, $8, $9::uuid, now_ms($1), $10) returning ${keyColumns}`,
}

const isValid = `k.revoked_at is null and (k.expires_at is null or k.expires_at > now_ms($1)) and p.disabled_at is null`

/** When a key was used is written once a minute, not at every request. */
const verifyKey: Statement = {
  name: 'verify-key',
  doing: 'verify a key',
  text: `with found as materialized (
      select k.*, now_ms($1) as now from api_key k join principal p on p.id = k.principal_id
      where k.hash = $2 and ${isValid}),
    used as (
      update api_key k set used_at = found.now from found
      where k.id = found.id and (k.used_at is null or k.used_at <= found.now - 60000))
    select json_build_object('id', k.id, 'project', k.project, 'environment', k.environment, 'kind', k.kind,
        'name', k.name, 'prefix', k.prefix, 'principalId', k.principal_id, 'createdAt', k.created_at,
        'expiresAt', k.expires_at, 'revokedAt', k.revoked_at, 'usedAt', k.used_at) as key,
      json_build_object('id', p.id, 'name', p.name, 'kind', p.kind, 'createdAt', p.created_at,
        'disabledAt', p.disabled_at) as principal,
      array(select distinct m.role from membership m where m.principal_id = p.id
        and m.project in (k.project, $3) and m.environment in (k.environment, $3) order by m.role) as roles
    from found k join principal p on p.id = k.principal_id`,
}

const validKeys: Statement = {
  name: 'valid-keys',
  doing: 'verify keys',
  text: `select k.id from api_key k join principal p on p.id = k.principal_id
    where k.id = any($2::uuid[]) and ${isValid}`,
}

const listKeys: Statement = {
  name: 'list-keys',
  doing: 'list keys',
  text: `select ${keyColumns} from api_key k
    where ($1::text is null or k.project = $1) and ($2::uuid is null or k.id < $2) order by k.id desc limit $3`,
}

const revokeKey: Statement = {
  name: 'revoke-key',
  doing: 'revoke a key',
  text: `update api_key set revoked_at = now_ms($1) where id = $2::uuid and revoked_at is null returning id`,
}
