import pg from 'pg'

export interface DatabaseFigures {
  readonly at: number
  readonly liveReleases: number
  readonly events: number
  readonly eventMb: number
  readonly databaseMb: number
  readonly walMb: number
  /** MB of what grows with time, by table. */
  readonly sampleMb: number
  readonly flagVersions: number
}

const mb = 2 ** 20

/** How large the log and the database are now. */
export async function readDatabase(databaseUrl: string): Promise<DatabaseFigures> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query(`select
      (select count(*) from dankai.release where ended_at is null)::float as releases,
      (select count(*) from dankai.release_event)::float as events,
      pg_total_relation_size('dankai.release_event')::float as event_bytes,
      pg_database_size(current_database())::float as database_bytes,
      pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float as wal_bytes,
      (select coalesce(sum(pg_total_relation_size(inhrelid)), 0) from pg_inherits
        where inhparent = 'dankai.sample_batch'::regclass)::float
        + pg_total_relation_size('dankai.sample_hour') as sample_bytes,
      (select count(*) from dankai.flag_version)::float as flag_versions`)
    const row = rows[0]
    return {
      at: performance.now(),
      liveReleases: row.releases,
      events: row.events,
      eventMb: row.event_bytes / mb,
      databaseMb: row.database_bytes / mb,
      walMb: row.wal_bytes / mb,
      sampleMb: row.sample_bytes / mb,
      flagVersions: row.flag_versions,
    }
  } finally {
    await client.end()
  }
}
