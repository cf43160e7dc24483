import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mutatePlanNumber } from './mutate-plan.ts'

const changed = (line: string, at: string, direction: 'up' | 'down' = 'up'): string => {
  const result = mutatePlanNumber(`kind: ReleasePlan\n${line}\n`, { line: 2, column: line.indexOf(at) + 1 }, direction)
  assert.ok(result.ok)
  return result.text.split('\n')[1]!
}

test('a number is changed by one in its last digit and nothing else is touched', () => {
  assert.equal(changed('- error_rate > 5% for 2m   # T-011', '5%'), '- error_rate > 6% for 2m   # T-011')
  assert.equal(changed('- error_rate > 5% for 2m', '2m'), '- error_rate > 5% for 3m')
  assert.equal(changed('if: success_rate < 99% 4 times', '4'), 'if: success_rate < 99% 5 times')
  assert.equal(changed('- error_rate <= baseline + 0.5pt', '0.5'), '- error_rate <= baseline + 0.6pt')
  assert.equal(changed('hold: 10m', '10', 'down'), 'hold: 9m')
  assert.equal(changed('{ from: 12-28, to: 01-04 }', '04'), '{ from: 12-28, to: 01-05 }')
})

test('a full percentage goes down and zero goes up, because the other way there is nothing', () => {
  assert.equal(changed('expose: 100%', '100'), 'expose: 99%')
  assert.equal(changed('- error_rate = 0%', '0%', 'down'), '- error_rate = 1%')
})

test('a place without a number is refused with what stands there', () => {
  const result = mutatePlanNumber('hold: open\n', { line: 1, column: 7 })
  assert.deepEqual(result, {
    ok: false,
    message: 'Cannot change the number at 1:7: found "open", expected a number. Give the place of its first digit.',
  })
})
