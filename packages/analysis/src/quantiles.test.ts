import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { exactValuesMax, Quantiles } from './index.ts'
import { QuantileTotal } from './quantile-total.ts'

/** Nearest rank by sorting everything: the smallest value with at least q × n values at or below it. */
function sortedQuantile(values: readonly number[], quantile: number): number {
  const ascending = values.toSorted((a, b) => a - b)
  return ascending[Math.max(1, Math.ceil(quantile * values.length - 1e-9)) - 1]!
}

const fewDistinct = fc.array(fc.constantFrom(-5, 0, 0.1, 1, 2.5, 7, 100, 1e6), { minLength: 1, maxLength: 200 })
const many = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 })
const quantiles = fc.constantFrom(0, 0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1)

describe('quantiles', () => {
  // biome-ignore format: a table is read by its columns
  const rows: readonly [values: readonly number[], quantile: number, expected: number | null][] = [
    [[],                    0.99, null],
    [[7],                   0,    7],
    [[1, 2, 3, 4],          0.5,  2],
    [[1, 2, 3, 4],          0.51, 3],
    [[1, 2, 3, 4],          1,    4],
    [[4, 3, 2, 1],          0.25, 1],
    [[-3, 0, 3],            0.5,  0],
    [[1, Number.NaN, 3],    1,    3],
  ]
  for (const [values, quantile, expected] of rows) {
    test(`of ${JSON.stringify(values)} at ${quantile} are by nearest rank: ${expected}`, () => {
      assert.equal(Quantiles.of(values).quantile(quantile), expected)
    })
  }

  test('are exact while there are few distinct values', () => {
    fc.assert(
      fc.property(fewDistinct, quantiles, (values, quantile) => {
        assert.equal(Quantiles.of(values).quantile(quantile), sortedQuantile(values, quantile))
      }),
    )
  })

  test('are within 1 % of the nearest rank when there are many', () => {
    fc.assert(
      fc.property(many, quantiles, (values, quantile) => {
        const expected = sortedQuantile(values, quantile)
        const found = Quantiles.of(values).quantile(quantile)!
        assert.ok(Math.abs(found - expected) <= 0.0100001 * expected, `${found} for ${expected}`)
      }),
    )
  })

  test('do not depend on order or on how they were merged', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fewDistinct, many), { minLength: 1, maxLength: 4 }), parts => {
        const whole = Quantiles.of(parts.flat())
        const merged = parts.toReversed().reduce((sum, part) => sum.merge(Quantiles.of(part)), new Quantiles())
        assert.deepEqual(merged.toJSON(), whole.toJSON())
        assert.ok(merged.equals(whole))
      }),
    )
  })

  test('survive JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fewDistinct, many), values => {
        const told = Quantiles.of(values)
        const read = Quantiles.fromJSON(JSON.parse(JSON.stringify(told)))
        assert.deepEqual([read.toJSON(), read.count, read.sketched], [told.toJSON(), told.count, told.sketched])
      }),
    )
  })

  test('turn into a sketch above 64 distinct values, and count them all', () => {
    const exact = Quantiles.of(Array.from({ length: exactValuesMax }, (_, index) => index))
    assert.deepEqual([exact.sketched, exact.merge(exact).sketched, exact.count], [false, false, 2 * exactValuesMax])
    assert.deepEqual([exact.add(1e9, 3).sketched, exact.count], [true, 2 * exactValuesMax + 3])
  })

  test('clamp what no metric can mean: below a billionth is zero, above 1e15 is 1e15', () => {
    const values = [...Array.from({ length: 64 }, (_, index) => 1 + index), 1e-12, 1e300]
    const told = Quantiles.of(values)
    assert.equal(told.quantile(0), 0)
    assert.ok(Math.abs(told.quantile(1)! / 1e15 - 1) < 0.011)
  })
})

test('a total from which buckets were taken out answers like the buckets that are left', () => {
  const bucket = fc.oneof(fewDistinct, many)
  fc.assert(
    fc.property(fc.array(bucket, { minLength: 1, maxLength: 6 }), fc.nat(6), quantiles, (buckets, gone, quantile) => {
      const total = new QuantileTotal()
      for (const values of buckets) {
        total.add(Quantiles.of(values), 2)
        total.quantile(quantile)
      }
      const left = buckets.slice(Math.min(gone, buckets.length - 1))
      for (const values of buckets.slice(0, buckets.length - left.length)) total.remove(Quantiles.of(values), 2)
      const expected = new Quantiles()
      for (const values of left) expected.merge(Quantiles.of(values)).merge(Quantiles.of(values))
      assert.equal(total.quantile(quantile), expected.quantile(quantile))
      assert.equal(total.clone().quantile(quantile), expected.quantile(quantile))
    }),
  )
})
