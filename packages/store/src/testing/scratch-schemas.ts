import pg from 'pg'
import { migrateUp } from '../postgres/migrate.ts'

/** Empty, migrated schemas for tests. Emptying one takes milliseconds; making one takes as long as a migration. */
export interface ScratchSchemas {
  take(): Promise<string>
  giveBack(schema: string): Promise<void>
  close(): Promise<void>
}

export async function openScratchSchemas(url: string): Promise<ScratchSchemas> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const free: string[] = []
  let made = 0

  return {
    async take() {
      const schema = free.pop() ?? `scratch${++made}`
      await migrateUp({ url, schema })
      return schema
    },
    async giveBack(schema) {
      await client.query(emptyingOf(schema))
      free.push(schema)
    },
    close: () => client.end(),
  }
}

/** Rows go without triggers and references looking on; what a migration put into tables is put back. */
function emptyingOf(schema: string): string {
  return `
    set session_replication_role = replica;
    set search_path = ${schema};
    do $$ declare name text; begin
      for name in select tablename from pg_tables where schemaname = '${schema}'
        and tablename not in ('program', 'migration', 'feed_head', 'sample_compaction') and tablename !~ '^sample_batch_[0-9]'
      loop execute format('delete from %I', name); end loop;
    end $$;
    update feed_head set head = 0;
    update sample_compaction set cursor = 0;
    alter sequence sample_batch_id restart;
    alter table audit alter column id restart;
    reset session_replication_role;`
}
