/**
 * Work that is asked for while other work of its kind runs is done together when that has ended: nobody waits without
 * need, and the more is asked for, the more of it is one.
 */
export class Together<Item> {
  readonly #work: (items: readonly Item[]) => Promise<void>
  #waiting: Item[] = []
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  constructor(work: (items: readonly Item[]) => Promise<void>) {
    this.#work = work
  }

  /** Resolves when the work with this item in it has ended, and fails as it fails. */
  add(item: Item): Promise<void> {
    this.#waiting.push(item)
    this.#next ??= this.#startNext()
    return this.#next
  }

  async #startNext(): Promise<void> {
    // Who asked for it hears of a failure; those who come after it only wait for its end.
    await this.#running.catch(() => {})
    const items = this.#waiting
    this.#waiting = []
    this.#next = null
    this.#running = this.#work(items)
    await this.#running
  }
}
