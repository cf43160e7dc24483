import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { othersMayEnter } from './native-folder.ts'

/**
 * The folder PostgreSQL keeps its files in, `DATA_DIR/postgres`, and who may touch it.
 *
 * PostgreSQL refuses to run as root, so root gives the folder to "nobody" (65534) and runs the server as that user.
 * That user may not pass a private home such as /root; on Linux the server is therefore handed the open folder and
 * names it /proc/self/fd/3, which needs no permission on the folders above it.
 */
export interface DataDirectory {
  /** The folder as this process sees it. */
  readonly folder: string
  /** The same folder as the server sees it. */
  readonly seenByServer: string
  readonly password: string
  readonly spawnOptions: { readonly uid?: number; readonly gid?: number; readonly cwd: string }
  /** Open folder to hand down as descriptor 3, or "ignore". */
  readonly descriptor: number | 'ignore'
}

export const databaseUser = 'dankai'
const nobody = 65534
const initdbTimeoutMs = 60_000

export function runsAsRoot(): boolean {
  return process.getuid?.() === 0
}

export function prepareDataDirectory(dataDir: string, nativeFolder: string): DataDirectory {
  const folder = path.join(dataDir, 'postgres')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (runsAsRoot()) chownSync(folder, nobody, nobody)
  chmodSync(folder, 0o700)
  const password = readOrDrawPassword(path.join(dataDir, 'postgres.password'))
  const directory = { folder, password, ...accessTo(folder) }
  if (existsSync(path.join(folder, 'data'))) refuseOtherVersion(directory, nativeFolder)
  else initialise(directory, nativeFolder)
  return directory
}

function accessTo(folder: string): Pick<DataDirectory, 'seenByServer' | 'spawnOptions' | 'descriptor'> {
  if (!runsAsRoot()) return { seenByServer: folder, spawnOptions: { cwd: folder }, descriptor: 'ignore' }
  const spawnOptions = { uid: nobody, gid: nobody, cwd: '/' }
  if (othersMayEnter(path.dirname(folder))) return { seenByServer: folder, spawnOptions, descriptor: 'ignore' }
  if (process.platform === 'linux') {
    return { seenByServer: '/proc/self/fd/3', spawnOptions, descriptor: openSync(folder, 'r') }
  }
  throw new Error(
    `Cannot start PostgreSQL in "${folder}": found a folder above it that other users may not enter, expected one the ` +
      'unprivileged server can reach. Start Dankai as a user other than root, or choose another data directory.',
  )
}

function readOrDrawPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
  return readFileSync(file, 'utf8').trim()
}

/** Made under another name and renamed when complete, so that a killed start leaves nothing that looks finished. */
function initialise(directory: DataDirectory, nativeFolder: string): void {
  const half = path.join(directory.folder, 'data.half')
  const passwordFile = path.join(directory.folder, 'initial-password')
  rmSync(half, { recursive: true, force: true })
  writeFileSync(passwordFile, directory.password, { mode: 0o600 })
  if (runsAsRoot()) chownSync(passwordFile, nobody, nobody)
  try {
    runInitdb(directory, nativeFolder)
    renameSync(half, path.join(directory.folder, 'data'))
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function runInitdb(directory: DataDirectory, nativeFolder: string): void {
  const { seenByServer, spawnOptions, descriptor } = directory
  const settings = ['--username', databaseUser, '--auth', 'scram-sha-256', '--no-locale', '--encoding', 'UTF8']
  const files = ['--pgdata', `${seenByServer}/data.half`, '--pwfile', `${seenByServer}/initial-password`]
  const result = spawnSync(path.join(nativeFolder, 'bin', 'initdb'), [...files, ...settings], {
    ...spawnOptions,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH ?? '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe', descriptor],
    encoding: 'utf8',
    timeout: initdbTimeoutMs,
  })
  if (result.status === 0) return
  const found = result.error?.message ?? result.stderr.trim().split('\n').slice(-3).join(' ')
  throw new Error(
    `Cannot make the database folder "${directory.folder}": found "${found}", expected initdb to succeed. ` +
      'Check the free space and the permissions of the folder.',
  )
}

function refuseOtherVersion(directory: DataDirectory, nativeFolder: string): void {
  const found = readFileSync(path.join(directory.folder, 'data', 'PG_VERSION'), 'utf8').trim()
  const answer = spawnSync(path.join(nativeFolder, 'bin', 'postgres'), ['--version'], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  const expected = /(\d+)(\.|beta|rc|devel)/.exec(answer.stdout)?.[1]
  if (found === expected) return
  throw new Error(
    `Cannot start PostgreSQL in "${directory.folder}": found files of version ${found}, expected ${expected}. ` +
      `Run a PostgreSQL ${found} on them and set DATABASE_URL, or move the folder away to begin anew.`,
  )
}
