import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanFile } from '@dankai/plan'
import { shopPlan, shopScenarios } from './testing/shop-plan.ts'
import { type MutationResult, tryMutation } from './try-mutation.ts'

const files: readonly PlanFile[] = shopScenarios(`
  - name: the spike rolls back after two minutes, in time
    script: [{ at: half + 1m, error_rate: 5.01% }]
    expect:
      - { at: half + 3m, event: RollbackStarted, because: Error spike }
      - { at: canary + 5m, event: PhasePromoted, exposure: 50% }
`)

/** Changes the number at the end of a text that stands in the plan once. */
function change(upTo: string, plan: string = shopPlan): Promise<MutationResult> {
  const end = plan.indexOf(upTo) + upTo.length - 1
  assert.ok(end >= upTo.length, upTo)
  const before = plan.slice(0, end)
  const place = { line: before.split('\n').length, column: end - before.lastIndexOf('\n') }
  const changed = files.map(file => (file.path === 'shop.yaml' ? { ...file, text: plan } : file))
  return tryMutation({ files: changed, file: 'shop.yaml', place })
}

test('a number that a scenario covers is caught, and the scenario is named', async () => {
  for (const covered of [
    'Error spike, if: error_rate > 5',
    'error_rate > 5% for 2',
    'expose: 5%,  hold: 5',
    'expose: 50',
  ]) {
    const result = await change(covered)
    assert.equal(result.outcome, 'caught', covered)
    assert.equal(result.outcome === 'caught' && result.by, 'the spike rolls back after two minutes, in time')
    assert.match(result.outcome === 'caught' ? result.message : '', /^shop\.scenarios\.yaml:\d+:\d+: Cannot meet/)
  }
})

test('a number that no scenario looks at survives', async () => {
  assert.deepEqual(await change('if: restarts > 5'), { outcome: 'survived', before: '5', after: '6', ran: 1 })
})

test('a number in a comment or in another plan is not even tried', async () => {
  const commented = files.map(file => (file.path === 'shop.yaml' ? { ...file, text: `# 17 rows\n${file.text}` } : file))
  const result = await tryMutation({ files: commented, file: 'shop.yaml', place: { line: 1, column: 3 } })
  assert.deepEqual(result, { outcome: 'survived', before: '17', after: '18', ran: 0 })
})

test('a change that the language refuses counts as refused', async () => {
  const result = await change('canary, expose: 50', shopPlan.replace('expose: 5%,', 'expose: 50%,'))
  assert.equal(result.outcome, 'refused')
  assert.match(result.outcome === 'refused' ? result.message : '', /Cannot order phase "half"/)
})

test('a place without a number is said to be none', async () => {
  const result = await tryMutation({ files, file: 'shop.yaml', place: { line: 1, column: 1 } })
  assert.match(
    result.outcome === 'not a number' ? result.message : '',
    /^shop\.yaml: Cannot change the number at 1:1: found "kind: Release/,
  )
})
