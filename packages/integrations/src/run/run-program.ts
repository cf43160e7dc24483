/**
 * One program in a process group of its own.
 *
 *  1. It gets no input, its own environment (nothing of the server's but what is listed) and a time to end.
 *  2. At the end of its time the whole group is ended: TERM, then KILL after `killAfterMs`; children do not survive it.
 *  3. Its output is read to the end but kept only up to a size, so a chatty program neither blocks nor fills memory.
 *  4. It ends when its process ends: a background child that holds the output open does not hold the result.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { outputBytesMax } from '../command-output.ts'

export interface ProgramCall {
  readonly words: readonly [string, ...string[]]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type ProgramEnd =
  | { readonly kind: 'exited'; readonly status: number; readonly output: Buffer }
  | { readonly kind: 'not started'; readonly reason: string }
  | { readonly kind: 'cut'; readonly reason: string; readonly output: Buffer }

/** Long enough for a program to put down what it holds, short enough for the server's own stop. */
const killAfterMs = 2_000

export function runProgram(call: ProgramCall): Promise<ProgramEnd> {
  return new Promise(resolve => {
    const [program, ...args] = call.words
    const child = spawn(program, args, {
      cwd: call.cwd,
      env: { ...call.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    })
    const output = collect(child)
    const cut = cutWhenTimeIsUp(child, call)
    child.once('error', error => {
      cut.disarm()
      resolve({ kind: 'not started', reason: error.message })
    })
    child.once('exit', (code, signalName) => {
      cut.disarm()
      endGroup(child, 'SIGKILL')
      // What the program wrote just before its end is still in the pipes; one turn of the loop brings it.
      setImmediate(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        const kept = output()
        if (cut.reason() !== null) resolve({ kind: 'cut', reason: cut.reason() ?? '', output: kept })
        else if (code === null) resolve({ kind: 'cut', reason: `ended by ${signalName}`, output: kept })
        else resolve({ kind: 'exited', status: code, output: kept })
      })
    })
  })
}

function collect(child: ChildProcess): () => Buffer {
  const chunks: Buffer[] = []
  let size = 0
  const keep = (chunk: Buffer): void => {
    if (size <= outputBytesMax) chunks.push(chunk)
    size += chunk.length
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return () => Buffer.concat(chunks)
}

function cutWhenTimeIsUp(child: ChildProcess, { timeoutMs, signal }: ProgramCall) {
  let reason: string | null = null
  let killer: NodeJS.Timeout | undefined
  const cut = (why: string): void => {
    reason ??= why
    endGroup(child, 'SIGTERM')
    killer ??= setTimeout(() => endGroup(child, 'SIGKILL'), killAfterMs)
  }
  const timer = setTimeout(() => cut(`not done within ${timeoutMs} ms`), timeoutMs)
  const stopped = (): void => cut('the server is stopping')
  signal.addEventListener('abort', stopped, { once: true })
  if (signal.aborted) stopped()
  return {
    reason: () => reason,
    disarm() {
      clearTimeout(timer)
      clearTimeout(killer)
      signal.removeEventListener('abort', stopped)
    },
  }
}

function endGroup(child: ChildProcess, signalName: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signalName)
  } catch {
    // Nobody is left in the group: that is what was wanted.
  }
}
