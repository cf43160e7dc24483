import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { birthOf, isAlive } from './process-facts.ts'

/**
 * One server to a data directory.
 *
 * 1. The lock is a file that appears complete and at once (a hard link), holding the id and birth of its process.
 * 2. A lock whose process is gone is taken over; a process that merely got the same id does not count as its holder.
 * 3. Two that take over the same dead lock cannot both win: the dead file is moved away by exactly one of them.
 */
export interface DirectoryLock {
  release(): void
}

interface Holder {
  readonly pid: number
  readonly birth: string | null
}

export function lockDirectory(directory: string): DirectoryLock {
  const file = path.join(directory, 'dankai.lock')
  const mine = `${file}.${process.pid}`
  const content = JSON.stringify({ pid: process.pid, birth: birthOf(process.pid) } satisfies Holder)
  writeFileSync(mine, content, { mode: 0o600 })
  try {
    while (!linkIfAbsent(mine, file)) takeOver(directory, file)
  } finally {
    rmSync(mine, { force: true })
  }
  return { release: () => releaseIfMine(file, content) }
}

function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead lock out of the way, or throws because its holder lives. */
function takeOver(directory: string, file: string): void {
  const content = readOrNull(file)
  if (content === null) return
  const holder = parseHolder(content)
  if (holder !== null && holds(holder)) throw new Error(messageOfHeld(directory, holder.pid))
  const dead = `${file}.dead.${process.pid}`
  try {
    renameSync(file, dead)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // Somebody may have taken the dead lock over between reading and moving: then this is theirs, and it goes back.
  if (readOrNull(dead) !== content) linkIfAbsent(dead, file)
  rmSync(dead, { force: true })
}

function messageOfHeld(directory: string, pid: number): string {
  return (
    `Cannot start PostgreSQL in "${directory}": found it in use by process ${pid}, expected nobody. ` +
    'Stop that Dankai first, or give this one another data directory.'
  )
}

function holds(holder: Holder): boolean {
  if (holder.pid === process.pid && holder.birth === birthOf(process.pid)) return true
  return isAlive(holder.pid) && (holder.birth === null || holder.birth === birthOf(holder.pid))
}

function parseHolder(content: string): Holder | null {
  try {
    const { pid, birth } = JSON.parse(content) as Holder
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, birth: birth ?? null } : null
  } catch {
    return null
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function releaseIfMine(file: string, content: string): void {
  if (readOrNull(file) === content) rmSync(file, { force: true })
}
