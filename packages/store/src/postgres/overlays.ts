import { activeOverlaysMax, type Overlay, type OverlayStore } from '../document-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit } from '../scope.ts'
import type { Database, Statement } from './database.ts'
import { tellVersion } from './exposure-writer.ts'

/**
 * Emergency stops. Everything here goes through the connections kept for it.
 *
 * 1. A stop and a clearing raise the version of the environment's flags, so that the streams carry them and the
 *    acknowledgements of that version say who has them. A stop everywhere raises every version there is.
 * 2. The same id again changes nothing, so the same stop may be posted to every instance.
 */
export function createOverlays(database: Database): OverlayStore {
  return {
    async stop({ id, project, environment, stops, by, why }) {
      const values = [await database.now(), id, project, environment, JSON.stringify(stops), by, why]
      const rows = await database.urgent<Overlay>(insertOverlay, values)
      return rows[0] ?? (await database.urgent<Overlay>(readOverlay, [id]))[0]!
    },
    async clear(id, by, why) {
      const rows = await database.urgent<Overlay>(clearOverlay, [await database.now(), id, by, why])
      return rows[0] ?? (await database.urgent<Overlay>(readOverlay, [id]))[0] ?? null
    },
    active: scope => database.urgent<Overlay>(activeOverlays, [scope?.project ?? null, scope?.environment ?? null]),
    async list({ project, environment }, request) {
      const limit = pageLimit(request)
      const values = [project, environment, request.after ?? null, limit + 1]
      return pageOf(await database.query<Overlay>(listOverlays, values), limit, overlay => overlay.id)
    },
  }
}

const overlayColumns = `o.id, o.project, o.environment, o.stops, o.by, o.why, o.at, o.cleared_at as "clearedAt",
  o.cleared_by as "clearedBy", o.cleared_why as "clearedWhy"`

const tellOverlay = `hint(json_build_object('kind', 'overlays', 'project', o.project, 'environment', o.environment)) as told`

/** Expects a CTE `changed (project, environment)`. Versions are locked in order of their names. */
const raiseVersions = `streams as materialized (
      select s.project, s.environment from flag_stream s join changed c
        on c.project in (s.project, '*') and c.environment in (s.environment, '*')
      order by s.project, s.environment for update of s),
    raised as (
      update flag_stream s set version = s.version + 1 from streams
      where s.project = streams.project and s.environment = streams.environment
      returning ${tellVersion('s')}),
    begun as (
      insert into flag_stream as s (project, environment, version)
      select project, environment, 1 from changed where project <> '*' and environment <> '*'
        and not exists (select from streams t where t.project = changed.project and t.environment = changed.environment)
      on conflict (project, environment) do update set version = s.version + 1
      returning ${tellVersion('s')})`

const insertOverlay: Statement = {
  name: 'insert-overlay',
  doing: 'stop everything that was named',
  text: `with changed as (
      insert into overlay as o (id, project, environment, stops, by, why, at)
      values ($2::uuid, $3, $4, $5, $6, $7, now_ms($1)) on conflict (id) do nothing returning o.*, ${tellOverlay}),
    ${raiseVersions}
    select ${overlayColumns} from changed o`,
}

const clearOverlay: Statement = {
  name: 'clear-overlay',
  doing: 'clear an emergency stop',
  text: `with changed as (
      update overlay o set cleared_at = now_ms($1), cleared_by = $3, cleared_why = $4
      where o.id = $2::uuid and o.cleared_at is null returning o.*, ${tellOverlay}),
    ${raiseVersions}
    select ${overlayColumns} from changed o`,
}

const readOverlay: Statement = {
  name: 'read-overlay',
  doing: 'read an emergency stop',
  text: `select ${overlayColumns} from overlay o where o.id = $1::uuid`,
}

const activeOverlays: Statement = {
  name: 'active-overlays',
  doing: 'read emergency stops',
  text: `select ${overlayColumns} from (
      select o.*, row_number() over (partition by o.project, o.environment
        order by o.stops ->> 'kind' = 'everything' desc, o.at desc, o.id desc) as place
      from overlay o where o.cleared_at is null
        and ($1::text is null or o.project in ($1, '*')) and ($2::text is null or o.environment in ($2, '*'))) o
    where o.place <= ${activeOverlaysMax} order by o.at desc, o.id desc`,
}

const listOverlays: Statement = {
  name: 'list-overlays',
  doing: 'list emergency stops',
  text: `select ${overlayColumns} from overlay o
    where o.project = $1 and o.environment = $2
      and ($3::uuid is null or (o.at, o.id) < (select before.at, before.id from overlay before where before.id = $3))
    order by o.at desc, o.id desc limit $4`,
}
