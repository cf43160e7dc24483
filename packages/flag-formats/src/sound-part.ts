import { type Condition, checkFlag, defineFlag, type FlagDefinition, type FlagSegment } from '@dankai/flags'

/** Why our own check refuses a condition; null when it is sound. */
export function conditionProblem(
  condition: Condition,
  segments: Readonly<Record<string, FlagSegment>> = {},
): string | null {
  const rule = { id: 'probe', when: [condition], share: 1, by: null, seed: null, serve: { variant: 'on' } }
  return checkFlag(defineFlag({ key: 'probe', rules: [rule], segments }))[0]?.message ?? null
}

/** The name, or the first of `others` that is not taken. */
export function freeName(taken: Readonly<Record<string, unknown>>, ...names: readonly string[]): string {
  const free = names.find(name => !Object.hasOwn(taken, name))
  if (free !== undefined) return free
  let number = 2
  while (Object.hasOwn(taken, `${names[0]}-${number}`)) number++
  return `${names[0]}-${number}`
}

/** What of an import our own check refuses. */
export const flagProblem = (flag: FlagDefinition): string | null => checkFlag(flag)[0]?.message ?? null
