import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Load and readers run in processes of their own, so that they take no time from what is measured. */
export interface HelperProcess<Work extends HelperWork> {
  /** Calls one of the works of the helper. */
  do<Name extends keyof Work & string>(
    name: Name,
    ...input: Parameters<Work[Name]>
  ): Promise<Awaited<ReturnType<Work[Name]>>>
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: any function whose input and answer can be sent.
export type HelperWork = Record<string, (...input: any[]) => Promise<unknown>>

interface Call {
  readonly id: number
  readonly name: string
  readonly input: readonly unknown[]
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly problem?: string
}

export function openHelper<Work extends HelperWork>(file: string): HelperProcess<Work> {
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: [] })
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  child.on('message', message => {
    const answer = message as Answer
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  child.once('exit', code => {
    for (const [id, settle] of waiting) settle({ id, problem: `${file} ended with ${code}` })
    waiting.clear()
  })
  return {
    do: (name, ...input) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${file} has ended`))
        const call: Call = { id: ++calls, name, input }
        waiting.set(call.id, ({ problem, value }) =>
          problem === undefined ? resolve(value as never) : reject(new Error(problem)),
        )
        child.send(call)
      }),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const end = once(child, 'exit')
      child.kill()
      await end
    },
  }
}

/** The other side: answers calls until the parent is gone. */
export function serveHelper(work: HelperWork): void {
  process.on('message', async message => {
    const { id, name, input } = message as Call
    try {
      process.send?.({ id, value: await work[name]!(...input) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, problem: error instanceof Error ? error.message : String(error) } satisfies Answer)
    }
  })
  process.once('disconnect', () => process.exit(0))
}
