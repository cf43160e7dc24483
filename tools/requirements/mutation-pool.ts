import { Worker } from 'node:worker_threads'
import type { MutationTask } from './mutation-worker.ts'
import type { PlanFolder } from './plan-folders.ts'

/** Thousands of simulations leave much to collect; without a bound a thread lets it grow to gigabytes first. */
const resourceLimits = { maxOldGenerationSizeMb: 700 }

/** Threads that each answer one task at a time; whoever is free takes the next. */
export class MutationPool {
  readonly #workers: readonly Worker[]

  constructor(folders: readonly PlanFolder[], size: number) {
    const module = new URL('./mutation-worker.ts', import.meta.url)
    this.#workers = Array.from({ length: size }, () => new Worker(module, { workerData: folders, resourceLimits }))
  }

  /** Results in the order of the tasks. */
  async perform(tasks: readonly MutationTask[], onDone: (index: number, result: unknown) => void): Promise<void> {
    let next = 0
    const work = async (worker: Worker): Promise<void> => {
      while (next < tasks.length) {
        const index = next
        next += 1
        onDone(index, await ask(worker, tasks[index]!))
      }
    }
    await Promise.all(this.#workers.map(work))
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }
}

function ask(worker: Worker, task: MutationTask): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      worker.off('message', answered)
      worker.off('error', failed)
      then()
    }
    const failed = (error: Error): void => settle(() => reject(error))
    const answered = (answer: { readonly result?: unknown; readonly error?: string }): void =>
      settle(() => {
        if (answer.error !== undefined) reject(new Error(answer.error))
        else resolve(answer.result)
      })
    worker.on('message', answered)
    worker.on('error', failed)
    worker.postMessage(task)
  })
}
