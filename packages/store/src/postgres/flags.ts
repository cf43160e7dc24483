import { completeCare, type FlagCare } from '../flag-care.ts'
import type { FlagStore, FlagVersion, FlagWriteResult, StoredFlag } from '../flag-ports.ts'
import type { Hint, Hints } from '../hint-ports.ts'
import { pageOf } from '../page-of.ts'
import { type Page, pageLimit, type Scope } from '../scope.ts'
import type { Database, Statement } from './database.ts'
import { createExposureWriter, tellVersion } from './exposure-writer.ts'

/**
 * Flags of an environment and their one rising version.
 *
 * 1. Every change locks the environment's version row until it commits: versions become visible in order, so a stream
 *    that has seen a version never misses a smaller one.
 * 2. A person's write names the version it saw; a flag held by a live release is not written without breaking glass.
 * 3. A release writes only flags it holds, and never with an older generation than the last one written.
 */
export function createFlags(database: Database, hints: Hints): FlagStore {
  async function get(
    { project, environment }: { project: string; environment: string },
    key: string,
  ): Promise<StoredFlag | null> {
    const rows = await database.query<FlagRow>(readFlag, [project, environment, key])
    return rows[0] === undefined ? null : flagOf(rows[0])
  }

  async function write(
    statement: Statement,
    values: readonly unknown[],
    scope: FlagScope,
  ): Promise<FlagWriteResult | null> {
    const rows = await database.query<{ version: number }>(statement, values)
    if (rows.length > 0) return null
    const present = await get(scope, scope.key)
    const isHeld = present?.heldBy != null && present.version === scope.expectedVersion && !scope.breakGlass
    if (isHeld) return { ok: false, code: 'held', releaseId: present.heldBy! }
    return { ok: false, code: 'conflict', present }
  }

  return {
    get,
    async list({ project, environment }, request) {
      const limit = pageLimit(request)
      const rows = await database.query<FlagRow>(listFlags, [project, environment, request.after ?? '', limit + 1])
      return pageOf(rows.map(flagOf), limit, flag => flag.key)
    },
    async put({ project, environment, definition, care, expectedVersion, by, why, breakGlass = false }) {
      const { key } = definition
      const values = [
        await database.now(),
        project,
        environment,
        key,
        JSON.stringify(definition),
        by,
        why,
        jsonOf(care),
      ]
      const scope = { project, environment, key, expectedVersion, breakGlass }
      const refusal =
        expectedVersion === 0
          ? await write(insertFlag, values, scope)
          : await write(updateFlag, [...values, expectedVersion, breakGlass], scope)
      return refusal ?? { ok: true, flag: (await get(scope, key))! }
    },
    async remove({ project, environment, key, expectedVersion, by, why }) {
      const values = [await database.now(), project, environment, key, expectedVersion, by, why]
      const refusal = await write(removeFlag, values, { project, environment, key, expectedVersion, breakGlass: false })
      return refusal ?? { ok: true, flag: null }
    },
    async history({ project, environment }, key, request): Promise<Page<FlagVersion>> {
      const limit = pageLimit(request)
      const before = request.after == null ? null : Number(request.after)
      const rows = await database.query<VersionRow>(readHistory, [project, environment, key, before, limit + 1])
      return pageOf(rows.map(versionOf), limit, version => String(version.version))
    },
    async versionOf({ project, environment }, key, version) {
      const rows = await database.query<VersionRow>(readVersion, [project, environment, key, version])
      return rows[0] === undefined ? null : versionOf(rows[0])
    },
    async keysOfService({ project, environment }, service) {
      const rows = await database.query<{ key: string }>(readKeysOfService, [project, environment, service])
      return rows.map(({ key }) => key)
    },
    scopes: () => database.query<Scope>(readScopes, []),
    setExposure: createExposureWriter(database),
    async readSince({ project, environment }, version) {
      const rows = await database.urgent<SinceRow>(readSince, [project, environment, version])
      const { head, flags, removed } = rows[0]!
      return { version: head, flags: (flags ?? []).map(flagOf), removed: removed ?? [] }
    },
    subscribe: listener => hints.subscribe(hint => isOfFlags(hint) && listener(hint)),
  }
}

export type FlagRow = Omit<StoredFlag, 'care'> & { readonly care: Partial<FlagCare> }
type VersionRow = Omit<FlagVersion, 'care'> & { readonly care: Partial<FlagCare> | null }

export const flagOf = (row: FlagRow): StoredFlag => ({ ...row, care: completeCare(row.care) })

const versionOf = (row: VersionRow): FlagVersion => ({
  ...row,
  care: row.care === null ? null : completeCare(row.care),
})

const jsonOf = (care: FlagCare | undefined): string | null => (care === undefined ? null : JSON.stringify(care))

interface FlagScope {
  readonly project: string
  readonly environment: string
  readonly key: string
  readonly expectedVersion: number
  readonly breakGlass: boolean
}

interface SinceRow {
  readonly head: number
  readonly flags: readonly FlagRow[] | null
  readonly removed: readonly string[] | null
}

function isOfFlags(hint: Hint): hint is Extract<Hint, { kind: 'flags' | 'reconnected' }> {
  return hint.kind === 'flags' || hint.kind === 'reconnected'
}

export const flagColumns = `f.project, f.environment, f.key, f.version, f.definition, f.held_by as "heldBy",
  f.generation, f.changed_at as "changedAt", f.care, f.full_since as "fullSince"`

