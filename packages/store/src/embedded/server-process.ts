import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { DataDirectory } from './data-directory.ts'

export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void

/** One run of the `postgres` program. */
export interface ServerProcess {
  readonly pid: number
  /** Resolves when the process is gone, with what it said last. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

export interface ServerSettings {
  readonly nativeFolder: string
  readonly directory: DataDirectory
  readonly port: number
  readonly connectionsMax: number
  readonly log: Log
}

/** Recovery after a crash replays at most `max_wal_size`, which takes seconds; more than this is a fault. */
const readyTimeoutMs = 60_000
const fastStopMs = 10_000
const lastLinesKept = 8

export async function startServerProcess(settings: ServerSettings): Promise<ServerProcess> {
  const child = spawnServer(settings)
  const lastLines: string[] = []
  const ready = new Promise<boolean>(resolve => {
    createInterface({ input: child.stderr! }).on('line', line => {
      lastLines.push(line)
      if (lastLines.length > lastLinesKept) lastLines.shift()
      settings.log('debug', `postgres: ${line}`)
      if (line.includes('database system is ready to accept connections')) resolve(true)
    })
    setTimeout(() => resolve(false), readyTimeoutMs).unref()
  })
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) => resolve([`exit ${signal ?? code}`, ...lastLines].join(' | ')))
  })
  // An exit handler may only do what is immediate, and a signal is: otherwise the server would outlive this process.
  const stopAtExit = () => void child.kill('SIGINT')
  process.once('exit', stopAtExit)
  const watcher = spawnWatcher(child.pid!)
  void ended.then(() => {
    process.removeListener('exit', stopAtExit)
    watcher.kill('SIGKILL')
  })
  const outcome = await Promise.race([ready, ended])
  if (outcome !== true) throw new Error(await explainFailure(outcome, child, ended))
  return { pid: child.pid!, ended, stop: () => stopServer(child, ended) }
}

/**
 * Stops PostgreSQL when this process is gone without having stopped it, kill -9 included: the watcher reads a pipe that
 * only this process holds, and acts when it closes. A new start may still find it stopping, and waits.
 */
function spawnWatcher(pid: number): ChildProcess {
  const script = 'cat >/dev/null; kill -INT "$1" 2>/dev/null'
  const watcher = spawn('/bin/sh', ['-c', script, 'dankai-postgres-watcher', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.once('error', () => undefined)
  watcher.stdin?.once('error', () => undefined)
  watcher.unref()
  return watcher
}

async function explainFailure(outcome: string | false, child: ChildProcess, ended: Promise<string>): Promise<string> {
  if (outcome === false) child.kill('SIGQUIT')
  const said = outcome === false ? await ended : outcome
  return `Cannot start PostgreSQL: found "${said}", expected it to accept connections within ${readyTimeoutMs / 1000} s.`
}

function spawnServer({ nativeFolder, directory, port, connectionsMax }: ServerSettings): ChildProcess {
  const options = Object.entries(serverOptions(port, connectionsMax)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  return spawn(path.join(nativeFolder, 'bin', 'postgres'), ['-D', `${directory.seenByServer}/data`, ...options], {
    ...directory.spawnOptions,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH ?? '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe', directory.descriptor],
    // Its own process group: Ctrl-C in a terminal must reach Dankai first, which still writes while it stops.
    detached: true,
  })
}

function serverOptions(port: number, connectionsMax: number): Record<string, string | number> {
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: connectionsMax,
    // The working set of a thousand releases fits; the rest of the memory is better left to the machine's file cache.
    shared_buffers: '64MB',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    // Nothing replicates from an embedded server, and bounded WAL keeps recovery after a crash within seconds.
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '512MB',
    // Queue-like tables turn over fast; the default of 20 % dead rows lets them bloat.
    autovacuum_naptime: '10s',
    autovacuum_vacuum_scale_factor: 0.05,
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  }
}

async function stopServer(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGINT')
  const impatient = setTimeout(() => child.kill('SIGQUIT'), fastStopMs)
  await ended
  clearTimeout(impatient)
}
