import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Stop } from '../../serving/served-flags.ts'

/**
 * Stops the database has not heard of yet, in one small file that survives a crash: written beside, flushed to the
 * disk, then put in place.
 */
export interface StopFile {
  read(): Promise<readonly Stop[]>
  write(stops: readonly Stop[]): Promise<void>
}

export function createStopFile(path: string): StopFile {
  let writing: Promise<void> = Promise.resolve()
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch(error => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '[]'
        throw error
      })
      const stops: unknown = JSON.parse(text)
      if (!Array.isArray(stops)) throw new Error(`Cannot read "${path}": found no list of stops. Move the file away`)
      return stops
    },
    write(stops) {
      writing = writing.catch(() => {}).then(() => replace(path, JSON.stringify(stops)))
      return writing
    },
  }
}

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
