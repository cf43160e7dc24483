import { canonicalJson } from '../canonical-json.ts'
import type { Localized } from '../problem.ts'

export type ChangeDirection = 'tightens' | 'loosens' | 'neutral'

export interface PlanChange {
  readonly path: string
  readonly direction: ChangeDirection
  /** A running release may take this over; all else needs a new release. */
  readonly mayAmend: boolean
  readonly message: Localized
}

export function change(
  path: string,
  direction: ChangeDirection,
  mayAmend: boolean,
  en: string,
  ja: string,
): PlanChange {
  return { path, direction, mayAmend, message: { en, ja } }
}

/** Places and ids say where something stands, not what it means. */
export function differ(before: unknown, after: unknown): boolean {
  return canonicalJson(meaningOf(before)) !== canonicalJson(meaningOf(after))
}

function meaningOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(meaningOf)
  const kept = Object.entries(value).filter(([key]) => key !== 'place' && key !== 'id')
  return Object.fromEntries(kept.map(([key, part]) => [key, meaningOf(part)]))
}
