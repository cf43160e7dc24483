import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { describeIssue } from '../../http/describe-issue.ts'
import type { Stop } from '../../serving/served-flags.ts'

/**
 * Stops the database has not heard of yet, in one small file that survives a crash: written beside, flushed to the
 * disk, then put in place.
 *
 * A file that cannot be read may hold stops that nobody else knows. To leave them out would give users what was taken
 * from them, and to stop everything in their place would roll back releases that nobody meant. So reading it fails, the
 * server does not start, and a person decides: clients go on with what they have, which is what was stopped.
 */
export interface StopFile {
  read(): Promise<readonly Stop[]>
  write(stops: readonly Stop[]): Promise<void>
}

const name = z.string().min(1).max(256)
const stopsSchema = z.array(
  z.object({
    id: z.uuid(),
    project: name,
    environment: name,
    stops: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('everything') }),
      z.object({ kind: z.literal('release'), releaseId: z.string() }),
      z.object({ kind: z.literal('flag'), key: z.string() }),
    ]),
    by: z.string(),
    why: z.string().nullable(),
    at: z.number(),
  }),
)

export function createStopFile(path: string): StopFile {
  let writing: Promise<void> = Promise.resolve()
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '[]'
        throw unreadable(path, `found ${error.code ?? error.message}, expected to read it`)
      })
      return stopsIn(path, text)
    },
    write(stops) {
      writing = writing.catch(() => {}).then(() => replace(path, JSON.stringify(stops)))
      return writing
    },
  }
}

function stopsIn(path: string, text: string): readonly Stop[] {
  const given = parse(path, text)
  const { success, data, error } = stopsSchema.safeParse(given)
  if (success) return data
  const [issue] = error.issues.map(one => describeIssue(one, given))
  throw unreadable(
    path,
    issue === undefined ? error.message : `${issue.path === '' ? '' : `at "${issue.path}" `}${issue.message}`,
  )
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const found = text.trim() === '' ? 'it empty' : `no JSON in its ${text.length} characters`
    throw unreadable(path, `found ${found}, expected a list`)
  }
}

function unreadable(path: string, finding: string): Error {
  return new Error(
    `Cannot read "${path}", the emergency stops that the database has not heard of: ${finding}. Nothing is served here meanwhile, so that no stop is forgotten. Repair the file; or move it away, start, and stop again what it stopped: dankai emergency stop.`,
  )
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
