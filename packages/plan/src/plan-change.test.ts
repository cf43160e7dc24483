import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { describePlanChange } from './change/plan-change.ts'
import { hasSameMeaning, implies } from './lint/implication.ts'
import { compileDraft, compileGood, writePlan } from './testing/plan-texts.ts'

type Parts = Readonly<Record<string, string>>

const phases = (early: string) =>
  `phases:\n  - { name: early, expose: 50%, hold: 10m${early} }\n  - { name: all, expose: 100%, hold: 10m }`

function changesOf(before: Parts, after: Parts): readonly string[] {
  const [was, is] = [compileGood(writePlan(before)), compileGood(writePlan(after))]
  return describePlanChange(was, is).map(
    ({ direction, mayAmend, message }) => `${direction}${mayAmend ? '' : ' (new release)'}: ${message.en}`,
  )
}

describe('the change of a plan', () => {
  it('is nothing between two plans of the same meaning', () => {
    for (const name of ['triptrip-api', 'mamapace-push', 'property-listing-sync']) {
      assert.deepEqual(describePlanChange(compileDraft(name), compileDraft(name)), [])
    }
    const plan = writePlan({ rollbackWhen: '[error_rate > 5% for 120s]' })
    assert.deepEqual(
      describePlanChange(compileGood(plan), compileGood(`# moved\n${plan.replace('120s', '2m')}`)).map(
        ({ direction }) => direction,
      ),
      ['neutral'],
    )
  })

  it('tells what tightens from what loosens, and what a running release may take over', () => {
    const table: readonly (readonly [Parts, Parts, readonly string[]])[] = [
      [{}, { phases: phases('').replace('hold: 10m', 'hold: 20m') }, ['tightens: phase "early": hold 10m becomes 20m']],
      [{ phases: phases('').replace('hold: 10m', 'hold: 20m') }, {}, ['loosens: phase "early": hold 20m becomes 10m']],
      [
        {},
        { phases: phases(', promoteWhen: [error_rate < 1%]') },
        ['tightens: phase "early": "error_rate < 1%" is added'],
      ],
      [
        { phases: phases(', promoteWhen: [error_rate < 1%]') },
        {},
        ['loosens: phase "early": "error_rate < 1%" is removed'],
      ],
      [
        { phases: phases(', promoteWhen: [error_rate < 1%]') },
        { phases: phases(', promoteWhen: [error_rate < 0.5%]') },
        ['tightens: phase "early": "error_rate < 1%" becomes "error_rate < 0.5%"'],
      ],
      [
        { phases: phases(', promoteWhen: [error_rate < 1%]') },
        { phases: phases(', promoteWhen: [error_rate <= 1%]') },
        ['loosens: phase "early": "error_rate < 1%" becomes "error_rate <= 1%"'],
      ],
      [
        { rollbackWhen: '[error_rate > 5%]' },
        { rollbackWhen: '[error_rate > 4%]' },
        ['tightens: rule "error_rate > 5%": "error_rate > 5%" (rollback now) becomes "error_rate > 4%" (rollback now)'],
      ],
      [
        { rollbackWhen: '[error_rate > 5%]' },
        { rollbackWhen: '[error_rate > 5% for 2m]' },
        [
          'loosens: rule "error_rate > 5%": "error_rate > 5%" (rollback now) becomes "error_rate > 5% for 2m" (rollback now)',
        ],
      ],
      [
        { rollbackWhen: '[error_rate > 5%]' },
        { rollbackWhen: '[{ if: error_rate > 5%, then: rollback within 1h }]' },
        [
          'loosens: rule "error_rate > 5%": "error_rate > 5%" (rollback now) becomes "error_rate > 5%" (rollback within 1h)',
        ],
      ],
      [
        { rollbackWhen: '[{ if: error_rate > 5%, then: rollback within 1h }]' },
        { rollbackWhen: '[{ if: error_rate > 5%, then: rollback within 30m }]' },
        [
          'tightens: rule "error_rate > 5%": "error_rate > 5%" (rollback within 1h) becomes "error_rate > 5%" (rollback within 30m)',
        ],
      ],
      [
        { rollbackWhen: '[{ if: error_rate > 5%, then: decide within 1h, otherwise: rollback }]' },
        { rollbackWhen: '[{ if: error_rate > 5%, then: decide within 1h, otherwise: continue }]' },
        [
          'loosens: rule "error_rate > 5%": "error_rate > 5%" (decide within 1h, otherwise rollback) becomes "error_rate > 5%" (decide within 1h, otherwise continue)',
        ],
      ],
      [
        { rollbackWhen: '[{ name: A, if: [error_rate > 5%, p99 > 1s], then: halt }]' },
        { rollbackWhen: '[{ name: A, if: [error_rate > 5%], then: halt }]' },
        ['loosens: rule "A": "error_rate > 5% | p99 > 1s" (halt) becomes "error_rate > 5%" (halt)'],
      ],
      [{}, { rollbackWhen: '[restarts > 5]' }, ['tightens: rule "restarts > 5" is added']],
      [
        { rollbackWhen: '[restarts > 5, p99 > 1s]' },
        { rollbackWhen: '[p99 > 1s]' },
        ['loosens: rule "restarts > 5" is removed'],
      ],
      [
        { rollbackWhen: '[{ name: A, if: p99 > 1s, then: halt, severity: high }]' },
        { rollbackWhen: '[{ name: A, if: p99 > 1s, then: halt, severity: low }]' },
        ['neutral: rule "A" is named differently'],
      ],
      [
        { evidence: 'not harmful with 100 samples' },
        { evidence: 'not harmful with 200 samples' },
        ['tightens: evidence "not harmful with 100 samples" becomes "not harmful with 200 samples"'],
      ],
      [
        { evidence: 'not harmful after 2h with 200 samples' },
        { evidence: 'not harmful with 300 samples' },
        ['loosens: evidence "not harmful after 2h with 200 samples" becomes "not harmful with 300 samples"'],
      ],
      [
        {},
        { phases: phases('').replace('50%', '60%') },
        ['loosens (new release): the phases or their exposure change'],
      ],
      [{}, { before: '[{ approve: qa }]' }, ['tightens (new release): before: step "approve qa" is added']],
      [
        { before: '[{ approve: qa, count: 2 }]' },
        { before: '[{ approve: qa }]' },
        ['loosens (new release): before: step "approve qa" changes'],
      ],
      [
        { before: '[{ run: a }, { run: b }]' },
        { before: '[{ run: b }, { run: a }]' },
        ['loosens (new release): before: the steps change their order'],
      ],
      [
        { rollback: '[{ expose: 0% }, { run: verify }]' },
        { rollback: '[{ expose: 0% }]' },
        ['loosens (new release): rollback: step "verify" is removed'],
      ],
      [
        { metrics: 'metrics: { a: { count: x } }' },
        { metrics: 'metrics: { a: { count: y } }' },
        ['loosens: metric "a" is measured differently'],
      ],
      [
        { metrics: 'metrics: { a: { count: x } }' },
        { metrics: 'metrics: { a: { count: x, warn: "> 5", title: A } }' },
        ['neutral: metric "a" looks different'],
      ],
      [{}, { exposure: '[{ flag: other }]' }, ['loosens (new release): hands changes']],
      [{}, { title: 'Sample' }, ['neutral (new release): title changes']],
    ]
    for (const [before, after, expected] of table) assert.deepEqual(changesOf(before, after), expected)
  })

  it('never tightens both ways, and says the same in Japanese', () => {
    const limits = fc.integer({ min: 1, max: 20 })
    const rules = fc.record({
      limit: limits,
      op: fc.constantFrom('>', '>='),
      span: fc.constantFrom('', ' for 1m', ' for 5m'),
      consequence: fc.constantFrom('rollback now', 'rollback within 1h', 'halt'),
    })
    const write = (rule: { limit: number; op: string; span: string; consequence: string }) =>
      compileGood(
        writePlan({
          rollbackWhen: `[{ name: A, if: error_rate ${rule.op} ${rule.limit}%${rule.span}, then: ${rule.consequence} }]`,
        }),
      )
    fc.assert(
      fc.property(rules, rules, (one, other) => {
        const [there, back] = [
          describePlanChange(write(one), write(other)),
          describePlanChange(write(other), write(one)),
        ]
        assert.equal(there.length, back.length)
        assert.ok(!(there[0]?.direction === 'tightens' && back[0]?.direction === 'tightens'))
        assert.ok([...there, ...back].every(({ message }) => message.ja !== ''))
      }),
      { numRuns: 60 },
    )
  })

  it('rests on an implication that holds for every value (exhaustive over small limits)', () => {
    const plan = (text: string) => {
      const [condition] =
        compileGood(writePlan({ rollbackWhen: `[{ if: "${text}", then: hold }]` })).rules[0]?.anyOf ?? []
      assert.ok(condition)
      return condition
    }
    const isTrue = (op: string, limit: number, value: number) =>
      op === '>'
        ? value > limit
        : op === '>='
          ? value >= limit
          : op === '<'
            ? value < limit
            : op === '<='
              ? value <= limit
              : value === limit
    const terms = ['<', '<=', '>', '>=', '='].flatMap(op =>
      [1, 2, 3].map(limit => ({ op, limit, condition: plan(`restarts ${op} ${limit}`) })),
    )
    const values = [0, 1, 1.5, 2, 2.5, 3, 4]
    for (const one of terms) {
      for (const other of terms) {
        if (!implies(one.condition, other.condition)) continue
        assert.ok(
          values.every(value => !isTrue(one.op, one.limit, value) || isTrue(other.op, other.limit, value)),
          `${one.condition.text} / ${other.condition.text}`,
        )
      }
      assert.ok(implies(one.condition, one.condition) && hasSameMeaning(one.condition, one.condition))
    }
  })
})
