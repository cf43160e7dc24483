import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../embedded/start-embedded-postgres.ts'

/**
 * The database a test file works on: an embedded server of its own, or the one DANKAI_TEST_DATABASE_URL names, to run
 * the suite against another version of PostgreSQL. It must be empty and made for this.
 */
export interface TestDatabase {
  readonly url: string
  close(): Promise<void>
}

export async function openTestDatabase(): Promise<TestDatabase> {
  const given = process.env.DANKAI_TEST_DATABASE_URL
  const database = given === undefined ? await openEmbedded() : { url: given, close: async () => {} }
  await hurryWrites(database.url)
  return database
}

async function openEmbedded(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'dankai-store-'))
  const server = await startEmbeddedPostgres({ dataDir })
  return {
    url: server.url,
    async close() {
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/**
 * Lets commits return before they are on disk. Their order and isolation stay what they are; only tests that kill the
 * server need the disk, and they have a server of their own.
 */
async function hurryWrites(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`do $$ begin
    execute format('alter database %I set synchronous_commit = off', current_database());
  end $$`)
  await client.end()
}
