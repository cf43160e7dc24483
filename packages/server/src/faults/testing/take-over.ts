import pg from 'pg'
import { until } from './deadline.ts'
import type { Journey } from './journey.ts'

/** Milliseconds from the death of the first instance until another process owns the release. */
export async function measureTakeOver({ databaseUrl, id, first }: Journey): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const owner = async (): Promise<string | null> => {
      const { rows } = await client.query('select owner from dankai.release where id = $1', [id])
      return rows[0]?.owner ?? null
    }
    const before = await owner()
    if (first.deaths.length === 0) await first.death()
    const diedAt = first.deaths[0]!
    await until('another owner of the release', owner, now => now !== before)
    return Date.now() - diedAt
  } finally {
    await client.end()
  }
}
