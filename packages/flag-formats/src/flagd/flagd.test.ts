import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileFlag, evaluateFlag, type FlagDefinition } from '@dankai/flags'
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core'
import fc from 'fast-check'
import { flagFor, person } from '../testing/arbitrary-flags.ts'
import { exportFlagd } from './export-flagd.ts'

const seed = 20_240_301
const silent = { error() {}, warn() {}, info() {}, debug() {} }

const theirs = (file: object, key: string, context: object, value: unknown) => {
  const storage = new MemoryStorage(silent)
  storage.setConfigurations(JSON.stringify(file), true)
  const core = new FlagdCore(storage, silent)
  if (typeof value === 'boolean') return core.resolveBooleanEvaluation(key, false, context as never, silent)
  if (typeof value === 'number') return core.resolveNumberEvaluation(key, -1, context as never, silent)
  if (typeof value === 'string') return core.resolveStringEvaluation(key, '?', context as never, silent)
  return core.resolveObjectEvaluation(key, {}, context as never, silent)
}

const fileOf = (flag: FlagDefinition): object => {
  const exported = exportFlagd(flag)
  assert.ok(exported.ok, JSON.stringify([exported, flag]))
  return { flags: { [flag.key]: exported.value } }
}

test('flagd-core serves from an exported flag what Dankai serves, for generated flags and contexts', () => {
  console.log(`seed ${seed}`)
  fc.assert(
    fc.property(flagFor('flagd'), fc.array(person, { minLength: 8, maxLength: 8 }), (flag, people) => {
      const compiled = compileFlag(flag)
      assert.deepEqual(compiled.problems, [])
      const file = fileOf(flag)
      for (const context of people) {
        const ours = evaluateFlag(compiled, { ...context })
        const found = theirs(file, flag.key, context, ours.value)
        assert.deepEqual(
          [found.variant, found.value],
          [ours.variant, ours.value],
          JSON.stringify([context, ours, found]),
        )
      }
    }),
    { numRuns: 400, seed },
  )
})
