import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Condition, FlagDefinition } from '@dankai/flags'
import fc from 'fast-check'
import { createLogger } from '../../http/log.ts'
import { Environments } from '../../serving/environments.ts'
import type { StreamClient } from '../../streaming/stream-client.ts'
import { WrittenFlags } from '../../testing/written-flags.ts'
import { LaunchDarklyFeed } from './launchdarkly-feed.ts'

/** Random, and printed, so that a failure can be repeated: DANKAI_SEED=… node --test … */
const seed = Number(process.env['DANKAI_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const scope = { project: 'default', environment: 'production' }

interface Item {
  readonly version: number
  readonly deleted?: boolean
}

/** What a server SDK keeps: all of a put, and of patches and deletes what is newer than it has. */
class KeptBySdk implements StreamClient {
  readonly sdk = ''
  readonly name = ''
  readonly kind = 'server'
  readonly connectedAt = 0
  /** Each flag with its segments, as it could be evaluated between any two events. */
  readonly evaluated: { readonly key: string; readonly as: string }[] = []
  flags = new Map<string, Item>()
  segments = new Map<string, Item>()

  write(frame: Buffer): boolean {
    const [, name = '', data = ''] = /event: (\w+)\ndata: (.*)\n/.exec(frame.toString('utf8')) ?? []
    const { path = '', data: given, version } = JSON.parse(data)
    if (name === 'put') {
      this.flags = new Map(Object.entries(given.flags as Record<string, Item>))
      this.segments = new Map(Object.entries(given.segments as Record<string, Item>))
    } else {
      const [, kind, key] = /^\/(flags|segments)\/(.*)$/.exec(path) ?? []
      const items = kind === 'flags' ? this.flags : this.segments
      const item: Item = name === 'delete' ? { version, deleted: true } : given
      assert.ok(item.version > (items.get(key!)?.version ?? -1), `${path}: an SDK takes only what is newer`)
      items.set(key!, item)
    }
    this.checkSegments()
    return true
  }

  close(): void {}

  /** Between any two events the SDK evaluates: every segment that is asked for must be there. */
  checkSegments(): void {
    for (const [key, flag] of this.flags) {
      if (flag.deleted === true) continue
      const asked = [...JSON.stringify(flag).matchAll(/"segmentMatch","values":\["([^"]*)"/g)].map(match => match[1]!)
      const found = asked.map(name => this.segments.get(name))
      for (const [index, segment] of found.entries())
        assert.ok(segment !== undefined && segment.deleted !== true, `${key} asks for ${asked[index]}`)
      this.evaluated.push({ key, as: contentOf([flag, ...found]) })
    }
  }

  present(items: ReadonlyMap<string, Item>): object {
    return Object.fromEntries([...items].filter(([, { deleted }]) => deleted !== true).toSorted())
  }
}

/** Without versions, which say nothing of who is served what. */
const contentOf = (items: readonly unknown[]): string => JSON.stringify(items).replaceAll(/"version":\d+/g, '')

type Change =
  | { readonly kind: 'write'; readonly key: string; readonly flag: Partial<FlagDefinition> }
  | { readonly kind: 'remove'; readonly key: string }
  | { readonly kind: 'stop'; readonly key: string | null }

const key = fc.constantFrom('a', 'b', 'c')
const negated = (value: string): Condition => ({ attribute: 'plan', operator: 'is', values: [value], negated: true })
const flag: fc.Arbitrary<Partial<FlagDefinition>> = fc
  .record({
    on: fc.boolean(),
    algorithm: fc.constantFrom('launchdarkly' as const, 'dankai' as const),
    plan: fc.constantFrom('free', 'pro', null),
    share: fc.constantFrom(0, 0.2, 1),
    cohort: fc.constantFrom(null, 0.3, 0.6, 1),
    asks: fc.option(key),
    asked: fc.constantFrom('on', 'off'),
  })
  .map(({ on, algorithm, plan, share, cohort, asks, asked }) => ({
    on,
    algorithm,
    prerequisites: asks === null ? [] : [{ flag: asks, variants: [asked] }],
    rules:
      plan === null
        ? []
        : [{ id: 'r', when: [negated(plan)], share: 1, by: null, seed: null, serve: { variant: 'on' } }],
    segments: { staff: { include: {}, keys: ['mei', plan ?? 'aki'] } },
    exposure: {
      share,
      shadow: false,
      cohorts: cohort === null ? [] : [{ segment: 'staff', share: cohort, mix: null }],
    },
  }))

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), key, flag }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), key }) },
)
const stop: fc.Arbitrary<Change> = fc.record({ kind: fc.constant('stop' as const), key: fc.option(key) })
/** What is read at once. */
const step: fc.Arbitrary<readonly Change[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.tuple(stop) },
)

describe(`the feed of LaunchDarkly's server SDKs (seed ${seed})`, () => {
  it('leaves every SDK with exactly what is served, step by step, whatever is written, removed, stopped and refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const written = new WrittenFlags(scope)
        const environments = new Environments(written, createLogger('silent'))
        const environment = await environments.of(scope)
        const feed = new LaunchDarklyFeed(environment, createLogger('silent'))
        const sdk = new KeptBySdk()
        sdk.write(feed.put)
        feed.clients.add(sdk)
        for (const [index, changes] of steps.entries()) {
          sdk.evaluated.length = 0
          sdk.checkSegments()
          for (const one of changes) {
            if (one.kind === 'write') written.write(one.key, { ...one.flag, seed: `${one.key}.salt` })
            else if (one.kind === 'remove') written.write(one.key, null)
            else {
              const made = { ...scope, id: 's', by: 'a', why: 'b', at: 0 }
              environments.setStops(one.key === null ? [] : [{ ...made, stops: { kind: 'flag', key: one.key } }])
            }
          }
          await environments.refresh(scope)
          const { flags, segments } = JSON.parse(feed.data)
          const sorted = (items: object) => Object.fromEntries(Object.entries(items).toSorted())
          assert.deepEqual(sdk.present(sdk.flags), sorted(flags), `flags after step ${index}`)
          assert.deepEqual(sdk.present(sdk.segments), sorted(segments), `segments after step ${index}`)
          const between = [...sdk.evaluated]
          sdk.checkSegments()
          for (const { key: name, as } of between) {
            const [before] = between.filter(one => one.key === name)
            const after = sdk.evaluated.findLast(one => one.key === name)
            assert.ok(as === before?.as || as === after?.as, `${name} was as neither before nor after step ${index}`)
          }
        }
        feed.close()
        environments.close()
      }),
      { numRuns: 400, seed },
    )
  })
})
