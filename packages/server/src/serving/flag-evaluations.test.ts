import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFlagEvaluations } from './flag-evaluations.ts'

const scope = { project: 'default', environment: 'production' }

describe('what clients say they evaluated', () => {
  it('is added up by flag and variant, with the latest moment however late it is told', () => {
    const evaluations = createFlagEvaluations(5)
    evaluations.record(scope, 'a', 'on', 3, 100)
    evaluations.record(scope, 'a', null, 1, 50)
    evaluations.record({ ...scope, environment: 'staging' }, 'a', 'on', 9, 900)
    for (const count of [0, -1, 1.5, Number.NaN]) evaluations.record(scope, 'a', 'on', count, 1_000)
    evaluations.record(scope, 'a', 'on', 1, Number.POSITIVE_INFINITY)
    const usage = evaluations.read(scope, 'a')
    assert.deepEqual([usage?.count, usage?.lastSeenAt, evaluations.since], [4, 100, 5])
    assert.deepEqual(usage?.variants.get(null), { count: 1, lastSeenAt: 50 })
    assert.equal(evaluations.read(scope, 'b'), null)
  })

  it('is bounded: the flag nobody told of for longest is forgotten, and invented variants are not kept', () => {
    const evaluations = createFlagEvaluations(0)
    for (let index = 0; index < 50_000; index++) evaluations.record(scope, `flag-${index}`, 'on', 1, index)
    evaluations.record(scope, 'flag-0', 'on', 1, 1)
    evaluations.record(scope, 'one more', 'on', 1, 1)
    const kept = ['flag-0', 'flag-1', 'flag-2'].map(flag => evaluations.read(scope, flag) !== null)
    assert.deepEqual(kept, [true, false, true])
    for (let index = 0; index < 500; index++) evaluations.record(scope, 'flag-0', `variant-${index}`, 1, 1)
    assert.deepEqual(
      [evaluations.read(scope, 'flag-0')?.variants.size, evaluations.read(scope, 'flag-0')?.count],
      [101, 502],
    )
  })
})
