import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What the operating system says of another process. A process id alone is not enough: the system uses it again. */

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Text that differs between two processes that had the same id one after the other; null when it cannot be told. */
export function birthOf(pid: number): string | null {
  try {
    if (process.platform !== 'linux') return askPs(pid, 'lstart=')
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command may hold spaces and brackets, so fields are counted after its last bracket: start time is the 20th.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

export function commandOf(pid: number): string {
  try {
    if (process.platform !== 'linux') return askPs(pid, 'command=') ?? ''
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

function askPs(pid: number, column: string): string | null {
  const answer = execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8', timeout: 2_000 }).trim()
  return answer === '' ? null : answer
}
