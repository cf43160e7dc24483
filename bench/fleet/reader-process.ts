/** The SDKs of services: each follows the flags over its own stream, and says when a flag is off for somebody who was in. */
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import { serveHelper } from './helper-process.ts'
import { monotonicMs } from './monotonic.ts'

export type ReaderWork = {
  /** Opens so many SDKs; resolves when all of them have the flags. */
  open(readers: { url: string; key: string; count: number }): Promise<void>
  /** From now on it is noted when the flag is off in each SDK of this address. */
  watch(flag: string, url: string): Promise<void>
  /** When the last of these SDKs had applied it. */
  lowered(flag: string, withinMs: number): Promise<{ firstAt: number; lastAt: number }>
}

interface Watch {
  readonly user: string
  readonly missing: Set<DankaiClient>
  firstAt: number
  lastAt: number
  done(): void
  readonly over: Promise<void>
}

const usersTried = 10_000
const readyWithinMs = 60_000
const clients = new Map<DankaiClient, string>()
const watches = new Map<string, Watch>()

function look(client: DankaiClient, flag: string, watch: Watch): void {
  if (!watch.missing.has(client) || client.isEnabled(flag, { targetingKey: watch.user })) return
  watch.missing.delete(client)
  watch.lastAt = monotonicMs()
  if (watch.firstAt === 0) watch.firstAt = watch.lastAt
  if (watch.missing.size === 0) watch.done()
}

/** Somebody the flag is on for in every SDK. */
function userOf(flag: string, readers: readonly DankaiClient[]): string {
  for (let index = 0; index < usersTried; index++) {
    const targetingKey = `user-${index}`
    if (readers.every(client => client.isEnabled(flag, { targetingKey }))) return targetingKey
  }
  throw new Error(`flag "${flag}" is on for nobody`)
}

const work: ReaderWork = {
  async open({ url, key, count }) {
    const opened = Array.from({ length: count }, (_, index) =>
      createDankaiClient({ url, key, name: `reader-${index}` }),
    )
    for (const client of opened) {
      clients.set(client, url)
      client.on('change', ({ keys }) => {
        for (const flag of keys) {
          const watch = watches.get(flag)
          if (watch !== undefined) look(client, flag, watch)
        }
      })
    }
    await Promise.all(opened.map(client => client.ready(readyWithinMs)))
  },
  async watch(flag, url) {
    const readers = [...clients].flatMap(([client, of]) => (of === url ? [client] : []))
    const { promise: over, resolve: done } = Promise.withResolvers<void>()
    watches.set(flag, { user: userOf(flag, readers), missing: new Set(readers), firstAt: 0, lastAt: 0, done, over })
  },
  async lowered(flag, withinMs) {
    const watch = watches.get(flag)
    if (watch === undefined) throw new Error(`nobody watches flag "${flag}"`)
    const late = new Promise<never>((_, reject) => {
      const message = () => `flag "${flag}" is not off in ${watch.missing.size} SDKs after ${withinMs} ms`
      setTimeout(() => reject(new Error(message())), withinMs).unref()
    })
    await Promise.race([watch.over, late])
    watches.delete(flag)
    return { firstAt: watch.firstAt, lastAt: watch.lastAt }
  },
}

serveHelper(work)
