/**
 * `flags: SET`: the values of a whole set, as a complete replacement (CB-03: a flag of the plan not named is off).
 *
 *  1. The universe of a replacement is every flag that some set of the plan names; other teams' flags are never touched.
 *  2. true and false switch a flag; a number or a text is served to everybody.
 *  3. A flag that is already as wanted is not written, so that repeating the command changes nothing.
 *  4. The flag a release itself moves keeps its exposure: a set only switches it and sets its value.
 */
import { isDeepStrictEqual } from 'node:util'
import type { EffectRunner } from '@dankai/engine'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import { failed, type RunResult, type Scope, scopeOf } from '../connection.ts'
import type { Flags, KeptFlag } from './flag-port.ts'

export type FlagSetValue = boolean | string | number
type Value = FlagSetValue

/** A person and a release may write the same flag at once; each attempt reads what the other wrote. */
const attemptsMax = 5

/** Names of every flag in every set of the release's plan. */
export type FlagSetNames = (releaseId: string) => Promise<readonly string[]>

export function createFlagSetRunner(flags: Flags, namesOf: FlagSetNames): EffectRunner {
  return {
    kinds: ['flags'],
    async run(claimed): Promise<RunResult> {
      const { effect } = claimed.command
      if (effect.kind !== 'flags') return failed(`Cannot run a ${effect.kind} command as a flag set`)
      const off = effect.replace ? await namesOf(claimed.releaseId) : []
      const values = new Map<string, Value>([
        ...off.map(name => [name, false] as const),
        ...Object.entries(effect.values),
      ])
      const problems: string[] = []
      for (const [key, value] of values) {
        const problem = await setFlag(flags, scopeOf(claimed), claimed.releaseId, key, value)
        if (problem !== null) problems.push(problem)
      }
      return problems.length === 0 ? { outcome: 'succeeded', detail: null, output: null } : failed(problems.join('; '))
    },
  }
}

async function setFlag(
  flags: Flags,
  scope: Scope,
  releaseId: string,
  key: string,
  value: Value,
): Promise<string | null> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const present = await flags.get(scope, key)
    const definition = withFlagValue(key, present, value, releaseId)
    if (present !== null && isDeepStrictEqual(definition, present.definition)) return null
    const result = await flags.put({
      ...scope,
      definition,
      expectedVersion: present?.version ?? 0,
      by: `release ${releaseId}`,
      why: 'flag set of the plan',
      breakGlass: present?.heldBy === releaseId,
    })
    if (result.ok) return null
    if (result.code === 'held')
      return `Cannot set flag "${key}": found it held by release ${result.releaseId}, expected it free`
  }
  return `Cannot set flag "${key}": found another writer ${attemptsMax} times, expected one free moment. Try the step again`
}

/** The flag as a set has it: for everybody, except when the release itself moves it. */
export function withFlagValue(
  key: string,
  present: Pick<KeptFlag, 'definition' | 'heldBy'> | null,
  value: Value,
  releaseId: string | null,
): FlagDefinition {
  const before = present?.definition ?? defineFlag({ key, kind: 'ops' })
  const served = typeof value === 'boolean' ? { ...before, on: value } : { ...before, on: true, ...serving(value) }
  return releaseId !== null && present?.heldBy === releaseId
    ? served
    : { ...served, exposure: { share: 1, cohorts: [], shadow: false }, segments: {} }
}

function serving(value: string | number): Pick<FlagDefinition, 'variants' | 'onVariant' | 'offVariant'> {
  return { variants: { on: value, off: typeof value === 'number' ? 0 : '' }, onVariant: 'on', offVariant: 'off' }
}
