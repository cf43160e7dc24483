import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FlagDefinition } from '@dankai/flags'
import fc from 'fast-check'
import { createLogger } from '../http/log.ts'
import { WrittenFlags } from '../testing/written-flags.ts'
import { Environments } from './environments.ts'
import type { ServedView } from './served-view.ts'

const scope = { project: 'p', environment: 'e' }
const seed = (Math.random() * 2 ** 31) | 0

const keys = ['a', 'b', 'c', 'd'] as const
const step = fc.record({
  /** Several that are read together are told one by one. */
  writes: fc.array(
    fc.record({
      key: fc.constantFrom(...keys),
      flag: fc.option(fc.record({ on: fc.boolean(), asks: fc.subarray([...keys], { maxLength: 2 }) })),
      client: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  stop: fc.constantFrom(null, null, 'a', 'none'),
})

/** Keeps what it is told, as a client does. */
function follow(view: ServedView) {
  const kept = new Map<string, FlagDefinition>()
  const state = { kept, version: view.version, named: new Set<string>() }
  const takeAll = (): void => {
    kept.clear()
    for (const flag of view.definitions()) kept.set(flag.key, flag)
    state.version = view.version
  }
  takeAll()
  view.subscribe(change => {
    if (change.kind === 'all') return takeAll()
    if (change.kind === 'flag') kept.set(change.flag.key, change.flag)
    if (change.kind === 'removed') kept.delete(change.key)
    if (change.kind === 'flag') state.named.add(change.flag.key)
    if (change.kind === 'removed') state.named.add(change.key)
    assert.ok(change.version <= state.version + 1, 'no version is left out')
    state.version = Math.max(state.version, change.version)
  })
  return state
}

describe(`what clients in users' hands may read (seed ${seed})`, () => {
  it('is the flags marked for them and what those ask for; whoever follows it has just that, at every version, and hears of no other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const written = new WrittenFlags(scope)
        const environments = new Environments(written, createLogger('silent'))
        const environment = await environments.of(scope)
        const view = await environments.viewFor('client', scope)
        const follower = follow(view)
        const everTold = new Set<string>()
        for (const { writes, stop } of steps) {
          for (const { key, flag, client } of writes) {
            const prerequisites = (flag?.asks ?? []).map(asked => ({ flag: asked, variants: ['on'] }))
            written.write(key, flag === null ? null : { on: flag.on, prerequisites }, { client })
          }
          if (stop !== null) {
            const about = { ...scope, id: 's', by: 'a', why: 'b', at: 0 }
            environments.setStops(stop === 'none' ? [] : [{ ...about, stops: { kind: 'flag', key: stop } }])
          }
          await environments.refresh(scope)
          const expected = new Map(
            environment.definitions().flatMap(flag => (isFor(environment, flag.key) ? [[flag.key, flag]] : [])),
          )
          for (const key of expected.keys()) everTold.add(key)
          assert.deepEqual(new Map(view.definitions().map(flag => [flag.key, flag])), expected)
          assert.deepEqual(follower.kept, expected)
          assert.deepEqual(new Set(view.flags.all().map(flag => flag.definition.key)), new Set(expected.keys()))
          assert.equal(follower.version, environment.version)
          assert.equal(view.version, environment.version)
          assert.notEqual(view.etag, environment.etag)
        }
        for (const key of follower.named) assert.ok(everTold.has(key), `${key} was never for clients`)
        environments.close()
      }),
      { numRuns: 400, seed },
    )
  })
})

/** Stated anew: marked, or asked for by one that is. */
function isFor(environment: Awaited<ReturnType<Environments['of']>>, key: string): boolean {
  const asking = new Set([key])
  for (let size = 0; size !== asking.size; ) {
    size = asking.size
    for (const flag of environment.definitions())
      if (flag.prerequisites.some(one => asking.has(one.flag))) asking.add(flag.key)
  }
  return [...asking].some(one => environment.stored(one)?.care.client === true)
}
