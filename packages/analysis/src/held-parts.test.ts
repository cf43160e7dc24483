import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldParts } from './held-parts.ts'
import { evidencePlan, ratio } from './testing/evidence-plan.ts'

const planOf = (limit: string) =>
  evidencePlan({ metrics: { errors: { measure: ratio } }, rules: [`errors > ${limit}`] })

test('however many releases ask the same, they go on with the parts of eight', () => {
  const held = Array.from({ length: 40 }, () => new HeldParts(planOf('5%')))
  const parts = held.map(each => each.parts)
  assert.ok(new Set(parts).size <= 8)
})

test('releases that ask something else never go on with the same parts', () => {
  const held = Array.from({ length: 40 }, (_, index) => new HeldParts(planOf(index % 2 === 0 ? '5%' : '7%')))
  const [even, odd] = [0, 1].map(rest => new Set(held.filter((_, index) => index % 2 === rest).map(each => each.parts)))
  assert.ok([...even!].every(parts => !odd!.has(parts)))
})
