import { readdirSync } from 'node:fs'
import path from 'node:path'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { StoreError, toStoreError } from '../store-error.ts'
import { connectionOf } from './database.ts'

/** Raised when this program's code needs a rule that older programs would break. */
export const programVersion = 1

const folder = path.join(import.meta.dirname, '..', 'migrations')
/** Newest schema this program knows. */
export const schemaVersion = Math.max(...readdirSync(folder).map(name => Number.parseInt(name, 10)))

export interface MigrationTarget {
  readonly url: string
  readonly schema?: string
}

/** Brings the schema up to this program's. A newer schema is left alone when it still allows this program. */
export async function migrateUp(target: MigrationTarget): Promise<readonly string[]> {
  return withClient(target, 'migrate the database', async (client, schema) => {
    const found = await readProgram(client, schema)
    refuseOldProgram(found)
    if (found !== null && found.schemaVersion >= schemaVersion) return []
    return run(client, schema, 'up', Number.POSITIVE_INFINITY)
  })
}

export async function migrateDown(target: MigrationTarget, count: number): Promise<readonly string[]> {
  return withClient(target, 'migrate the database back', (client, schema) => run(client, schema, 'down', count))
}

/** Refuses a program that is older than the database allows; for a server whose operator migrates by hand. */
export async function checkProgram(target: MigrationTarget): Promise<void> {
  await withClient(target, 'check the database', async (client, schema) => {
    const found = await readProgram(client, schema)
    refuseOldProgram(found)
    if (found !== null && found.schemaVersion >= schemaVersion) return
    throw new StoreError(
      'failed',
      `Cannot use the database: found schema ${found?.schemaVersion ?? 0}, expected ${schemaVersion}. Run the migrations first.`,
    )
  })
}

interface FoundProgram {
  readonly schemaVersion: number
  readonly minProgram: number
}

async function readProgram(client: pg.Client, schema: string): Promise<FoundProgram | null> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    `${schema}.program`,
  ])
  if (!rows[0]?.there) return null
  const found = await client.query<{ schema_version: number; min_program: number }>(
    'select schema_version, min_program from program',
  )
  const row = found.rows[0]
  return row === undefined ? null : { schemaVersion: row.schema_version, minProgram: row.min_program }
}

function refuseOldProgram(found: FoundProgram | null): void {
  if (found === null || found.minProgram <= programVersion) return
  throw new StoreError(
    'program too old',
    `Cannot use the database: found schema ${found.schemaVersion}, which needs program ${found.minProgram} or newer; ` +
      `this is program ${programVersion}. Upgrade this instance.`,
  )
}

async function run(
  client: pg.Client,
  schema: string,
  direction: 'up' | 'down',
  count: number,
): Promise<readonly string[]> {
  const done = await runner({
    dbClient: client,
    dir: folder,
    direction,
    count,
    schema,
    createSchema: true,
    migrationsTable: 'migration',
    migrationsSchema: schema,
    createMigrationsSchema: true,
    // Two instances that start together: the second waits and finds nothing left to do.
    advisoryLockMode: 'wait',
    log: () => {},
  })
  return done.map(migration => migration.name)
}

async function withClient<Result>(
  target: MigrationTarget,
  doing: string,
  work: (client: pg.Client, schema: string) => Promise<Result>,
): Promise<Result> {
  const schema = target.schema ?? 'dankai'
  const client = new pg.Client({ ...connectionOf({ url: target.url, schema }), lock_timeout: 10_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client, schema)
  } catch (error) {
    throw toStoreError(error, doing)
  } finally {
    await client.end()
  }
}
