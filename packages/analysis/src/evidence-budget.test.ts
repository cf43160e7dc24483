import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type EvidenceQuestion, evidenceBudget } from './index.ts'

describe('the evidence budget', () => {
  // Medians of simulated runs of the sequential test itself, 150 each (reference/decision-method, part 4).
  // biome-ignore format: a table is read by its columns
  const simulated: readonly [question: EvidenceQuestion, canaryRequests: number][] = [
    [{ baseRate: 0.005, margin: { oddsRatio: 2 } },                      2_260],
    [{ baseRate: 0.005, margin: { oddsRatio: 1.5 } },                    5_900],
    [{ baseRate: 0.02,  margin: { oddsRatio: 2 } },                        630],
    [{ baseRate: 0.005, margin: { oddsRatio: 2 }, canaryShare: 0.5 },    4_700],
  ]
  for (const [question, canaryRequests] of simulated) {
    test(`is within 15 % of ${canaryRequests} canary requests for ${JSON.stringify(question)}`, () => {
      const found = evidenceBudget(question)!.canaryRequests
      assert.ok(Math.abs(found / canaryRequests - 1) <= 0.15, `found ${found}`)
    })
  }

  test('is about 11 expected canary errors for twice the odds and about 30 for one and a half', () => {
    const errors = [2, 1.5].map(oddsRatio => evidenceBudget({ baseRate: 0.005, margin: { oddsRatio } })!.canaryErrors)
    assert.ok(Math.abs(errors[0]! - 11) < 2 && Math.abs(errors[1]! - 30) < 4, `found ${errors}`)
  })

  test('M-029 100 requests never show safety: half a point on top of 0.5 % takes over 2,000', () => {
    const { oddsRatio, canaryRequests } = evidenceBudget({ baseRate: 0.005, margin: { points: 0.005 } })!
    assert.ok(Math.abs(oddsRatio - 2.01) < 0.001)
    assert.ok(canaryRequests > 2_000 && canaryRequests < 2_500)
  })

  test('shrinks with the margin, with more errors and with more risk', () => {
    const requests = (question: Partial<EvidenceQuestion>): number =>
      evidenceBudget({ baseRate: 0.005, margin: { oddsRatio: 2 }, ...question })!.canaryRequests
    assert.ok(requests({ margin: { oddsRatio: 3 } }) < requests({}))
    assert.ok(requests({ baseRate: 0.05 }) < requests({}))
    assert.ok(requests({ alpha: 0.2 }) < requests({}))
    assert.ok(requests({ canaryShare: 0.01 }) < requests({}))
  })

  test('does not exist where no traffic can show it', () => {
    assert.equal(evidenceBudget({ baseRate: 0, margin: { points: 0.005 } }), null)
    assert.equal(evidenceBudget({ baseRate: 0.005, margin: { points: 0 } }), null)
    assert.equal(evidenceBudget({ baseRate: 0.5, margin: { points: 0.5 } }), null)
  })
})
