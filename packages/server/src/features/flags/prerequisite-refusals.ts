/**
 * What no flag may become, seen with the flags beside it. Clients serve a defined answer for each; nobody wants it.
 *
 * 1. A flag that leads back to itself through its prerequisites serves its off variant to everybody.
 * 2. A flag that others ask for, and that is gone, takes them from everybody too.
 * 3. Only what a change brings is refused: a flag that is in a circle already can be switched off.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FlagDefinition } from '@dankai/flags'
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import { HttpProblem } from '../../http/http-problem.ts'

const shownMax = 10

export async function requireNoCircle(app: Application, scope: Scope, definition: FlagDefinition): Promise<void> {
  if (definition.prerequisites.length === 0) return
  requireNoCircleAmong(await definitionsByKey(app, scope), definition)
}

export async function definitionsByKey(app: Application, scope: Scope): Promise<Map<string, FlagDefinition>> {
  return new Map((await app.environments.of(scope)).definitions().map(flag => [flag.key, flag]))
}

export function requireNoCircleAmong(others: ReadonlyMap<string, FlagDefinition>, definition: FlagDefinition): void {
  if (isDeepStrictEqual(others.get(definition.key)?.prerequisites, definition.prerequisites)) return
  const circle = circleThrough(definition, others)
  if (circle === null) return
  const shown = circle.length > shownMax ? [...circle.slice(0, shownMax - 1), '…', definition.key] : circle
  throw new HttpProblem(
    'invalid',
    `Cannot write flag "${definition.key}": found prerequisites that lead back to it (${shown.join(' -> ')}), expected none. Take one of them away.`,
  )
}

export async function requireUnasked(app: Application, scope: Scope, key: string): Promise<void> {
  const asking = (await app.environments.of(scope))
    .definitions()
    .filter(({ key: other, prerequisites }) => other !== key && prerequisites.some(({ flag }) => flag === key))
    .map(flag => `"${flag.key}"`)
  if (asking.length === 0) return
  const more = asking.length > shownMax ? ` and ${asking.length - shownMax} more` : ''
  throw new HttpProblem(
    'not-possible',
    `Cannot remove flag "${key}": found it a prerequisite of ${asking.slice(0, shownMax).join(', ')}${more}, expected of none: nobody would have those. Change them first.`,
  )
}

/** The keys of the way back, the flag at both ends; null when there is none. Every flag is looked at once. */
function circleThrough(
  definition: FlagDefinition,
  others: ReadonlyMap<string, FlagDefinition>,
): readonly string[] | null {
  const cameFrom = new Map<string, string>()
  const waiting = [definition]
  for (let flag = waiting.pop(); flag !== undefined; flag = waiting.pop())
    for (const { flag: asked } of flag.prerequisites) {
      if (asked === definition.key) return [...wayTo(flag.key, definition.key, cameFrom), definition.key]
      const next = others.get(asked)
      if (next === undefined || cameFrom.has(asked)) continue
      cameFrom.set(asked, flag.key)
      waiting.push(next)
    }
  return null
}

function wayTo(key: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [key]
  for (let at = key; at !== start; ) {
    at = cameFrom.get(at) ?? start
    way.unshift(at)
  }
  return way
}
