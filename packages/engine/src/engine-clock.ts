import type { Clock } from './ports.ts'

/**
 * The database's clock as the engine reads it: asked at most once per `freshMs`, carried on by the local monotonic clock
 * in between and while the database does not answer. It never goes back: a small step is waited out, and while the
 * database's clock is far behind, time goes on without it, because beats have to go on for it to be set right.
 */
const farBehindMs = 10_000

export class EngineClock {
  readonly #clock: Clock
  readonly #monotonic: () => number
  #freshMs = 0
  #readAt: number | null = null
  #offset = 0
  #latest = 0

  constructor(clock: Clock, monotonic: () => number) {
    this.#clock = clock
    this.#monotonic = monotonic
  }

  /** 0 asks every time, which is what a virtual clock needs. */
  keepFreshFor(freshMs: number): void {
    this.#freshMs = freshMs
  }

  async now(): Promise<number> {
    const local = this.#monotonic()
    if (this.#readAt !== null && this.#freshMs > 0 && local - this.#readAt < this.#freshMs) return this.#carryOn()
    try {
      const now = await this.#clock.now()
      this.#readAt = this.#monotonic()
      if (now < this.#latest - farBehindMs) return this.#carryOn()
      this.#offset = now - this.#readAt
      return this.#forward(now)
    } catch (error) {
      if (this.#readAt === null) throw error
      return this.#carryOn()
    }
  }

  /** Without asking anybody; the time of the last answer when none came since. */
  latest(): number {
    return this.#latest
  }

  #carryOn(): number {
    return this.#forward(Math.floor(this.#offset + this.#monotonic()))
  }

  #forward(now: number): number {
    this.#latest = Math.max(this.#latest, now)
    return this.#latest
  }
}
