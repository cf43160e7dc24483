import { Worker } from 'node:worker_threads'
import type { MutationTask } from './mutation-worker.ts'
import type { PlanFolder } from './plan-folders.ts'

/** Thousands of simulations leave much to collect; without a bound a thread lets it grow to gigabytes first. */
const resourceLimits = { maxOldGenerationSizeMb: 700 }

interface Waiting {
  readonly task: MutationTask
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** Threads that each answer one task at a time; whoever is free takes the oldest. */
export class MutationPool {
  readonly #workers: readonly Worker[]
  readonly #free: Worker[]
  readonly #waiting: Waiting[] = []

  constructor(folders: readonly PlanFolder[], size: number) {
    const module = new URL('./mutation-worker.ts', import.meta.url)
    this.#workers = Array.from({ length: size }, () => new Worker(module, { workerData: folders, resourceLimits }))
    this.#free = [...this.#workers]
  }

  run(task: MutationTask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject })
      this.#begin()
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  #begin(): void {
    const worker = this.#free.pop()
    if (worker === undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.#free.push(worker)
      return
    }
    ask(worker, next.task)
      .then(next.resolve, next.reject)
      .finally(() => {
        this.#free.push(worker)
        this.#begin()
      })
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
