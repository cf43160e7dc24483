import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { compileFlag, type Evaluation, evaluateFlag, type FlagDefinition, FlagSet } from '@dankai/flags'
import fc from 'fast-check'
import { flagFor, type Person, person } from '../testing/arbitrary-flags.ts'
import { openUnleashClient } from '../testing/unleash-client.ts'
import { exportUnleash } from './export-unleash-set.ts'
import { importUnleash } from './import-unleash.ts'
import { toggleOf } from './unleash-toggle.ts'

const seed = 20_240_302
const client = openUnleashClient()
after(() => client.close())

/** What people are in an Unleash context, whose properties are texts. */
const unleashContext = ({ targetingKey, ...rest }: Person) => ({
  ...(targetingKey === undefined ? {} : { userId: targetingKey }),
  properties: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
})
const ourContext = ({ targetingKey, ...rest }: Person) => ({
  ...(targetingKey === undefined ? {} : { targetingKey }),
  ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
})

interface Shown {
  readonly enabled: boolean
  readonly variant?: string
  readonly payload?: unknown
}

const shown = (flag: FlagDefinition, evaluation: Evaluation): Shown => {
  const toggle = toggleOf(flag, evaluation)
  if (toggle === null) return { enabled: false }
  const { name, enabled, payload } = toggle.variant
  return enabled ? { enabled: true, variant: name, payload } : { enabled: true }
}
const shownByClient = (key: string, who: Person): Shown => {
  const enabled = client.unleash.isEnabled(key, unleashContext(who))
  const variant = client.unleash.getVariant(key, unleashContext(who))
  return variant.enabled ? { enabled, variant: variant.name, payload: variant.payload } : { enabled }
}

test('unleash-client serves from an exported feature what Dankai serves, and importing it again changes nothing, for generated flags and contexts', () => {
  console.log(`seed ${seed}`)
  let served = 0
  fc.assert(
    fc.property(flagFor('unleash'), fc.array(person, { minLength: 8, maxLength: 8 }), (flag, people) => {
      const compiled = compileFlag(flag)
      assert.deepEqual(compiled.problems, [])
      const body = exportUnleash([flag])
      if (body.refused.length > 0) return
      served++
      client.give(body)
      const imported = importUnleash({ version: 2, ...body })
      assert.deepEqual(imported.notCarried, [])
      const again = compileFlag(imported.flags[0]!)
      for (const who of people) {
        const theirs = shownByClient(flag.key, who)
        const told = (): string => JSON.stringify([who, body, imported.flags[0]])
        assert.deepEqual(theirs, shown(flag, evaluateFlag(compiled, ourContext(who))), told())
        assert.deepEqual(theirs, shown(again.definition, evaluateFlag(again, ourContext(who))), told())
      }
    }),
    { numRuns: 1_000, seed },
  )
  // Most flags have an equivalent; what has none is refused, and would make the law empty if it were the rule.
  assert.ok(served > 700, `${served} of 1000`)
})

test('a flag that asks for another is enabled for the same users in unleash-client, and stays so when imported again', () => {
  let served = 0
  fc.assert(
    fc.property(
      flagFor('unleash', 'asked'),
      flagFor('unleash', 'asking'),
      fc.array(fc.constantFrom('on', 'on', 'off', 'third'), { minLength: 1, maxLength: 2 }),
      fc.array(person, { minLength: 8, maxLength: 8 }),
      (asked, given, variants, people) => {
        const asking = { ...given, prerequisites: [{ flag: 'asked', variants }] }
        const body = exportUnleash([asking, asked])
        if (!body.features.some(({ name }) => name === 'asking')) return
        served++
        client.give(body)
        const ours = new FlagSet([asked, asking])
        const again = new FlagSet(importUnleash(body).flags)
        for (const who of people) {
          const theirs = shownByClient('asking', who)
          const told = (): string => JSON.stringify([who, body])
          assert.deepEqual(theirs, shown(asking, evaluateFlag(ours.find('asking')!, ourContext(who))), told())
          const imported = again.find('asking')!
          assert.deepEqual(theirs, shown(imported.definition, evaluateFlag(imported, ourContext(who))), told())
        }
      },
    ),
    { numRuns: 500, seed: seed + 1 },
  )
  assert.ok(served > 100, `${served} of 500`)
})