const readFlag: Statement = {
  name: 'read-flag',
  doing: 'read a flag',
  text: `select ${flagColumns} from flag f where f.project = $1 and f.environment = $2 and f.key = $3`,
}

const listFlags: Statement = {
  name: 'list-flags',
  doing: 'list flags',
  text: `select ${flagColumns} from flag f where f.project = $1 and f.environment = $2 and f.key > $3 order by f.key limit $4`,
}

/** Expects a CTE `allowed` with one row when the write may happen; gives `stream (version)` and hints. */
const nextVersion = `stream as (
      insert into flag_stream as s (project, environment, version) select $2, $3, 1 from allowed
      on conflict (project, environment) do update set version = s.version + 1
      returning s.version, ${tellVersion('s')})`

const noteChange = (change: string, definition: string, care: string, by: string, why: string) => `noted as (
      insert into flag_version (project, environment, key, version, definition, care, by, why, at)
      select $2, $3, $4, ${change}.version, ${definition}, ${care}, ${by}, ${why}, now_ms($1) from ${change})`

const withVersion = (definition: string) => `${definition} || jsonb_build_object('version', stream.version)`

export const insertFlag: Statement = {
  name: 'insert-flag',
  doing: 'make a flag',
  text: `with allowed as (
      select where not exists (select from flag where project = $2 and environment = $3 and key = $4)),
    ${nextVersion},
    made as (
      insert into flag (project, environment, key, version, definition, held_by, changed_at, care, full_since)
      select $2, $3, $4, stream.version, ${withVersion('$5::jsonb')}, claim.release_id, now_ms($1),
        coalesce($8::jsonb, '{}') || jsonb_build_object('createdAt', now_ms($1)),
        flag_full_since($5::jsonb, null, now_ms($1))
      from stream left join hand_claim claim
        on claim.project = $2 and claim.environment = $3 and claim.hand_id = 'flag:' || $4
      on conflict do nothing returning version, definition, care),
    unmarked as (delete from flag_removed where project = $2 and environment = $3 and key = $4),
    ${noteChange('made', 'made.definition', 'made.care', '$6', '$7')}
    select version from made`,
}

export const updateFlag: Statement = {
  name: 'update-flag',
  doing: 'change a flag',
  text: `with allowed as (
      select key from flag where project = $2 and environment = $3 and key = $4 and version = $9::bigint
        and (held_by is null or $10::boolean) for update),
    ${nextVersion},
    changed as (
      update flag f set version = stream.version, definition = ${withVersion('$5::jsonb')}, changed_at = now_ms($1),
        care = case when $8::jsonb is null then f.care
          else $8::jsonb || jsonb_build_object('createdAt', f.care -> 'createdAt') end,
        full_since = flag_full_since($5::jsonb, f.full_since, now_ms($1))
      from stream where f.project = $2 and f.environment = $3 and f.key = $4 returning f.version, f.definition, f.care),
    ${noteChange('changed', 'changed.definition', 'changed.care', '$6', '$7')}
    select version from changed`,
}

const removeFlag: Statement = {
  name: 'remove-flag',
  doing: 'remove a flag',
  text: `with allowed as (
      select key from flag where project = $2 and environment = $3 and key = $4 and version = $5::bigint
        and held_by is null for update),
    ${nextVersion},
    removed as (
      delete from flag f using stream where f.project = $2 and f.environment = $3 and f.key = $4 returning stream.version),
    marked as (
      insert into flag_removed (project, environment, key, version) select $2, $3, $4, removed.version from removed
      on conflict (project, environment, key) do update set version = excluded.version),
    ${noteChange('removed', 'null', 'null', '$6', '$7')}
    select version from removed`,
}

const readHistory: Statement = {
  name: 'read-flag-history',
  doing: 'read the history of a flag',
  text: `select version, definition, care, by, why, at from flag_version
    where project = $1 and environment = $2 and key = $3 and ($4::bigint is null or version < $4)
    order by version desc limit $5`,
}

const readVersion: Statement = {
  name: 'read-flag-version',
  doing: 'read a version of a flag',
  text: `select version, definition, care, by, why, at from flag_version
    where project = $1 and environment = $2 and key = $3 and version = $4`,
}

const readKeysOfService: Statement = {
  name: 'read-flags-of-service',
  doing: 'read the flags of a service',
  text: `select f.key from flag f where f.project = $1 and f.environment = $2
      and (f.care ->> 'service' = $3 or exists (select from hand h join release r on r.id = h.release_id
        where r.project = $1 and r.environment = $2 and r.service = $3 and h.hand_id = 'flag:' || f.key))
    order by f.key limit 1000`,
}

const readScopes: Statement = {
  name: 'read-flag-scopes',
  doing: 'list environments with flags',
  text: 'select project, environment from flag_stream order by project, environment limit 10000',
}

const readSince: Statement = {
  name: 'read-flags-since',
  doing: 'read changed flags',
  text: `select
      coalesce((select version from flag_stream where project = $1 and environment = $2), 0) as head,
      (select json_agg(json_build_object('project', f.project, 'environment', f.environment, 'key', f.key,
          'version', f.version, 'definition', f.definition, 'heldBy', f.held_by, 'generation', f.generation,
          'changedAt', f.changed_at, 'care', f.care, 'fullSince', f.full_since) order by f.version)
        from flag f where f.project = $1 and f.environment = $2 and f.version > $3) as flags,
      (select json_agg(r.key order by r.version) from flag_removed r
        where r.project = $1 and r.environment = $2 and r.version > $3) as removed`,
}
