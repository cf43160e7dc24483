import { HttpProblem } from '../../http/http-problem.ts'

/**
 * JSON text may name a field `__proto__`, which readers leave out without a word: what somebody wrote would be lost.
 * `found` was read as JSON, which is never deep (`jsonDepthMax`).
 */
export function requireOrdinaryNames(what: string, found: unknown): void {
  const path = placeOfPrototypeName(found, [])
  if (path === null) return
  throw new HttpProblem(
    'invalid',
    `Cannot accept ${what}: ${path.join('.')}: found a name that JavaScript keeps for itself, expected another.`,
  )
}

function placeOfPrototypeName(found: unknown, path: readonly string[]): readonly string[] | null {
  if (typeof found !== 'object' || found === null) return null
  for (const [name, value] of Object.entries(found)) {
    const inner = [...path, name]
    const place = name === '__proto__' ? inner : placeOfPrototypeName(value, inner)
    if (place !== null) return place
  }
  return null
}
