import type { FlagExposureResult, FlagExposureWrite } from '../flag-ports.ts'
import type { Database, Statement } from './database.ts'
import { writeTogether } from './write-together.ts'

/**
 * Releases moving their flags. When many roll back at the same moment they are written together: each still gets a
 * version of its own, and all share one write to disk.
 */
export function createExposureWriter(database: Database): (write: FlagExposureWrite) => Promise<FlagExposureResult> {
  const together = writeTogether<FlagExposureWrite, FlagExposureResult>({
    keyOf: ({ project, environment, key }) => JSON.stringify([project, environment, key]),
    most: 200,
    async write(writes) {
      const rows = await database.urgent<MovedRow>(setExposures, [await database.now(), ...columnsOf(writes)])
      return rows.map(({ version, outcome }) => {
        return version === null ? { ok: false, code: outcome } : { ok: true, version }
      })
    },
  })
  return write => together.add(write)
}

interface MovedRow {
  readonly version: number | null
  readonly outcome: 'stale' | 'not held' | 'unknown flag'
}

function columnsOf(writes: readonly FlagExposureWrite[]): readonly unknown[] {
  return [
    writes.map(write => write.project),
    writes.map(write => write.environment),
    writes.map(write => write.key),
    writes.map(write => write.releaseId),
    writes.map(write => write.generation),
    writes.map(write => JSON.stringify(write.exposure)),
    writes.map(write => JSON.stringify(write.segments)),
  ]
}

/** Sent with the transaction itself, unlike other hints: a stream that misses one would serve the old exposure. */
export const tellVersion = (stream: string) => `hint(json_build_object('kind', 'flags',
        'project', ${stream}.project, 'environment', ${stream}.environment, 'version', ${stream}.version)) as told`

/** The same exposure again changes nothing and answers with the version that carries it. Rows are locked in one order. */
const setExposures: Statement = {
  name: 'set-flag-exposures',
  doing: 'move flags',
  text: `with asked as materialized (
      select project, environment, key, release_id, generation, exposure::jsonb, segments::jsonb, ordinal
      from unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::text[]) with ordinality
        as a (project, environment, key, release_id, generation, exposure, segments, ordinal)),
    present as materialized (
      select a.*, f.version, f.held_by = a.release_id as is_held, f.generation <= a.generation as is_new,
        f.generation = a.generation and f.definition -> 'exposure' = a.exposure
          and (f.definition -> 'segments') @> a.segments as is_same
      from asked a join flag f on f.project = a.project and f.environment = a.environment and f.key = a.key
      order by f.project, f.environment, f.key for update of f),
    allowed as (
      select p.*, row_number() over (partition by project, environment order by ordinal) as position,
        count(*) over (partition by project, environment) as total
      from present p where is_held and is_new and not is_same),
    stream as (
      insert into flag_stream as s (project, environment, version)
      select project, environment, count(*) from allowed group by project, environment order by project, environment
      on conflict (project, environment) do update set version = s.version + excluded.version
      returning s.project, s.environment, s.version, ${tellVersion('s')}),
    numbered as (
      select allowed.*, stream.version - total + position as next
      from allowed join stream using (project, environment)),
    changed as (
      update flag f set version = n.next, generation = n.generation, changed_at = now_ms($1),
        definition = f.definition || jsonb_build_object('exposure', n.exposure,
          'segments', (f.definition -> 'segments') || n.segments, 'version', n.next),
        full_since = flag_full_since(f.definition || jsonb_build_object('exposure', n.exposure), f.full_since, now_ms($1))
      from numbered n where f.project = n.project and f.environment = n.environment and f.key = n.key
      returning n.ordinal, n.release_id, f.project, f.environment, f.key, f.generation, f.version, f.definition),
    noted as (
      insert into flag_version (project, environment, key, version, definition, by, why, at)
      select project, environment, key, version, definition, 'release ' || release_id, 'generation ' || generation,
        now_ms($1) from changed)
    select coalesce(c.version, case when p.is_held and p.is_new and p.is_same then p.version end) as version,
      case when p.ordinal is null then 'unknown flag' when p.is_held then 'stale' else 'not held' end as outcome
    from asked a left join present p on p.ordinal = a.ordinal left join changed c on c.ordinal = a.ordinal
    order by a.ordinal`,
}
