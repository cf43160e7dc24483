import type { ClaimedCommand, LoadedRelease } from '@dankai/engine'
import { defineFlag } from '@dankai/flags'
import fc from 'fast-check'
import type { Store } from '../server-ports.ts'
import {
  commandOf,
  commitOf,
  exposureOf,
  flagExposureOf,
  newRelease,
  readingOf,
  sampleOf,
  scope,
} from './release-fixture.ts'

/**
 * A random walk through what engine and server do to a store. Two stores that are walked alike must answer alike; what a
 * store draws itself (ids) is replaced by the order in which it appeared.
 */
export type Step =
  | { readonly do: 'pass time'; readonly ms: number }
  | { readonly do: 'beat' | 'leave' | 'claim due' | 'recover' | 'look'; readonly by: Owner }
  | { readonly do: 'create'; readonly hands: readonly string[]; readonly withCommand: boolean }
  | { readonly do: 'claim'; readonly by: Owner; readonly release: number }
  | { readonly do: 'commit'; readonly by: Owner; readonly release: number; readonly change: Change }
  | { readonly do: 'touch'; readonly by: Owner; readonly release: number; readonly inMs: number | null }
  | { readonly do: 'claim commands'; readonly by: Owner }
  | {
      readonly do: 'finish'
      readonly command: number
      readonly outcome: 'succeeded' | 'failed'
      readonly retryInMs: number | null
    }
  | {
      readonly do: 'read hand'
      readonly release: number
      readonly generation: number
      readonly share: number
      readonly reached: boolean
    }
  | {
      readonly do: 'put flag'
      readonly key: string
      readonly version: number
      readonly on: boolean
      readonly force: boolean
    }
  | {
      readonly do: 'move flag'
      readonly key: string
      readonly release: number
      readonly generation: number
      readonly share: number
    }
  | { readonly do: 'send samples'; readonly sdk: string; readonly no: number }

type Owner = 'a' | 'b'

interface Change {
  readonly eventCount: number
  readonly desired: 'raise' | 'lower' | null
  readonly commands: readonly string[]
  readonly superseded: 'all' | readonly string[]
  readonly folded: readonly string[]
  readonly ended: boolean
  readonly wakeInMs: number | null
}

const owner = fc.constantFrom<Owner>('a', 'b')
const release = fc.constantFrom(0, 0, 0, 1, 1, 2)
const slot = fc.constantFrom('one#1', 'two#1', 'three#1')
const slots = fc.uniqueArray(slot, { maxLength: 2 })
const hand = fc.constantFrom('flag:x', 'flag:y', 'nginx:web')
const key = fc.constantFrom('x', 'y')
const delay = fc.option(fc.integer({ min: 0, max: 8_000 }), { nil: null })
const generation = fc.integer({ min: 0, max: 5 })
const share = fc.constantFrom(0, 0.05, 0.5, 1)

const change: fc.Arbitrary<Change> = fc.record({
  eventCount: fc.integer({ min: 0, max: 2 }),
  desired: fc.constantFrom('raise', 'lower', null),
  commands: slots,
  superseded: fc.oneof(fc.constant('all' as const), slots),
  folded: slots,
  ended: fc.integer({ min: 0, max: 9 }).map(drawn => drawn === 0),
  wakeInMs: delay,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('pass time' as const), ms: fc.constantFrom(100, 1_000, 3_000, 6_000) }),
  fc.record({ do: fc.constantFrom('beat', 'leave', 'claim due', 'claim due', 'recover', 'look'), by: owner }),
  fc.record({
    do: fc.constant('create' as const),
    hands: fc.uniqueArray(hand, { minLength: 1 }),
    withCommand: fc.boolean(),
  }),
  fc.record({ do: fc.constant('claim' as const), by: owner, release }),
  fc.record({ do: fc.constant('commit' as const), by: owner, release, change }),
  fc.record({ do: fc.constant('commit' as const), by: owner, release, change }),
  fc.record({ do: fc.constant('touch' as const), by: owner, release, inMs: delay }),
  fc.record({ do: fc.constant('claim commands' as const), by: owner }),
  fc.record({
    do: fc.constant('finish' as const),
    command: fc.integer({ min: 0, max: 4 }),
    outcome: fc.constantFrom('succeeded', 'failed'),
    retryInMs: delay,
  }),
  fc.record({ do: fc.constant('read hand' as const), release, generation, share, reached: fc.boolean() }),
  fc.record({
    do: fc.constant('put flag' as const),
    key,
    version: fc.integer({ min: 0, max: 4 }),
    on: fc.boolean(),
    force: fc.boolean(),
  }),
  fc.record({ do: fc.constant('move flag' as const), key, release, generation, share }),
  fc.record({
    do: fc.constant('send samples' as const),
    sdk: fc.constantFrom('s', 't'),
    no: fc.integer({ min: 1, max: 130 }),
  }),
)

