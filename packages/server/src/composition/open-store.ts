import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createPostgresStore, type EmbeddedPostgres, type Store, startEmbeddedPostgres } from '@dankai/store'
import type { Logger } from '../http/log.ts'
import type { Settings } from '../settings.ts'

export interface OpenStore {
  readonly url: string
  readonly store: Store
  close(): Promise<void>
}

/** The store of the settings: a database that is there, or Dankai's own under its data directory. */
export async function openStore(settings: Settings, log: Logger): Promise<OpenStore> {
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 })
  const postgres = settings.databaseUrl === null ? await startOwnPostgres(settings.dataDir, log) : null
  const url = settings.databaseUrl ?? postgres?.url ?? ''
  try {
    const store = await createPostgresStore({ url, ...(await secretKeyOf(settings)) })
    return {
      url,
      store,
      async close() {
        await store.close()
        await postgres?.close()
      },
    }
  } catch (error) {
    await postgres?.close()
    throw error
  }
}
/** Seals the secrets of connections; beside the embedded database, readable by the owner only. */
async function readOrMakeSecretKey(dataDir: string): Promise<Buffer> {
  const path = join(dataDir, 'secret-key')
  try {
    await writeFile(path, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return Buffer.from(await readFile(path, 'utf8'), 'hex')
}

function startOwnPostgres(dataDir: string, log: Logger): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    log: (level, message) => log[level](message),
  })
}

/** Several instances on one database are given the key; one that runs its own database keeps it beside it. */
async function secretKeyOf({ secretKey, databaseUrl, dataDir }: Settings): Promise<{ secretKey?: Buffer }> {
  if (secretKey !== null) return { secretKey }
  return databaseUrl === null ? { secretKey: await readOrMakeSecretKey(dataDir) } : {}
}
