import type { Clock } from '../clock.ts'

interface Timer {
  readonly at: number
  readonly delayMs: number
  readonly callback: () => void
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #elapsedMs = 0
  /** What the time of day is ahead of the other clock. */
  #aheadMs: number
  readonly #timers = new Set<Timer>()
  readonly #watchers = new Set<() => void>()

  constructor(now: number) {
    this.#aheadMs = now
  }

  now(): number {
    return this.#aheadMs + this.#elapsedMs
  }

  elapsedMs(): number {
    return this.#elapsedMs
  }

  /** As a person or a time server sets it; timers know nothing of it. */
  setTimeOfDay(epochMs: number): void {
    this.#aheadMs = epochMs - this.#elapsedMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#elapsedMs + delayMs, delayMs, callback }
    this.#timers.add(timer)
    for (const watcher of [...this.#watchers]) watcher()
    return () => this.#timers.delete(timer)
  }

  /** Runs every timer that falls due on the way, in order. */
  advance(ms: number): void {
    const end = this.#elapsedMs + ms
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#timers.delete(due)
      this.#elapsedMs = Math.max(this.#elapsedMs, due.at)
      due.callback()
    }
    this.#elapsedMs = end
  }

  /** Resolves once a timer of this length is running. */
  scheduled(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (![...this.#timers].some(timer => timer.delayMs === delayMs)) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  get pending(): number {
    return this.#timers.size
  }

  #next(end: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
  }
}
