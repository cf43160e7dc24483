import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileFlag } from './compile-flag.ts'
import { evaluateBoolean } from './evaluate-flag.ts'
import { defineFlag } from './flag-definition.ts'
import { type Parts, stratify } from './stratify.ts'

const quotas = { region: { 東京: 0.5, 大阪: 0.2, その他: 0.3 }, userType: { 新規: 0.3, 既存: 0.7 } }
const population = { region: { 東京: 0.3, 大阪: 0.1, その他: 0.6 }, userType: { 新規: 0.1, 既存: 0.9 } }

test('15 % of active users have the quotas of region and user type (P-015 to P-020)', () => {
  const { strata, share, parts } = stratify({ share: 0.15, quotas, population, rest: 'その他' })
  near(share, 0.15)
  assertParts(parts, quotas)
  const flag = compileFlag(
    defineFlag({
      key: 'push',
      segments: { active: { include: { active: ['true'] } } },
      exposure: { share: 0, cohorts: [{ segment: 'active', share: 0, mix: strata }], shadow: false },
    }),
  )
  const users = 60_000
  const inside = Array.from({ length: users }, (_, index) => userOf(index)).filter(user => evaluateBoolean(flag, user))
  const partOf = (attribute: 'region' | 'userType', value: string): number =>
    inside.filter(user => user[attribute] === value).length / inside.length
  near(inside.length / users, 0.15, 0.01)
  near(partOf('region', '東京'), 0.5, 0.025)
  near(partOf('region', '大阪'), 0.2, 0.025)
  near(partOf('userType', '新規'), 0.3, 0.025)
})

test('a stratum that is too small is taken whole and the rest fills up, with the deviation reported (CA-29)', () => {
  const few = { region: { 東京: 0.02, 大阪: 0.3, その他: 0.68 } }
  const { strata, share, parts } = stratify({ share: 0.15, quotas: { region: quotas.region }, population: few })
  near(share, 0.15)
  assert.deepEqual(strata[0], { where: { region: ['東京'] }, share: 1 })
  near(parts.region!.東京!, 0.02 / 0.15)
  near(parts.region!.大阪! / parts.region!.その他!, 0.2 / 0.3)
})

test('where strata with quotas run out of people the sample stays short and says so', () => {
  const { share, strata } = stratify({
    share: 0.5,
    quotas: { plan: { pro: 1, free: 0 } },
    population: { plan: { pro: 0.2, free: 0.8 } },
  })
  near(share, 0.2)
  assert.deepEqual(
    strata.map(stratum => stratum.share),
    [1, 0],
  )
  assert.deepEqual(stratify({ share: 0.5, quotas: { plan: { pro: 1 } }, population: {} }).share, 0)
})

test('too many combinations are refused', () => {
  const values = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`v${index}`, 1 / 40]))
  assert.throws(
    () => stratify({ share: 0.1, quotas: { a: values, b: values }, population: {} }),
    /Cannot stratify by "b"/,
  )
})

const anyParts = fc
  .array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 })
  .map(weights => weights.map(weight => weight / weights.reduce((total, each) => total + each, 0)))
const anyDesign = fc
  .record({ quotas: fc.array(fc.tuple(anyParts, anyParts), { minLength: 1, maxLength: 3 }) })
  .map(({ quotas: pairs }) => ({
    quotas: named(pairs.map(([one, other]) => one.slice(0, Math.min(one.length, other.length)))),
    population: named(pairs.map(([one, other]) => other.slice(0, Math.min(one.length, other.length)))),
  }))

test('a sample reaches its share as far as there are people, with no threshold outside 0 to 1', () => {
  fc.assert(
    fc.property(anyDesign, fc.double({ min: 0, max: 1, noNaN: true }), (design, share) => {
      const { strata, share: reached } = stratify({ ...design, share })
      near(reached, share)
      assert.ok(strata.every(stratum => stratum.share >= 0 && stratum.share <= 1))
    }),
    { numRuns: 1_000, seed: 20_240_119 },
  )
})

test('a growing sample lowers no threshold (F-098)', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(anyDesign, share, share, (design, one, other) => {
      const before = stratify({ ...design, share: Math.min(one, other) }).strata
      const after = stratify({ ...design, share: Math.max(one, other) }).strata
      assert.deepEqual(
        after.map(({ where }) => where),
        before.map(({ where }) => where),
      )
      for (const [index, stratum] of before.entries()) assert.ok(after[index]!.share >= stratum.share - 1e-12)
    }),
    { numRuns: 1_000, seed: 20_240_120 },
  )
})

/** Parts scaled to 1 again after some were cut off. */
function named(lists: readonly (readonly number[])[]): Parts {
  return Object.fromEntries(
    lists.map((parts, attribute) => {
      const total = parts.reduce((sum, part) => sum + part, 0)
      return [`attribute${attribute}`, Object.fromEntries(parts.map((part, value) => [`value${value}`, part / total]))]
    }),
  )
}

/** Users whose attributes have the population's parts, independently of each other. */
function userOf(index: number): { targetingKey: string; active: boolean; region: string; userType: string } {
  const place = index % 100
  const region = place < 30 ? '東京' : place < 40 ? '大阪' : ['札幌', '福岡', '仙台'][index % 3]!
  const userType = Math.floor(index / 100) % 10 === 0 ? '新規' : '既存'
  return { targetingKey: `user-${index}`, active: true, region, userType }
}

function assertParts(found: Parts, expected: Parts): void {
  for (const [attribute, values] of Object.entries(expected)) {
    for (const [value, part] of Object.entries(values)) near(found[attribute]![value]!, part)
  }
}

function near(found: number, expected: number, within = 1e-9): void {
  assert.ok(Math.abs(found - expected) <= within, `found ${found}, expected ${expected} ± ${within}`)
}
