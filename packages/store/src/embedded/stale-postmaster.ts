import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { commandOf, isAlive } from './process-facts.ts'

/**
 * A server left over by a Dankai that was killed. It is stopped rather than adopted: only a child can be supervised.
 * Its transactions are committed or not; nothing waits for it, since its clients died with that Dankai.
 */
const fastStopMs = 10_000
const pollMs = 20

export async function stopStalePostmaster(folder: string, seenByServer: string): Promise<number | null> {
  const pid = pidInFile(path.join(folder, 'data', 'postmaster.pid'))
  if (pid === null || !isOurs(pid, [`${folder}/data`, `${seenByServer}/data`])) return null
  process.kill(pid, 'SIGINT')
  if (!(await isGoneWithin(pid, fastStopMs))) {
    process.kill(pid, 'SIGQUIT')
    await isGoneWithin(pid, fastStopMs)
  }
  return pid
}

function pidInFile(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null
  } catch {
    return null
  }
}

function isOurs(pid: number, folders: readonly string[]): boolean {
  const command = commandOf(pid)
  return isAlive(pid) && command.includes('postgres') && folders.some(folder => command.includes(folder))
}

async function isGoneWithin(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await pause(pollMs)
  }
  return true
}
