import type { ColumnReader, ColumnWriter } from './number-column.ts'

/**
 * Counts by key, ascending, in two plain arrays.
 *
 * A map would have to be sorted for every quantile. The keys of latencies hardly change from bucket to bucket, so that
 * finding one is a short binary search, and shifting the few above a new one is cheaper than any tree.
 */
export class SortedCounts {
  #keys: number[] = []
  #counts: number[] = []
  #total = 0

  get size(): number {
    return this.#keys.length
  }

  get total(): number {
    return this.#total
  }

  keyAt(index: number): number {
    return this.#keys[index]!
  }

  countAt(index: number): number {
    return this.#counts[index]!
  }

  change(key: number, by: number): void {
    const index = this.#indexOf(key)
    this.#total += by
    if (this.#keys[index] !== key) this.#insert(index, key, by)
    else if (this.#counts[index]! + by === 0) this.#delete(index)
    else this.#counts[index]! += by
  }

  /** The key of a rank from 1 to the total. Counted from the top: the quantiles people ask for are near it. */
  keyOfRank(rank: number): number {
    let above = this.#total - rank
    let index = this.#keys.length - 1
    for (; index > 0; index--) {
      above -= this.#counts[index]!
      if (above < 0) break
    }
    return this.#keys[index]!
  }

  equals(other: SortedCounts): boolean {
    if (this.#total !== other.#total || this.#keys.length !== other.#keys.length) return false
    for (let index = 0; index < this.#keys.length; index++) {
      if (this.#keys[index] !== other.#keys[index] || this.#counts[index] !== other.#counts[index]) return false
    }
    return true
  }

  clear(): void {
    this.#keys = []
    this.#counts = []
    this.#total = 0
  }

  clone(): SortedCounts {
    const copy = new SortedCounts()
    copy.#keys = [...this.#keys]
    copy.#counts = [...this.#counts]
    copy.#total = this.#total
    return copy
  }

  toJSON(): CountsJson {
    return this.#keys.map((key, index) => [key, this.#counts[index]!])
  }

  static fromJSON(json: CountsJson): SortedCounts {
    const counts = new SortedCounts()
    for (const [key, count] of json) counts.change(key, count)
    return counts
  }

  /** Of pairs of key and count one after the other, keys ascending. */
  static ofPairs(pairs: ArrayLike<number>): SortedCounts {
    const counts = new SortedCounts()
    for (let at = 0; at < pairs.length; at += 2) {
      counts.#keys.push(pairs[at]!)
      counts.#counts.push(pairs[at + 1]!)
      counts.#total += pairs[at + 1]!
    }
    return counts
  }

  writeTo(column: ColumnWriter): void {
    column.put(this.#keys.length)
    column.put(this.#total)
    column.putAll(this.#keys)
    column.putAll(this.#counts)
  }

  readFrom(column: ColumnReader): void {
    const size = column.index()
    this.#total = column.number()
    column.all(this.#keys, size)
    column.all(this.#counts, size)
  }

  /** Where the key is, or would have to be. */
  #indexOf(key: number): number {
    const keys = this.#keys
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert(index: number, key: number, count: number): void {
    const keys = this.#keys
    const counts = this.#counts
    keys.push(key)
    counts.push(count)
    for (let at = keys.length - 1; at > index; at--) {
      keys[at] = keys[at - 1]!
      counts[at] = counts[at - 1]!
    }
    keys[index] = key
    counts[index] = count
  }

  #delete(index: number): void {
    const keys = this.#keys
    const counts = this.#counts
    for (let at = index; at < keys.length - 1; at++) {
      keys[at] = keys[at + 1]!
      counts[at] = counts[at + 1]!
    }
    keys.pop()
    counts.pop()
  }
}

/** Ascending pairs of key and count. */
export type CountsJson = readonly (readonly [number, number])[]
