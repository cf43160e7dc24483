import type { Timers } from './timers.ts'

/** Runs when told and when due. `run` answers when it wants to run next; null = only when told. */
export interface LoopOptions {
  readonly run: () => Promise<number | null>
  /** Milliseconds from now until a time of `run`'s clock. */
  readonly msUntil: (at: number) => number
  readonly timers: Timers
  readonly longestMs: number
}

/** Work that could not start yet (a full lane) is not asked for again sooner; a task that ends tells the loop. */
const shortestMs = 10

/**
 * One loop on real timers. Hints that arrive while it runs make it run once more, so none is lost and they are never
 * handled one by one.
 */
export class Loop {
  readonly #options: LoopOptions
  #state: 'stopped' | 'resting' | 'running' = 'stopped'
  #isTold = false
  #cancel: (() => void) | null = null
  #ended: (() => void) | null = null

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'resting'
    this.tell()
  }

  tell(): void {
    this.#isTold = true
    if (this.#state !== 'resting') return
    this.#cancel?.()
    this.#cancel = null
    this.#state = 'running'
    void this.#cycle()
  }

  /** Resolves when the running cycle has ended. */
  async stop(): Promise<void> {
    this.#cancel?.()
    const isRunning = this.#state === 'running'
    this.#state = 'stopped'
    if (isRunning) await new Promise<void>(resolve => (this.#ended = resolve))
  }

  async #cycle(): Promise<void> {
    let nextAt: number | null = null
    while (this.#isTold && this.#isRunning()) {
      // Hints in the same turn of the event loop are one: the busier the process, the more of them a run answers.
      await new Promise<void>(resolve => setImmediate(resolve))
      if (!this.#isRunning()) break
      this.#isTold = false
      nextAt = await this.#options.run()
    }
    if (this.#isRunning()) this.#rest(nextAt)
    this.#ended?.()
  }

  #isRunning(): boolean {
    return this.#state === 'running'
  }

  #rest(nextAt: number | null): void {
    const { msUntil, longestMs, timers } = this.#options
    const ms = nextAt === null ? longestMs : Math.min(longestMs, Math.max(shortestMs, msUntil(nextAt)))
    this.#state = 'resting'
    this.#cancel = timers(ms, () => this.tell())
  }
}
