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
  const left = readPidFile(path.join(folder, 'data', 'postmaster.pid'))
  if (left === null || !isOurs(left, [`${folder}/data`, `${seenByServer}/data`])) return null
  const { pid } = left
  process.kill(pid, 'SIGINT')
  if (!(await isGoneWithin(pid, fastStopMs))) {
    process.kill(pid, 'SIGQUIT')
    await isGoneWithin(pid, fastStopMs)
  }
  return pid
}

interface PidFile {
  readonly pid: number
  readonly port: string
}

function readPidFile(file: string): PidFile | null {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    const pid = Number(lines[0])
    return Number.isSafeInteger(pid) && pid > 1 ? { pid, port: lines[3] ?? '' } : null
  } catch {
    return null
  }
}

/** The id may belong to somebody else by now, and another Dankai's server looks alike but for its port. */
function isOurs({ pid, port }: PidFile, folders: readonly string[]): boolean {
  const command = commandOf(pid)
  const isServer = command.includes('postgres') && command.includes(`port=${port} `)
  return isAlive(pid) && isServer && folders.some(folder => command.includes(folder))
}

async function isGoneWithin(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await pause(pollMs)
  }
  return true
}
