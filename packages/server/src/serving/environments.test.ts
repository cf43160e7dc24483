import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defineFlag } from '@dankai/flags'
import { completeCare, type FlagStore, type Scope, type StoredFlag } from '@dankai/store'
import { createLogger } from '../http/log.ts'
import { Environments } from './environments.ts'

type FlagHint = Parameters<Parameters<FlagStore['subscribe']>[0]>[0]

const scopeOf = (environment: string): Scope => ({ project: 'default', environment })

/** A store whose environments have the flags that are put there, and that says how often each was read. */
function createSource() {
  const flags = new Map<string, StoredFlag>()
  const reads = new Map<string, number>()
  let hear: (hint: FlagHint) => void = () => {}
  return {
    reads,
    put(environment: string, version: number) {
      const definition = defineFlag({ key: 'here', version })
      const place = { ...scopeOf(environment), key: 'here', version, definition, heldBy: null, generation: 0 }
      flags.set(environment, { ...place, changedAt: 0, care: completeCare(null), fullSince: null })
      hear({ kind: 'flags', ...scopeOf(environment), version })
    },
    store: {
      async readSince({ environment }: Scope) {
        reads.set(environment, (reads.get(environment) ?? 0) + 1)
        const flag = flags.get(environment)
        return { version: flag?.version ?? 0, flags: flag === undefined ? [] : [flag], removed: [] }
      },
      subscribe(listener: (hint: FlagHint) => void) {
        hear = listener
        return () => {}
      },
    },
  }
}

const aTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('environments', () => {
  it('that have flags or followers stay, and of all other names the newest thousand', async () => {
    const source = createSource()
    source.put('used', 1)
    const environments = new Environments(source.store, createLogger('silent'))
    await environments.of(scopeOf('used'))
    const told: number[] = []
    const followed = await environments.of(scopeOf('followed'))
    followed.subscribe(() => told.push(followed.version))
    for (let index = 0; index < 3_000; index++) await environments.of(scopeOf(`invented-${index}`))
    await aTurn()
    const isKnown = (name: string): boolean => environments.known(scopeOf(name)) !== undefined
    const known = Array.from({ length: 3_000 }, (_, index) => isKnown(`invented-${index}`))
    assert.deepEqual([isKnown('used'), isKnown('followed'), known.indexOf(true)], [true, true, 3_000 - 998])
    assert.ok(known.slice(3_000 - 998).every(Boolean))
    source.put('followed', 1)
    await environments.refresh(scopeOf('followed'))
    assert.deepEqual(told, [1])
    environments.close()
  })

  it('are read once by all who ask, also where there is nothing', async () => {
    const source = createSource()
    const environments = new Environments(source.store, createLogger('silent'))
    for (let asked = 0; asked < 5; asked++) await environments.of(scopeOf('empty'))
    assert.equal(source.reads.get('empty'), 1)
    environments.close()
  })

  it('are never forgotten between being given and being followed, whoever else asks meanwhile', async () => {
    const source = createSource()
    const environments = new Environments(source.store, createLogger('silent'))
    const names = Array.from({ length: 2_500 }, (_, index) => `at-once-${index}`)
    const told: string[] = []
    await Promise.all(
      names.map(async name => {
        const environment = await environments.of(scopeOf(name))
        environment.subscribe(() => told.push(name))
      }),
    )
    await aTurn()
    for (const name of names) source.put(name, 1)
    await Promise.all(names.map(name => environments.refresh(scopeOf(name))))
    assert.deepEqual(told.toSorted(), names.toSorted())
    environments.close()
  })
})
