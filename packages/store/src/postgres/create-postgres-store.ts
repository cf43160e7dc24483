import type { SampleLog } from '../sample-ports.ts'
import { createSecretBox } from '../secret-box.ts'
import type { Store } from '../server-ports.ts'
import { createKeys, createPrincipals } from './access.ts'
import { createAudit, createSettings } from './audit.ts'
import { createCommands } from './commands.ts'
import { createConnections } from './connections.ts'
import { openDatabase, type Statement } from './database.ts'
import { createDocuments } from './documents.ts'
import { createExposures } from './exposures.ts'
import { createFlagChanges } from './flag-changes.ts'
import { createFlagUsage } from './flag-usage.ts'
import { createFlags } from './flags.ts'
import { createHands } from './hands.ts'
import { openHintExchange } from './hints.ts'
import { createInstances } from './instances.ts'
import { checkProgram, migrateUp } from './migrate.ts'
import { createOverlays } from './overlays.ts'
import { pruneStore } from './prune-store.ts'
import { createReleaseReader } from './release-reader.ts'
import { createReleases } from './releases.ts'
import { ensurePartitions } from './sample-writer.ts'
import { createSamples } from './samples.ts'
import { createSdks } from './sdks.ts'

export interface PostgresStoreOptions {
  readonly url: string
  /** Schema that holds all of Dankai's tables. */
  readonly schema?: string
  /** A clock of the caller instead of the database's, for tests. */
  readonly clock?: { now(): number | Promise<number> }
  /** Connections for ordinary work; two for emergencies and one for hints come on top. */
  readonly poolSize?: number
  /** 32 bytes that seal the secrets of connections; without them only the database guards the secrets. */
  readonly secretKey?: Buffer
  /** False when an operator migrates by hand: the schema is then only checked. */
  readonly migrate?: boolean
}

/** Ten statements at once keep two cores of a database busy; more would only wait there instead of here. */
const poolSizeWhenAbsent = 10

export async function createPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const schema = options.schema ?? 'dankai'
  if (options.migrate === false) await checkProgram({ url: options.url, schema })
  else await migrateUp({ url: options.url, schema })
  const poolSize = options.poolSize ?? poolSizeWhenAbsent
  const database = openDatabase({ url: options.url, schema, poolSize, clock: options.clock ?? null })
  await ensurePartitions(database)
  const clock = { now: async () => (await database.urgent<{ now: number }>(readClock, [await database.now()]))[0]!.now }
  // Opens one of the connections kept for emergencies, so that the first one does not have to.
  await clock.now()

  const hints = openHintExchange(database)
  const instances = createInstances(database)
  const samples: SampleLog = createSamples(database, hints)
  const sdks = createSdks(database)
  return {
    clock,
    releases: createReleases(database, instances, hints.tell),
    instances,
    commands: createCommands(database, instances, hints.tell),
    hands: createHands(database, hints.tell),
    reader: createReleaseReader(database),
    samples,
    flags: createFlags(database, hints),
    flagChanges: createFlagChanges(database),
    flagUsage: createFlagUsage(database),
    sdks,
    exposures: createExposures(database),
    principals: createPrincipals(database),
    keys: createKeys(database),
    documents: createDocuments(database),
    connections: createConnections(database, createSecretBox(options.secretKey ?? null)),
    overlays: createOverlays(database),
    audit: createAudit(database),
    settings: createSettings(database),
    hints: { subscribe: hints.subscribe },
    prune: () => pruneStore(database, samples, sdks),
    async close() {
      await hints.close()
      await database.close()
    },
  }
}

const readClock: Statement = { name: 'read-clock', doing: 'read the clock', text: 'select now_ms($1) as now' }
