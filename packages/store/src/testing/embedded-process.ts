import { startEmbeddedPostgres } from '../embedded/start-embedded-postgres.ts'

/** A process of its own with an embedded server, for tests that kill it. Prints one line of JSON when it runs. */
const { url, pid } = await startEmbeddedPostgres({ dataDir: process.argv[2]! })
console.log(JSON.stringify({ url, serverPid: pid() }))
