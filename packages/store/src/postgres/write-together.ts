import { StoreError } from '../store-error.ts'

/**
 * Work that arrives while other work of its kind is being written is written together, in one go, when that is done: so
 * under load many share one write to disk, and without load nobody waits.
 *
 * 1. Items with the same key are written one after the other, in the order in which they came.
 * 2. A failed write fails the items in it and no others; one that failed because of what is in it (not because the
 *    database is away) is tried again item by item, so that one bad item spoils nothing but itself.
 */
export interface Together<Item, Result> {
  readonly waiting: number
  add(item: Item): Promise<Result>
}

export interface TogetherOptions<Item, Result> {
  readonly keyOf: (item: Item) => string
  readonly most: number
  /** One result for each item, in the same order. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>
}

function isRefused(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'failed'
}

interface Waiting<Item, Result> {
  readonly item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

export function writeTogether<Item, Result>(options: TogetherOptions<Item, Result>): Together<Item, Result> {
  const { keyOf, most, write } = options
  let waiting: Waiting<Item, Result>[] = []
  let isWriting = false

  return {
    get waiting() {
      return waiting.length
    },
    add(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (!isWriting) void writeAll()
      })
    },
  }

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) await writeSome(takeDistinct())
    isWriting = false
  }

  function takeDistinct(): readonly Waiting<Item, Result>[] {
    const keys = new Set<string>()
    const taken: Waiting<Item, Result>[] = []
    const left: Waiting<Item, Result>[] = []
    for (const next of waiting) {
      const key = keyOf(next.item)
      if (taken.length >= most || keys.has(key)) left.push(next)
      else taken.push(next)
      keys.add(key)
    }
    waiting = left
    return taken
  }

  async function writeSome(taken: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await write(taken.map(({ item }) => item))
      for (const [index, { resolve }] of taken.entries()) resolve(results[index]!)
    } catch (error) {
      if (taken.length > 1 && isRefused(error)) for (const one of taken) await writeSome([one])
      else for (const { reject } of taken) reject(error)
    }
  }
}
