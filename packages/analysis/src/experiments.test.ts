import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkSampleRatio,
  type DifferenceInterval,
  differenceInterval,
  type GroupSums,
  logGamma,
  usersMin,
  widthFactor,
} from './index.ts'

/** mulberry32: a small generator, so that a run is the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Run {
  readonly ratesOf: readonly [number, number]
  readonly users: number
  readonly lookEvery: number
}

interface Look {
  readonly interval: DifferenceInterval
  readonly users: number
}

/** Users come one by one, half of them to each group; looked at all the way. */
function* looks(random: () => number, { ratesOf, users, lookEvery }: Run): Generator<Look> {
  const groups = [0, 1].map(() => ({ users: 0, sum: 0, sumOfSquares: 0 }))
  for (let user = 1; user <= users; user++) {
    const index = random() < 0.5 ? 0 : 1
    const value = random() < ratesOf[index] ? 1 : 0
    const group = groups[index]!
    group.users += 1
    group.sum += value
    group.sumOfSquares += value
    const interval = user % lookEvery === 0 ? differenceInterval(groups[0]!, groups[1]!, 0.05) : null
    if (interval !== null) yield { interval, users: user }
  }
}

const misses = (run: Run, difference: number, random: () => number): boolean => {
  for (const { interval } of looks(random, run))
    if (interval.low > difference || interval.high < difference) return true
  return false
}

describe('an interval that may be looked at any time', () => {
  const runs = 400

  it('misses the truth in at most 5 % of experiments, although each is looked at 100 times', () => {
    const random = randomFrom(20261122)
    for (const [ratesOf, difference] of [
      [[0.1, 0.1], 0],
      [[0.3, 0.3], 0],
      [[0.1, 0.15], 0.05],
    ] as const) {
      let missed = 0
      for (let run = 0; run < runs; run++)
        if (misses({ ratesOf, users: 5_000, lookEvery: 50 }, difference, random)) missed += 1
      // 0.05 × 400 = 20; three standard deviations of such a count are 13.
      assert.ok(missed <= 33, `${ratesOf}: ${missed} of ${runs}`)
    }
  })

  it('where an interval for one look, looked at as often, is wrong in far more', () => {
    const random = randomFrom(7)
    let alarms = 0
    for (let run = 0; run < runs; run++) {
      for (const { interval, users } of looks(random, { ratesOf: [0.1, 0.1], users: 5_000, lookEvery: 50 })) {
        const standardError = (interval.high - interval.estimate) / widthFactor(users, 0.05)
        if (Math.abs(interval.estimate) <= 1.96 * standardError) continue
        alarms += 1
        break
      }
    }
    assert.ok(alarms / runs > 0.15, `${alarms} of ${runs}`)
  })

  it('finds a difference that is there', () => {
    const random = randomFrom(3)
    let found = 0
    for (let run = 0; run < 100; run++)
      for (const { interval } of looks(random, { ratesOf: [0.1, 0.15], users: 10_000, lookEvery: 100 }))
        if (interval.low > 0) {
          found += 1
          break
        }
    assert.ok(found >= 95, `${found} of 100`)
  })

  const sums = fc
    .array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: usersMin, maxLength: usersMin + 50 })
    .map((values): GroupSums => {
      return {
        users: values.length,
        sum: values.reduce((total, value) => total + value, 0),
        sumOfSquares: values.reduce((total, value) => total + value * value, 0),
      }
    })

  it('holds its estimate, turns round with the groups, narrows with alpha and is none for few users', () => {
    fc.assert(
      fc.property(sums, sums, (control, other) => {
        const one = differenceInterval(control, other, 0.05)!
        const turned = differenceInterval(other, control, 0.05)!
        const careless = differenceInterval(control, other, 0.2)!
        assert.ok(one.low <= one.estimate && one.estimate <= one.high)
        assert.ok(Math.abs(one.low + turned.high) < 1e-6 && Math.abs(one.high + turned.low) < 1e-6)
        assert.ok(careless.high - careless.low <= one.high - one.low + 1e-9)
      }),
    )
    const few = { users: usersMin - 1, sum: 1, sumOfSquares: 1 }
    assert.equal(differenceInterval(few, { ...few, users: 1_000 }, 0.05), null)
  })

  it('is never narrower than an interval for one look', () => {
    for (const users of [200, 1_000, 5_000, 100_000, 10_000_000]) assert.ok(widthFactor(users, 0.05) > 1.96)
    assert.ok(widthFactor(5_000, 0.05) < 3.5)
  })
})

describe('the sample ratio', () => {
  it('is even for shares that are right, in all but one of a thousand experiments looked at all the way', () => {
    const random = randomFrom(11)
    let alarms = 0
    for (let run = 0; run < 400; run++) {
      const counts = [0, 0, 0]
      for (let user = 1; user <= 3_000; user++) {
        const place = random()
        counts[place < 0.5 ? 0 : place < 0.8 ? 1 : 2]! += 1
        if (user % 30 > 0) continue
        const parts = [0.5, 0.3, 0.2].map((share, index) => ({ share, users: counts[index]! }))
        if (checkSampleRatio(parts).state === 'even') continue
        alarms += 1
        break
      }
    }
    assert.ok(alarms <= 3, `${alarms} of 400`)
  })

  it('is uneven when one variant loses users, or has some that it must not have', () => {
    const even = (users: readonly number[], shares: readonly number[]) =>
      checkSampleRatio(users.map((count, index) => ({ users: count, share: shares[index]! }))).state
    for (const [users, shares, state] of [
      [[500, 500], [0.5, 0.5], 'even'],
      [[5_000, 4_900], [0.5, 0.5], 'even'],
      [[5_500, 4_500], [0.5, 0.5], 'uneven'],
      [[50_000, 47_000], [0.5, 0.5], 'uneven'],
      [[900, 110], [0.9, 0.1], 'even'],
      [[900, 200], [0.9, 0.1], 'uneven'],
      [[0, 0], [0.5, 0.5], 'even'],
      [[10, 1], [1, 0], 'uneven'],
    ] as const)
      assert.equal(even(users, shares), state, `${users} of ${shares}`)
  })

  it('is the e-value of the paper: its mean over what may come next is what it was', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), fc.double({ min: 0.05, max: 0.95, noNaN: true }), (one, two, share) => {
        const evidence = (users: readonly [number, number]): number =>
          checkSampleRatio([
            { users: users[0], share },
            { users: users[1], share: 1 - share },
          ]).logEvidence
        const now = evidence([one, two])
        const next =
          share * Math.exp(evidence([one + 1, two]) - now) + (1 - share) * Math.exp(evidence([one, two + 1]) - now)
        assert.ok(Math.abs(next - 1) < 1e-6, String(next))
      }),
    )
  })

  it('rests on logarithms of the gamma function that are those of the factorials', () => {
    let factorial = 0
    for (let n = 1; n < 150; n++) {
      assert.ok(Math.abs(logGamma(n) - factorial) < 1e-9 * Math.max(1, factorial), String(n))
      factorial += Math.log(n)
    }
    assert.ok(Math.abs(logGamma(0.25) - 1.2880225246980774) < 1e-12)
  })
})
