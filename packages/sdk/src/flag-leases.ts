/**
 * Flags that may not be trusted for long without the control plane: past their lease they serve their off variant.
 *
 * 1. A lease counts from the last time the control plane was heard, and only a stale client looks at it.
 * 2. Its end is told once, for all flags whose lease ends then; being heard again brings them back.
 */
import type { Clock } from './clock.ts'

export interface LeasedFlag {
  readonly key: string
  readonly leaseMs?: number
}

export class FlagLeases {
  readonly #clock: Clock
  readonly #tell: (keys: readonly string[]) => void
  #heardAt: number
  #cancel: () => void = () => {}

  constructor(clock: Clock, tell: (keys: readonly string[]) => void) {
    this.#clock = clock
    this.#tell = tell
    this.#heardAt = clock.now()
  }

  heard(): void {
    this.#cancel()
    this.#heardAt = this.#clock.now()
  }

  isOver({ leaseMs }: LeasedFlag): boolean {
    return leaseMs !== undefined && this.#clock.now() >= this.#heardAt + leaseMs
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

  #watchNext(held: readonly LeasedFlag[]): void {
    const nextMs = Math.min(...held.map(({ leaseMs }) => leaseMs!))
    if (held.length === 0) return
    this.#cancel = this.#clock.after(this.#heardAt + nextMs - this.#clock.now(), () => {
      this.#tell(this.over(held))
      this.#watchNext(held.filter(flag => !this.isOver(flag)))
    })
  }
}
