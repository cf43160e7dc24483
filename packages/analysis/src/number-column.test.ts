import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnReader, ColumnWriter } from './number-column.ts'
import { Quantiles, readShared, writeShared } from './quantiles.ts'

const writer = new ColumnWriter()
const words = ['first', 'second'] as const

test('what is put into a column comes back in order and to the bit', () => {
  const numbers = [
    0.1 + 0.2,
    Number.NaN,
    -0,
    Number.NEGATIVE_INFINITY,
    2 ** 53,
    ...Array.from({ length: 999 }, (_, index) => Math.sqrt(index)),
  ]
  for (const number of numbers) writer.put(number)
  writer.putFlag(true)
  writer.putOptional(null)
  writer.putOptional(Number.POSITIVE_INFINITY)
  writer.putOneOf(words, 'second')
  const reader = new ColumnReader(writer.finish(null))
  assert.deepEqual(
    numbers.map(() => reader.number()),
    numbers,
  )
  assert.deepEqual(
    [reader.flag(), reader.optional(), reader.optional(), reader.oneOf(words)],
    [true, null, Number.POSITIVE_INFINITY, 'second'],
  )
})

test('what several share is shared again by those who read it', () => {
  const shared = Quantiles.of([1, 2, 2.5])
  const own = Quantiles.of(Array.from({ length: 200 }, (_, index) => index))
  for (const quantiles of [shared, null, own, shared]) writeShared(quantiles, writer)
  const reader = new ColumnReader(writer.finish(null))
  const [first, none, second, third] = [1, 2, 3, 4].map(() => readShared(reader))
  assert.equal(first, third)
  assert.equal(none, null)
  assert.ok(first!.equals(shared) && second!.equals(own) && second !== first)
})

test('a column is written over while what is written fits, and replaced when it is far too large', () => {
  const write = (size: number) => {
    for (let number = 0; number < size; number++) writer.put(number)
  }
  write(1_000)
  const column = writer.finish(null)
  write(990)
  assert.equal(writer.finish(column), column)
  write(100)
  const smaller = writer.finish(column)
  assert.ok(smaller !== column && smaller.length < 200)
})
