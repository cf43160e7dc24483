import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createMemoryStore } from '@dankai/store'
import { createLogger } from '../../http/log.ts'
import { Environments } from '../../serving/environments.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'
import { until } from '../../testing/test-server.ts'
import { StreamHub } from './stream-hub.ts'

const scope = { project: 'default', environment: 'production' }
const log = createLogger('silent')
const store = createMemoryStore({ clock: { now: () => 1_000 } })
const environments = new Environments(store.flags, log)
/** The database hears that an SDK connected when this lets it. */
let storing = Promise.resolve()
const hub = new StreamHub(
  environments,
  {
    ...store.sdks,
    async connected(row) {
      await storing
      await store.sdks.connected(row)
    },
  },
  log,
)
after(async () => {
  await hub.close()
  environments.close()
})

/** One that ends at its n-th write, as a connection that is dropped does; at 0 it had gone before. */
class EndingClient implements StreamClient {
  readonly name = 'ending'
  readonly kind = 'server'
  readonly connectedAt = 0
  readonly sdk: string
  readonly close: () => void
  #writesLeft: number

  constructor(sdk: string, writesLeft: number, onEnd: () => void) {
    this.sdk = sdk
    this.close = onEnd
    this.#writesLeft = writesLeft
    if (writesLeft === 0) queueMicrotask(onEnd)
  }

  write(): boolean {
    this.#writesLeft--
    if (this.#writesLeft === 0) this.close()
    return this.#writesLeft > 0
  }
}

const stored = async () => (await store.sdks.list(scope, {})).items.map(({ sdk, connected }) => ({ sdk, connected }))

describe('a client of the stream', () => {
  for (const [what, writes] of [
    ['went before it was followed', 0],
    ['is dropped by what it missed', 1],
    ['is dropped by the ping after it', 2],
  ] as const)
    it(`that ${what} is followed no more, and nobody waits for it`, async () => {
      await hub.connect(scope, 'server', 7, onEnd => new EndingClient('a', writes, onEnd))
      assert.deepEqual([hub.clientCount, hub.census(scope).size], [0, 0])
      assert.deepEqual(await stored(), [])
    })

  it('that goes while the database still hears that it came is gone afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    storing = promise
    let leave = (): void => {}
    await hub.connect(scope, 'server', null, onEnd => {
      leave = onEnd
      return new EndingClient('b', 3, onEnd)
    })
    assert.equal(hub.clientCount, 1)
    leave()
    assert.equal(hub.clientCount, 0)
    resolve()
    await until(stored, ([instance]) => instance?.connected === false)
  })
})
