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

/** One that ends at its n-th write, as a connection that is dropped does. */
class EndingClient implements StreamClient {
  readonly name = 'ending'
  readonly kind = 'server'
  readonly connectedAt = 0
  readonly sdk: string
  #writesLeft: number

  constructor(sdk: string, writesLeft: number) {
    this.sdk = sdk
    this.#writesLeft = writesLeft
  }

  write(): boolean {
    this.#writesLeft--
    if (this.#writesLeft === 0) hub.disconnect(scope, this)
    return this.#writesLeft > 0
  }

  close(): void {}
}

const stored = async () => (await store.sdks.list(scope, {})).items.map(({ sdk, connected }) => ({ sdk, connected }))

describe('a client of the stream', () => {
  for (const [what, writes] of [
    ['went before it was followed', 0],
    ['is dropped by what it missed', 1],
    ['is dropped by the ping after it', 2],
  ] as const)
    it(`that ${what} is followed no more, and nobody waits for it`, async () => {
      await hub.connect(scope, new EndingClient('a', writes), 7)
      assert.deepEqual([hub.clientCount, hub.census(scope).size], [0, 0])
      assert.deepEqual(await stored(), [])
    })

  it('that goes while the database still hears that it came is gone afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    storing = promise
    const client = new EndingClient('b', 3)
    await hub.connect(scope, client, null)
    assert.equal(hub.clientCount, 1)
    hub.disconnect(scope, client)
    resolve()
    await until(stored, ([instance]) => instance?.connected === false)
  })
})
