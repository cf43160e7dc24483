import type { Timers } from './timers.ts'

/** How a call to the outside ended. A time-out says nothing about whether it took effect. */
export type CallResult<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'timed out'; readonly detail: string }

/**
 * Everything the engine has in flight. Work inside a call to the outside may hang, so nobody waits for it longer than
 * one turn of the event loop; all other work is awaited.
 */
export class Work {
  #running = 0
  #outside = 0
  #steps = 0
  #listeners: (() => void)[] = []
  readonly #timeouts = new Set<() => void>()
  readonly #timers: Timers
  readonly #progressed: () => void

  /** `progressed` is told when a task ended. */
  constructor(timers: Timers, progressed: () => void = () => {}) {
    this.#timers = timers
    this.#progressed = progressed
  }

  get running(): number {
    return this.#running
  }

  /** Runs a task that reports its own failures; `work` must not throw. */
  start(work: () => Promise<unknown>): void {
    this.#running++
    void work().finally(() => {
      this.#running--
      this.#step()
      this.#progressed()
    })
  }

  /** Until nothing runs, or the time is over. */
  async end(withinMs: number): Promise<void> {
    let isOver = false
    const cancel = this.#timers(withinMs, () => {
      isOver = true
      this.#step()
    })
    while (this.#running > 0 && !isOver) await new Promise<void>(resolve => this.#listeners.push(resolve))
    cancel()
    // Nobody hears of what still hangs, so nothing may keep the process awake for it.
    for (const forget of this.#timeouts) forget()
    this.#timeouts.clear()
  }

  /** One bounded call to the outside. An answer after the time-out is dropped here; the caller has gone on. */
  async call<T>(timeoutMs: number, call: () => Promise<T>): Promise<CallResult<T>> {
    this.#outside++
    this.#step()
    try {
      return await this.#race(timeoutMs, call)
    } finally {
      this.#outside--
      this.#step()
    }
  }

  /** Nobody waits for a pause either. */
  async pause(ms: number): Promise<void> {
    await this.call(ms, () => new Promise<never>(() => {}))
  }

  /** Until nothing runs, or all that runs hangs outside. */
  async settle(): Promise<void> {
    while (this.#running > 0) {
      if (this.#running > this.#outside) {
        await new Promise<void>(resolve => this.#listeners.push(resolve))
        continue
      }
      const before = this.#steps
      await new Promise<void>(resolve => setImmediate(resolve))
      if (this.#steps === before && this.#running <= this.#outside) return
    }
  }

  #race<T>(timeoutMs: number, call: () => Promise<T>): Promise<CallResult<T>> {
    return new Promise(resolve => {
      const end = (result: CallResult<T>) => {
        cancel()
        this.#timeouts.delete(cancel)
        resolve(result)
      }
      const cancel = this.#timers(timeoutMs, () =>
        end({ kind: 'timed out', detail: `no answer within ${timeoutMs} ms` }),
      )
      this.#timeouts.add(cancel)
      startCall(call).then(
        value => end({ kind: 'answered', value }),
        error => end({ kind: 'failed', detail: detailOf(error) }),
      )
    })
  }

  #step(): void {
    this.#steps++
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

/** Bounded concurrency for one kind of work, one task per key at a time. */
export class Lane {
  readonly #limit: number
  readonly #work: Work
  readonly #keys = new Set<string>()

  constructor(limit: number, work: Work) {
    this.#limit = limit
    this.#work = work
  }

  get free(): number {
    return this.#limit - this.#keys.size
  }

  isBusy(key: string): boolean {
    return this.#keys.has(key)
  }

  /** False when the lane is full or the key is being worked on. */
  start(key: string, work: () => Promise<unknown>): boolean {
    if (this.#keys.size >= this.#limit || this.#keys.has(key)) return false
    this.#keys.add(key)
    this.#work.start(() => work().finally(() => this.#keys.delete(key)))
    return true
  }
}

async function startCall<T>(call: () => Promise<T>): Promise<T> {
  return call()
}

/** What went wrong, in one line and without a stack trace. */
export function detailOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > 500 ? `${text.slice(0, 499)}…` : text
}
