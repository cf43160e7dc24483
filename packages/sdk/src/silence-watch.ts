/**
 * Calls back when nothing was heard for so long, once for each silence.
 *
 * To hear is to note the time, not to set a timer: it happens at every message, and the timer looks at the note when it
 * ends. Whatever is heard after a silence begins the next watch.
 */
import type { Clock } from './clock.ts'

export class SilenceWatch {
  readonly #clock: Clock
  readonly #silentMaxMs: number
  readonly #onSilence: () => void
  #heardAt: number
  #cancel: (() => void) | null = null

  constructor(clock: Clock, silentMaxMs: number, onSilence: () => void) {
    this.#clock = clock
    this.#silentMaxMs = silentMaxMs
    this.#onSilence = onSilence
    this.#heardAt = clock.elapsedMs()
    this.#lookAfter(silentMaxMs)
  }

  heard(): void {
    this.#heardAt = this.#clock.elapsedMs()
    if (this.#cancel === null) this.#lookAfter(this.#silentMaxMs)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #lookAfter(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      const leftMs = this.#heardAt + this.#silentMaxMs - this.#clock.elapsedMs()
      if (leftMs > 0) return this.#lookAfter(leftMs)
      this.#cancel = null
      this.#onSilence()
    })
  }
}
