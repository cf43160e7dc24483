import { closeSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { type DataDirectory, databaseUser, prepareDataDirectory, runsAsRoot } from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'
import { findNativeFolder } from './native-folder.ts'
import { type Log, type ServerProcess, startServerProcess } from './server-process.ts'
import { stopStalePostmaster } from './stale-postmaster.ts'

/**
 * The real PostgreSQL that npm carries, run and watched by this process.
 *
 * 1. One server to a data directory; a second start says which process has it.
 * 2. The server is reachable on loopback with a password that only the owner of the data directory can read.
 * 3. A server that dies is started again on the same port until `close`, with every acknowledged row.
 * 4. A port that somebody else takes before the server has it is given up for another one.
 * 5. A killed Dankai takes its server with it (a watcher sees to that). One that is left over all the same is found by
 *    its pid file and stopped before the new one starts.
 */
export interface EmbeddedPostgres {
  readonly url: string
  /** Process id of the server that runs now; it changes after a restart. */
  pid(): number | null
  close(): Promise<void>
}

const databaseName = 'dankai'
/** The children of a killed server hold its shared memory for a moment, so the first restarts may be refused. */
const restartPausesMs = [0, 50, 50, 100, 100, 200, 200, 400, 400, 1_000, 1_000, 2_000] as const
const restartPauseMaxMs = 5_000
const connectionsMaxWhenAbsent = 100
/** Two starts at one moment may be given one port; to lose five in a row means something else. */
const portsTriedMax = 5

export async function startEmbeddedPostgres(options: {
  readonly dataDir: string
  readonly log?: Log
  /** Names a port that was free a moment ago. */
  readonly findPort?: () => Promise<number>
  /** Default: enough for a few instances; those that were killed hold theirs for a moment. */
  readonly connectionsMax?: number
}): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {})
  const dataDir = path.resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(dataDir)
  try {
    const native = findNativeFolder(runsAsRoot())
    const directory = prepareDataDirectory(dataDir, native.path)
    const stale = await stopStalePostmaster(directory.folder, directory.seenByServer)
    if (stale !== null)
      log('warn', `Stopped PostgreSQL ${stale}, left over in "${dataDir}" by a Dankai that was killed.`)
    const { connectionsMax = connectionsMaxWhenAbsent } = options
    const settings = { nativeFolder: native.path, directory, connectionsMax, log }
    const start = (port: number) => startServerProcess({ ...settings, port })
    const first = await startOnFreePort(options.findPort ?? findFreePort, start, log)
    const server = superviseServer(first, start, log)
    const url = await openDatabase(server, directory)
    return {
      url,
      pid: server.pid,
      async close() {
        await server.close()
        if (directory.descriptor !== 'ignore') closeSync(directory.descriptor)
        native.discard()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

interface SupervisedServer {
  readonly port: number
  pid(): number | null
  close(): Promise<void>
}

type Start = (port: number) => Promise<ServerProcess>

async function startOnFreePort(findPort: () => Promise<number>, start: Start, log: Log) {
  for (let tried = 1; ; tried++) {
    const port = await findPort()
    try {
      return { port, process: await start(port) }
    } catch (error) {
      const { message } = error as Error
      if (tried === portsTriedMax || !message.includes('Address already in use')) throw error
      log('warn', `Port ${port} was taken before PostgreSQL had it; trying another one.`)
    }
  }
}

function superviseServer(
  { port, process: first }: { readonly port: number; readonly process: ServerProcess },
  start: Start,
  log: Log,
): SupervisedServer {
  let closing = false
  let running: ServerProcess | null = first
  const watched = watch()
  return {
    port,
    pid: () => running?.pid ?? null,
    async close() {
      closing = true
      await running?.stop()
      await watched
    },
  }

  async function watch(): Promise<void> {
    while (running !== null) {
      const said = await running.ended
      running = null
      if (closing) return
      log('error', `PostgreSQL ended by itself (${said}); starting it again.`)
      running = await restart()
    }
  }

  async function restart(): Promise<ServerProcess | null> {
    for (let attempt = 0; !closing; attempt++) {
      await pause(restartPausesMs[attempt] ?? restartPauseMaxMs)
      try {
        const started = await start(port)
        log('info', `PostgreSQL runs again as process ${started.pid}.`)
        if (closing) await started.stop()
        return closing ? null : started
      } catch (error) {
        log(attempt < restartPausesMs.length ? 'warn' : 'error', (error as Error).message)
      }
    }
    return null
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function openDatabase(server: SupervisedServer, directory: DataDirectory): Promise<string> {
  const urlOf = (database: string) =>
    `postgresql://${databaseUser}:${encodeURIComponent(directory.password)}@127.0.0.1:${server.port}/${database}`
  const client = new pg.Client({ connectionString: urlOf('postgres'), connectionTimeoutMillis: 5_000 })
  try {
    await client.connect()
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (rowCount === 0) await client.query(`create database ${databaseName}`)
    return urlOf(databaseName)
  } catch (error) {
    await server.close()
    throw error
  } finally {
    await client.end()
  }
}
