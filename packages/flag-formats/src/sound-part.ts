import {
  type Condition,
  checkFlag,
  defineFlag,
  type FlagDefinition,
  type FlagProblem,
  type FlagSegment,
} from '@dankai/flags'

/** Why our own check refuses a condition; null when it is sound. */
export function conditionProblem(
  condition: Condition,
  segments: Readonly<Record<string, FlagSegment>> = {},
): string | null {
  const rule = { id: 'probe', when: [condition], share: 1, by: null, seed: null, serve: { variant: 'on' } }
  const [problem] = checkFlag(defineFlag({ key: 'probe', rules: [rule], segments }))
  return problem === undefined ? null : refusalIn(problem)
}

/** The name, or the first of `others` that is not taken. */
export function freeName(taken: Readonly<Record<string, unknown>>, ...names: readonly string[]): string {
  const free = names.find(name => !Object.hasOwn(taken, name))
  if (free !== undefined) return free
  let number = 2
  while (Object.hasOwn(taken, `${names[0]}-${number}`)) number++
  return `${names[0]}-${number}`
}

/** What of an import our own check refuses, and where. */
export function flagProblem(flag: FlagDefinition): string | null {
  const [problem] = checkFlag(flag)
  if (problem === undefined) return null
  return problem.path === '' ? refusalIn(problem) : `${problem.path}: ${refusalIn(problem)}`
}

/** What was found and expected; the flag and the place are those of the export, and named beside it. */
export function refusalIn({ path, message }: FlagProblem): string {
  const place = `": ${path === '' ? '' : `${path}: `}`
  return message.slice(message.indexOf(place) + place.length).replace(/\.$/, '')
}
