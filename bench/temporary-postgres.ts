import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@dankai/store'

export interface TemporaryPostgres {
  readonly url: string
  readonly folder: string
  pid(): number | null
  close(): Promise<void>
}

/** The PostgreSQL that Dankai carries, with its own settings (fsync on), in a folder that is gone afterwards. */
export async function startTemporaryPostgres(): Promise<TemporaryPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'dankai-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') })
  return {
    url: postgres.url,
    folder,
    pid: postgres.pid,
    async close() {
      await postgres.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
