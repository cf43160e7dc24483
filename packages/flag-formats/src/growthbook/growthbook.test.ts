import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFlag, evaluateFlag, type FlagDefinition, FlagSet } from '@dankai/flags'
import { importGrowthBook } from './import-growthbook.ts'

const only = (feature: object, rest: object = {}): { flag: FlagDefinition; notes: readonly string[] } => {
  const { flags, notCarried } = importGrowthBook({ features: { one: feature }, ...rest })
  assert.equal(flags.length, 1, JSON.stringify(notCarried))
  assert.deepEqual(checkFlag(flags[0]), [])
  return { flag: flags[0]!, notes: notCarried.map(({ what, why }) => `${what}: ${why}`) }
}
const served = (flag: FlagDefinition, context: object): unknown =>
  evaluateFlag(new FlagSet([flag]).find(flag.key)!, { ...context }).value

test('forced values, conditions and groups of GrowthBook serve the same when imported', () => {
  const savedGroups = { staff: ['u1', 'u2'] }
  const table: readonly (readonly [condition: object, matching: object, other: object])[] = [
    [{ country: 'JP' }, { country: 'JP' }, { country: 'US' }],
    [{ country: { $in: ['JP', 'KR'] } }, { country: 'KR' }, {}],
    [{ country: { $nin: ['JP'] } }, { country: 'US' }, { country: 'JP' }],
    [{ country: { $ne: 'JP' } }, {}, { country: 'JP' }],
    [{ age: { $gte: 18, $lt: 65 } }, { age: 18 }, { age: 65 }],
    [{ age: { $lt: 18 } }, {}, { age: 18 }],
    [{ $not: { age: { $lte: 42 } } }, { age: 43 }, {}],
    [{ $or: [{ $nor: [] }, { beta: true }] }, { beta: true }, {}],
    [{ beta: true }, { beta: true }, { beta: false }],
    [{ email: { $regex: '@triptrip\\.com$' } }, { email: 'a@triptrip.com' }, { email: 'a@triptrip.comx' }],
    [{ email: { $exists: false } }, {}, { email: 'a' }],
    [{ app: { $vgte: '2.14.0' } }, { app: '2.15.0' }, { app: '2.14.0-beta.1' }],
    [
      { $or: [{ country: 'JP' }, { plan: 'pro', age: { $gt: 20 } }] },
      { plan: 'pro', age: 21 },
      { plan: 'pro', age: 20 },
    ],
    [{ $not: { country: 'JP', plan: 'pro' } }, { country: 'JP', plan: 'free' }, { country: 'JP', plan: 'pro' }],
    [{ $nor: [{ country: 'JP' }, { plan: 'pro' }] }, { country: 'US' }, { plan: 'pro' }],
    [{ id: { $inGroup: 'staff' } }, { targetingKey: 'u1' }, { targetingKey: 'u9' }],
    [{ id: { $notInGroup: 'staff' } }, { targetingKey: 'u9' }, { targetingKey: 'u2' }],
    [{ roles: { $elemMatch: { $eq: 'admin' } } }, { roles: ['user', 'admin'] }, { roles: ['user'] }],
    [{ 'custom.tier': 'gold' }, { custom: { tier: 'gold' } }, { custom: {} }],
  ]
  for (const [condition, matching, other] of table) {
    const { flag, notes } = only({ defaultValue: 'plain', rules: [{ condition, force: 'special' }] }, { savedGroups })
    const told = JSON.stringify(condition)
    assert.deepEqual(notes, [], told)
    assert.deepEqual([served(flag, matching), served(flag, other)], ['special', 'plain'], told)
  }
})

