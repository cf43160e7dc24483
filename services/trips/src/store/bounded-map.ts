/** A map that forgets its oldest entry when it is full: what keeps every list of the in-memory store bounded. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #limit: number
  readonly #onForgotten: (value: V, key: K) => void

  constructor(limit: number, onForgotten: (value: V, key: K) => void = () => {}) {
    this.#limit = limit
    this.#onForgotten = onForgotten
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#forgetOldest()
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  #forgetOldest(): void {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key)
      this.#onForgotten(value, key)
      return
    }
  }
}
