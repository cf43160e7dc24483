import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setFlagSchema } from '@dankai/contract'
import { bucketAlgorithms, flagKinds, operators } from '@dankai/flags'

/** The contract repeats the words of the model, because the one may not depend on the other. */
it('the contract takes every kind, algorithm and operator of the model', () => {
  const condition = (operator: string) => ({ attribute: 'plan', operator, values: ['pro'] })
  const rules = (operator: string) => [{ id: 'one', when: [condition(operator)], serve: { variant: 'on' } }]
  const flags = [
    ...flagKinds.map(kind => ({ kind })),
    ...bucketAlgorithms.map(algorithm => ({ algorithm, otherBuckets: [algorithm] })),
    ...operators.map(operator => ({ rules: rules(operator) })),
  ]
  const refused = flags.filter(flag => !setFlagSchema.safeParse({ flag }).success)
  assert.deepEqual(refused, [])
  assert.equal(setFlagSchema.safeParse({ flag: { rules: rules('near') } }).success, false)
})
