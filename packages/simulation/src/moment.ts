import { renderDuration, renderTime, type Wording } from '@dankai/insight'
import type { ScenarioMoment } from '@dankai/plan'

/** `start`, `rollback` (RollbackStarted) and each phase by its name (ExposureReached of that phase). */
export type Anchors = Readonly<Record<string, number>>

/** null while the anchor has not been reached. */
export function resolveMoment(moment: ScenarioMoment, anchors: Anchors): number | null {
  if (moment.kind === 'time') return moment.at
  const anchor = anchors[moment.anchor]
  return anchor === undefined ? null : anchor + moment.plusMs
}

export function renderMoment(moment: ScenarioMoment, wording: Wording): string {
  if (moment.kind === 'time') return renderTime(moment.at, wording)
  return moment.plusMs === 0 ? moment.anchor : `${moment.anchor} + ${exactDuration(moment.plusMs)}`
}

/** `early + 3m`: an absolute time as people find it in the plan, from the newest anchor at or before it. */
export function renderRelative(at: number, anchors: Anchors): string {
  let newest: readonly [string, number] | null = null
  for (const [name, time] of Object.entries(anchors))
    if (time <= at && (newest === null || time >= newest[1])) newest = [name, time]
  if (newest === null) return ''
  const plus = at - newest[1]
  return plus === 0 ? newest[0] : `${newest[0]} + ${exactDuration(plus)}`
}

/** Every unit down to seconds: a test is about the exact moment. */
function exactDuration(ms: number): string {
  const whole = Math.floor(ms / 86_400_000) * 86_400_000
  const rest = ms - whole
  const hours = Math.floor(rest / 3_600_000) * 3_600_000
  const parts = [whole, hours, rest - hours].filter(part => part > 0)
  return parts.map(part => renderDuration(part, 'en')).join('') || '0s'
}
