import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FlagDefinition } from '@dankai/flags'
import fc from 'fast-check'
import { createLogger } from '../../http/log.ts'
import { Environments } from '../../serving/environments.ts'
import { createRefusals } from '../../serving/refusals.ts'
import { WrittenFlags } from '../../testing/written-flags.ts'
import { UnleashFeed } from './unleash-feed.ts'

/** Random, and printed, so that a failure can be repeated: DANKAI_SEED=… node --test … */
const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const scope = { project: 'default', environment: 'production' }

/** What a client keeps of a stream: as the repository of unleash-client applies it. */
class KeptByClient {
  lastEventId: string | null = null
  heardEverything = 0
  features = new Map<string, unknown>()
  segments = new Map<number, unknown>()

  hear(frames: Buffer | null): void {
    for (const [, name, id, data] of (frames?.toString('utf8') ?? '').matchAll(
      /event: (.*)\nid: (.*)\ndata: (.*)\n/g,
    )) {
      this.lastEventId = id!
      if (name === 'unleash-connected') this.heardEverything++
      for (const event of JSON.parse(data!).events) this.#apply(event)
    }
  }

  #apply(event: {
    readonly type: string
    readonly feature: { readonly name: string }
    readonly featureName: string
    readonly segment: { readonly id: number }
    readonly segmentId: number
    readonly features: readonly { readonly name: string }[]
    readonly segments: readonly { readonly id: number }[]
  }): void {
    if (event.type === 'feature-updated') this.features.set(event.feature.name, event.feature)
    if (event.type === 'feature-removed') this.features.delete(event.featureName)
    if (event.type === 'segment-updated') this.segments.set(event.segment.id, event.segment)
    if (event.type === 'segment-removed') this.segments.delete(event.segmentId)
    if (event.type !== 'hydration') return
    this.features = new Map(event.features.map(feature => [feature.name, feature]))
    this.segments = new Map(event.segments.map(segment => [segment.id, segment]))
  }

  get kept(): object {
    return {
      features: [...this.features.values()].toSorted(byText),
      segments: [...this.segments.values()].toSorted(byText),
    }
  }
}

const byText = (one: unknown, other: unknown): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)

const flag: fc.Arbitrary<Partial<FlagDefinition>> = fc
  .record({ on: fc.boolean(), share: fc.constantFrom(0, 0.5, 1), team: fc.constantFrom('tokyo', 'osaka', null) })
  .map(({ on, share, team }) => ({
    on,
    exposure: { share, cohorts: [], shadow: false },
    ...(team === null
      ? {}
      : {
          segments: { staff: { include: { team: [team] } } },
          rules: [
            {
              id: 'r',
              when: [{ attribute: '', operator: 'inSegment' as const, values: ['staff'], negated: false }],
              share: 1,
              by: null,
              seed: null,
              serve: { variant: 'on' },
            },
          ],
        }),
  }))

const step = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  flag: fc.option(flag),
  stop: fc.constantFrom(null, null, null, 'a', 'none'),
  /** Which clients are cut off before this step, and which come back after it. */
  cut: fc.constantFrom(0, 1, 2, null),
  back: fc.constantFrom(0, 1, 2, null),
  isPolled: fc.boolean(),
})

describe(`the feed of Unleash's server clients (seed ${seed})`, () => {
  it('leaves every client with exactly what is served, whenever it was cut off and came back, and tells only what it missed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async steps => {
        const written = new WrittenFlags(scope)
        const environments = new Environments(written, createLogger('silent'))
        const environment = await environments.of(scope)
        const feed = new UnleashFeed(environment, createRefusals('clients', createLogger('silent')))
        const clients = [0, 1, 2].map(() => new KeptByClient())
        const connected = new Set(clients)
        for (const client of clients) client.hear(feed.framesAfter(null))
        environment.subscribe(() => {
          const frame = feed.takeChange()
          for (const client of connected) client.hear(frame)
        })
        const served = (): object => {
          const { features, segments } = JSON.parse(feed.body.json)
          return { features: features.toSorted(byText), segments: segments.toSorted(byText) }
        }
        const check = (): void => {
          for (const client of connected) assert.deepEqual(client.kept, served())
        }
        for (const { key, flag: definition, stop, cut, back, isPolled } of steps) {
          if (cut !== null) connected.delete(clients[cut]!)
          written.write(key, definition)
          if (stop !== null) {
            const about = { ...scope, id: 's', by: 'a', why: 'b', at: 0 }
            environments.setStops(stop === 'none' ? [] : [{ ...about, stops: { kind: 'flag', key: stop } }])
          }
          await environments.refresh(scope)
          if (isPolled) served()
          const returning = back === null ? undefined : clients[back]
          if (returning !== undefined && !connected.has(returning)) {
            returning.hear(feed.framesAfter(returning.lastEventId))
            connected.add(returning)
          }
          check()
        }
        for (const client of clients) {
          if (!connected.has(client)) client.hear(feed.framesAfter(client.lastEventId))
          connected.add(client)
          assert.equal(client.heardEverything, 1, 'once, at its very first')
        }
        check()
        environments.close()
      }),
      { numRuns: 300, seed },
    )
  })

  it('tells everything to whoever was away for too long, or names an event of another feed or none', async () => {
    const written = new WrittenFlags(scope)
    const environments = new Environments(written, createLogger('silent'))
    const environment = await environments.of(scope)
    const open = () => new UnleashFeed(environment, createRefusals('clients', createLogger('silent')))
    const [feed, other] = [open(), open()]
    const client = new KeptByClient()
    client.hear(feed.framesAfter(null))
    const first = client.lastEventId!
    const isEverything = (frames: Buffer | null): boolean => frames?.toString().includes('unleash-connected') === true
    const change = async (size: number): Promise<void> => {
      const variants = { on: `${written.version}${'x'.repeat(size)}`, off: 'off' }
      written.write('a', { variants, exposure: { share: 1, cohorts: [], shadow: false } })
      await environments.refresh(scope)
      feed.takeChange()
    }
    await change(0)
    assert.equal(isEverything(feed.framesAfter(first)), false)
    for (const name of [null, '', 'nonsense', '1', '-', `${first}9`, first.replace('-', '-x')])
      assert.ok(isEverything(feed.framesAfter(name)), String(name))
    assert.ok(isEverything(other.framesAfter(first)), 'another feed has its own events')
    for (let count = 0; count < 1_000; count++) await change(0)
    assert.ok(isEverything(feed.framesAfter(first)), 'more than a thousand changes ago')
    client.hear(feed.framesAfter(null))
    const second = client.lastEventId
    for (let count = 0; count < 5; count++) await change(1_000_000)
    assert.ok(isEverything(feed.framesAfter(second)), 'more than it keeps')
    client.hear(feed.framesAfter(null))
    assert.equal(feed.framesAfter(client.lastEventId), null, 'nothing was missed')
    environments.close()
  })
})
