/**
 * Flags that may not be trusted for long without the control plane: past their lease they serve their off variant.
 *
 * 1. A lease counts from the last time the control plane was heard, and only a stale client looks at it.
 * 2. It is counted by the time of day and by a clock that nobody sets; the one that has gone further counts. A clock set
 *    back keeps nobody in, and neither does a device that slept, whose other clock stood still.
 * 3. Its end is told once, for all flags whose lease ends then; being heard again brings them back.
 */
import type { Clock } from './clock.ts'

export interface LeasedFlag {
  readonly key: string
  readonly leaseMs?: number
}

export class FlagLeases {
  readonly #clock: Clock
  readonly #tell: (keys: readonly string[]) => void
  #heard: { readonly atTime: number; readonly atMs: number }
  #cancel: () => void = () => {}

  constructor(clock: Clock, tell: (keys: readonly string[]) => void) {
    this.#clock = clock
    this.#tell = tell
    this.#heard = this.#moment()
  }

  heard(): void {
    this.#cancel()
    this.#heard = this.#moment()
  }

  isOver({ leaseMs }: LeasedFlag): boolean {
    return leaseMs !== undefined && this.#silentMs() >= leaseMs
  }

  over(flags: readonly LeasedFlag[]): readonly string[] {
    return flags.filter(flag => this.isOver(flag)).map(({ key }) => key)
  }

  /** From becoming stale on: tells of leases that are over already, and of each when it ends. */
  watch(flags: readonly LeasedFlag[]): void {
    const over = this.over(flags)
    if (over.length > 0) this.#tell(over)
    this.#watchNext(flags.filter(flag => flag.leaseMs !== undefined && !this.isOver(flag)))
  }

  close(): void {
    this.#cancel()
  }

  #moment() {
    return { atTime: this.#clock.now(), atMs: this.#clock.elapsedMs() }
  }

  #silentMs(): number {
    const { atTime, atMs } = this.#moment()
    return Math.max(atTime - this.#heard.atTime, atMs - this.#heard.atMs)
  }

  #watchNext(held: readonly LeasedFlag[]): void {
    const nextMs = Math.min(...held.map(({ leaseMs }) => leaseMs!))
    if (held.length === 0) return
    this.#cancel = this.#clock.after(Math.max(0, nextMs - this.#silentMs()), () => {
      this.#tell(this.over(held))
      this.#watchNext(held.filter(flag => !this.isOver(flag)))
    })
  }
}
