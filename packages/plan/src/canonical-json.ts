import type { CompiledPlan } from './compiled-plan.ts'

/** One text for one value, whatever the order its keys were written in. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const entries = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}

/**
 * What a plan's digest is taken of: its meaning, without the places of its lines, so that a comment or another file name
 * does not void an approval. Callers hash the text with SHA-256; this package has no cryptography of its own.
 */
export function canonicalPlanJson(plan: CompiledPlan): string {
  return canonicalJson(withoutPlaces(plan))
}

function withoutPlaces(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutPlaces)
  const kept = Object.entries(value).filter(([key, part]) => key !== 'place' || !isPlace(part))
  return Object.fromEntries(kept.map(([key, part]) => [key, withoutPlaces(part)]))
}

/** An integration may have an option called "place"; only our own are left out. */
function isPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value && 'column' in value
}