/** Every walk begins with something to walk on. */
export const walks: fc.Arbitrary<readonly Step[]> = fc
  .array(step, { minLength: 20, maxLength: 60 })
  .map(steps => [
    { do: 'put flag', key: 'x', version: 0, on: true, force: false },
    { do: 'create', hands: ['flag:x'], withCommand: true },
    { do: 'create', hands: ['flag:y', 'nginx:web'], withCommand: true },
    ...steps,
  ])

export class StoreWalk {
  readonly #stores: Readonly<Record<Owner, Store>>
  readonly #clock: { at: number }
  readonly #releases: string[] = []
  readonly #commands: ClaimedCommand[] = []
  readonly #claims = new Map<string, LoadedRelease>()

  constructor(stores: Readonly<Record<Owner, Store>>, clock: { at: number }) {
    this.#stores = stores
    this.#clock = clock
  }

  /** The answer to a step, as data that two stores can be compared by. */
  async take(step: Step): Promise<unknown> {
    return this.#named(await this.#take(step))
  }

  async #take(step: Step): Promise<unknown> {
    const store = this.#stores['by' in step ? step.by : 'a']
    const now = this.#clock.at
    switch (step.do) {
      case 'pass time':
        this.#clock.at += step.ms
        return null
      case 'beat':
        return store.instances.beat(step.by)
      case 'leave':
        return store.instances.leave(step.by)
      case 'create':
        return this.#create(step)
      case 'claim due':
        return this.#keep(step.by, await store.releases.claimDue(step.by, 10))
      case 'claim':
        return this.#keep(step.by, [await store.releases.claim(step.by, this.#releaseId(step.release))])
      case 'commit':
        return this.#commit(store, step)
      case 'touch':
        return this.#touch(store, step)
      case 'claim commands':
        return this.#claimCommands(store, step.by)
      case 'finish':
        return this.#finish(step)
      case 'recover':
        return store.commands.recoverCommands()
      case 'read hand':
        return this.#readHand(store, step)
      case 'put flag':
        return store.flags.put({
          ...scope,
          definition: defineFlag({ key: step.key, on: step.on }),
          expectedVersion: step.version,
          by: 'yuki',
          why: null,
          breakGlass: step.force,
        })
      case 'move flag': {
        const { key, generation } = step
        const exposure = flagExposureOf(step.share)
        const releaseId = this.#releaseId(step.release)
        return store.flags.setExposure({ ...scope, key, releaseId, generation, exposure, segments: {} })
      }
      case 'send samples': {
        const services = [{ service: 'trips', samples: [sampleOf(now)] }]
        return store.samples.append({ ...scope, sdk: step.sdk, no: step.no, trusted: true, services })
      }
      case 'look':
        return this.#look(store)
    }
  }

  #releaseId(index: number): string {
    return this.#releases[index] ?? '00000000-0000-7000-8000-000000000000'
  }

  async #create({ hands, withCommand }: Extract<Step, { do: 'create' }>): Promise<unknown> {
    const commands = withCommand ? [commandOf('one#1', { effectClass: 'ask' })] : []
    const plan = `plan ${hands.join()}`
    const created = await this.#stores.a.releases.createRelease(
      newRelease(this.#clock.at, { plan, hands: [...hands], commands }),
    )
    if (created.ok) this.#releases.push(created.id)
    return created
  }

  #keep(by: Owner, releases: readonly (LoadedRelease | null)[]): unknown {
    for (const release of releases) if (release !== null) this.#claims.set(`${by} ${release.id}`, release)
    return releases.map(release => (release === null ? null : { ...release, plan: release.plan.name }))
  }

  async #commit(store: Store, { by, release, change }: Extract<Step, { do: 'commit' }>): Promise<unknown> {
    const claimed = this.#claims.get(`${by} ${this.#releaseId(release)}`)
    if (claimed === undefined) return 'not claimed'
    const { generation } = claimed.state.exposure
    const next = { exposure: exposureOf(change.desired === 'lower' ? 0 : 0.5), generation: generation + 1 }
    const commit = commitOf(claimed, {
      now: this.#clock.at,
      eventCount: change.eventCount,
      desired: change.desired === null ? null : { ...next, direction: change.desired },
      commands: change.commands.map(slot => commandOf(slot, { expiresAt: this.#clock.at + 4_000 })),
      superseded: change.superseded,
      folded: change.folded,
      ended: change.ended,
      wakeAt: change.wakeInMs === null ? null : this.#clock.at + change.wakeInMs,
      evidence: change.eventCount > 0 ? { checkpoint: { at: this.#clock.at }, cursor: this.#clock.at } : null,
    })
    const outcome = await store.releases.commit(commit)
    if (outcome === 'committed') this.#claims.set(`${by} ${claimed.id}`, { ...claimed, state: commit.state })
    return outcome
  }

  async #touch(store: Store, { by, release, inMs }: Extract<Step, { do: 'touch' }>): Promise<unknown> {
    const claimed = this.#claims.get(`${by} ${this.#releaseId(release)}`)
    if (claimed === undefined) return 'not claimed'
    const [releaseId, now] = [claimed.id, this.#clock.at]
    const wakeAt = inMs === null ? null : now + inMs
    return store.releases.touch([{ releaseId, fence: claimed.fence, wakeAt, decidedAt: now, status: null }])
  }

  async #claimCommands(store: Store, by: Owner): Promise<unknown> {
    const claimed = await store.commands.claimCommands(by, 'raise', 3)
    this.#commands.push(...claimed)
    return claimed.map(({ id: _, ...command }) => command)
  }

  async #finish({ command, outcome, retryInMs }: Extract<Step, { do: 'finish' }>): Promise<unknown> {
    const claimed = this.#commands.at(-1 - command)
    if (claimed === undefined) return 'not claimed'
    const retryAt = retryInMs === null ? null : this.#clock.at + retryInMs
    return this.#stores.b.commands.finishCommand(claimed, { outcome, detail: outcome, output: null, retryAt })
  }

  async #readHand(store: Store, step: Extract<Step, { do: 'read hand' }>): Promise<unknown> {
    const id = this.#releaseId(step.release)
    const [hand] = await store.hands.handsOf(id)
    if (hand === undefined) return 'no hand'
    const { generation, share, reached } = step
    await store.hands.recordReading(id, hand.hand.id, readingOf(generation, this.#clock.at, { share, reached }))
    return store.hands.handsOf(id)
  }

  async #look(store: Store): Promise<unknown> {
    const claims = [...this.#claims.values()].map(({ id, fence }) => ({ id, fence }))
    const commands = await Promise.all(this.#releases.map(id => store.reader.commands(id, {})))
    return {
      nextWakeAt: await store.releases.nextWakeAt(),
      nextCommandAt: await store.commands.nextCommandAt(),
      handsDue: await store.hands.handsDue(2_000, 10),
      inbox: (await store.releases.inbox(claims)).toSorted((one, other) => (one.id < other.id ? -1 : 1)),
      releases: await store.reader.list({}),
      holders: await store.reader.holders(scope),
      feed: (await store.reader.feed(0, null, 1_000)).entries.length,
      commands: commands.map(({ items }) => items.map(({ id: _, ...command }) => command)),
      flags: await store.flags.readSince(scope, 0),
      samples: (await store.samples.read(0, null, 1_000)).batches.length,
      completed: await store.releases.completedPlans(scope.project, scope.environment),
    }
  }

  /** Ids by the order of their release; keys in one order, because only some columns keep theirs. */
  #named(answer: unknown): unknown {
    let text = JSON.stringify(answer ?? null)
    for (const [index, id] of this.#releases.entries()) text = text.replaceAll(id, `release ${index}`)
    return JSON.parse(text)
  }
}
