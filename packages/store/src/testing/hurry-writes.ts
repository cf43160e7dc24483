import pg from 'pg'

/**
 * Lets commits of a test database return before they are on disk. Their order and isolation stay what they are; only
 * tests that kill the server need the disk, and they have a server of their own.
 */
export async function hurryWrites(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('alter database dankai set synchronous_commit = off')
  await client.end()
}
