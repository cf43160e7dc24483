import { readIsoTimeMs } from './iso-time.ts'
import { readDurationMs } from './quantity.ts'

/**
 * When something happens in a scenario. Anchors are `start`, `rollback` (its beginning) and the phases by name (once
 * their exposure is reached).
 */
export type ScenarioMoment =
  | { readonly kind: 'anchor'; readonly anchor: string; readonly plusMs: number }
  | { readonly kind: 'time'; readonly at: number }

export function readMoment(text: string): ScenarioMoment | null {
  const at = readIsoTimeMs(text)
  if (at !== null) return { kind: 'time', at }
  const [, anchor, plus] = /^([A-Za-z0-9][A-Za-z0-9_-]*)(?: \+ (\S+))?$/u.exec(text) ?? []
  const plusMs = plus === undefined ? 0 : readDurationMs(plus)
  return anchor === undefined || plusMs === null || /^\d{4}-\d{2}-\d{2}T/u.test(anchor)
    ? null
    : { kind: 'anchor', anchor, plusMs }
}
