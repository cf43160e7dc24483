/** Real SDKs, each with a stream of its own, that say when all of them have applied a version. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createDankaiClient, type DankaiClient } from '@dankai/sdk'
import { serveHelper } from '../fleet/helper-process.ts'
import { monotonicMs } from '../fleet/monotonic.ts'

export type FollowerWork = {
  /** Opens so many SDKs; resolves with the milliseconds until all of them had their flags. */
  open(followers: { url: string; key: string; count: number; environment?: string }): Promise<number>
  /** When the first and the last SDK of this process had applied the version. */
  applied(version: number, withinMs: number): Promise<{ firstAt: number; lastAt: number }>
  /** MB of live objects, after a collection. */
  heapMb(): Promise<number>
  /** SDKs that hear their server. */
  fresh(): Promise<number>
  end(): Promise<void>
}

interface Arrival {
  firstAt: number
  lastAt: number
  missing: number
  done(): void
  readonly over: Promise<void>
}

const readyWithinMs = 120_000
/** Services do not start in the same instant; that they may is another benchmark. */
const openedAtOnce = 20
const clients: DankaiClient[] = []
const arrivals = new Map<number, Arrival>()

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const placeOf = (environment: string | undefined) => (environment === undefined ? {} : { environment })

function arrivalOf(version: number): Arrival {
  const known = arrivals.get(version)
  if (known !== undefined) return known
  const { promise: over, resolve: done } = Promise.withResolvers<void>()
  const arrival = { firstAt: 0, lastAt: 0, missing: clients.length, done, over }
  arrivals.set(version, arrival)
  return arrival
}

function note(version: number | null): void {
  if (version === null) return
  const arrival = arrivalOf(version)
  arrival.lastAt = monotonicMs()
  if (arrival.firstAt === 0) arrival.firstAt = arrival.lastAt
  arrival.missing -= 1
  if (arrival.missing === 0) arrival.done()
}

const work: FollowerWork = {
  async open({ url, key, count, environment }) {
    const startedAt = monotonicMs()
    const opened: DankaiClient[] = []
    while (opened.length < count) {
      const some = Array.from({ length: Math.min(openedAtOnce, count - opened.length) }, (_, index) =>
        createDankaiClient({ url, key, name: `follower-${opened.length + index}`, ...placeOf(environment) }),
      )
      opened.push(...some)
      await Promise.all(some.map(client => client.ready(readyWithinMs)))
    }
    clients.push(...opened)
    for (const client of opened) client.on('change', ({ version }) => note(version))
    return monotonicMs() - startedAt
  },
  async applied(version, withinMs) {
    const arrival = arrivalOf(version)
    const late = new Promise<never>((_, reject) => {
      const message = () => `version ${version} is not applied in ${arrival.missing} SDKs after ${withinMs} ms`
      setTimeout(() => reject(new Error(message())), withinMs).unref()
    })
    await Promise.race([arrival.over, late])
    arrivals.delete(version)
    return { firstAt: arrival.firstAt, lastAt: arrival.lastAt }
  },
  async heapMb() {
    collect()
    return process.memoryUsage().heapUsed / 2 ** 20
  },
  fresh: async () => clients.filter(client => client.status() === 'fresh').length,
  async end() {
    await Promise.all(clients.splice(0).map(client => client.close()))
  },
}

serveHelper(work)