test('a rollout keeps its size and an experiment its weights, and both say that users are dealt anew', () => {
  const dealt = "GrowthBook's hash is not Dankai's: users are dealt anew"
  const rollout = only({ defaultValue: false, rules: [{ force: true, coverage: 0.3, hashAttribute: 'id' }] })
  assert.deepEqual(rollout.notes, [`rules[0]: ${dealt}`])
  const users = Array.from({ length: 4_000 }, (_, index) => ({
    targetingKey: `user-${index}`,
    company: `c-${index % 50}`,
  }))
  const part = users.filter(user => served(rollout.flag, user) === true).length / users.length
  assert.ok(Math.abs(part - 0.3) < 0.03, `${part}`)

  const experiment = only({
    defaultValue: 'a',
    rules: [
      {
        key: 'checkout',
        variations: ['a', 'b', 'c'],
        weights: [0.5, 0.3, 0.2],
        coverage: 0.5,
        hashAttribute: 'id',
        meta: [{ key: '0', name: 'Control' }, { key: '1', name: 'Blue' }, { key: '2' }],
      },
    ],
  })
  assert.equal(experiment.flag.kind, 'experiment')
  assert.deepEqual(experiment.notes, [`rules[0]: ${dealt}`])
  const inside = users
    .map(user => evaluateFlag(new FlagSet([experiment.flag]).find('one')!, user))
    .filter(one => one.inExperiment)
  assert.ok(Math.abs(inside.length / users.length - 0.5) < 0.03, `${inside.length}`)
  const ofBlue = inside.filter(({ value }) => value === 'b').length / inside.length
  assert.ok(Math.abs(ofBlue - 0.3) < 0.05, `${ofBlue}`)

  const byCompany = only({ defaultValue: false, rules: [{ force: true, coverage: 0.4, hashAttribute: 'company' }] })
  const companies = new Map(users.map(user => [user.company, new Set<unknown>()]))
  for (const user of users) companies.get(user.company)!.add(served(byCompany.flag, user))
  assert.ok([...companies.values()].every(values => values.size === 1))
})

test('what of a GrowthBook export has no equivalent is named, and a missing rule switches its flag off', () => {
  const table: readonly (readonly [rule: object, named: RegExp, on: boolean])[] = [
    [{ variations: [1, 2], namespace: ['pricing', 0, 0.5] }, /namespace: the namespace "pricing"/, true],
    [{ variations: [1, 2], filters: [{ ranges: [[0, 0.4]] }] }, /filters\[0\]: a filter/, true],
    [
      {
        variations: [1, 2],
        ranges: [
          [0, 0.3],
          [0.5, 0.9],
        ],
      },
      /ranges: only the size/,
      true,
    ],
    [{ force: 1, fallbackAttribute: 'anonymousId' }, /fallbackAttribute/, true],
    [{ force: 1, tracks: [{ experiment: {}, result: {} }] }, /tracks/, true],
    [{ force: 1, condition: { tags: { $size: 2 } } }, /\$size has no equivalent; the rule is left out/, false],
    [{ force: 1, condition: { tags: { $all: ['a'] } } }, /\$all has no equivalent/, false],
    [{ force: 1, condition: { address: { city: 'x' } } }, /compared with an object/, false],
    [{ force: 1, condition: { email: { $regex: '(?=x)' } } }, /regular expression/, false],
    [{ force: 1, condition: { id: { $inGroup: 'gone' } } }, /saved group "gone"/, false],
    [{ parentConditions: [{ id: 'gone', condition: { value: true }, gate: true }] }, /feature "gone"/, false],
    [{}, /serves nothing/, false],
  ]
  for (const [rule, named, on] of table) {
    const { flag, notes } = only({ defaultValue: 0, rules: [rule] })
    assert.match(notes.join('\n'), named)
    assert.equal(flag.on, on, JSON.stringify(rule))
  }
  assert.match(importGrowthBook({ features: {}, experiments: [{ key: 'page' }] }).notCarried[0]!.why, /"page" on pages/)
  for (const odd of [
    null,
    1,
    'x',
    [],
    {},
    { features: [] },
    { features: { a: null } },
    { features: { a: { rules: 7 } } },
  ])
    assert.ok(importGrowthBook(odd).flags.length + importGrowthBook(odd).notCarried.length > 0, JSON.stringify(odd))
})

test('a gate of GrowthBook becomes a prerequisite', () => {
  const gate = { parentConditions: [{ id: 'parent', condition: { value: true }, gate: true }] }
  const features = {
    parent: { defaultValue: false, rules: [{ condition: { plan: 'pro' }, force: true }] },
    child: { defaultValue: false, rules: [gate, { force: true }] },
  }
  const { flags, notCarried } = importGrowthBook({ features })
  assert.deepEqual(notCarried, [])
  const child = new FlagSet(flags).find('child')!
  assert.deepEqual(
    [evaluateFlag(child, { plan: 'pro' }).value, evaluateFlag(child, { plan: 'free' }).value],
    [true, false],
  )
  const open = importGrowthBook({ features: { ...features, child: { defaultValue: true, rules: [gate] } } })
  assert.match(open.notCarried[0]?.why ?? '', /gate keeps out/)
  const always = new FlagSet(open.flags).find('child')!
  assert.deepEqual(
    [evaluateFlag(always, { plan: 'pro' }).value, evaluateFlag(always, { plan: 'free' }).value],
    [true, null],
  )
})
