import { askCalendar } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'

/** A Tuesday morning in Tokyo, in a month without holidays: a good day to release, and the same one in every run. */
const aGoodDay = Date.parse('2026-06-02T10:00+09:00')

const hour = 3_600_000
/** More steps than a year of blocked days and closed hours has. */
const stepsMax = 2_000

/** When a simulation starts if nothing else is said: the first moment from a fixed day on at which the calendar is open. */
export function defaultStart(plan: CompiledPlan, labels: readonly string[]): number {
  let now = aGoodDay
  if (plan.calendar === null) return now
  for (let step = 0; step < stepsMax; step += 1) {
    const answer = askCalendar(plan.calendar, {
      now,
      labels,
      hasExemption: false,
      isFirstRaise: true,
      phases: plan.phases.length,
    })
    if (answer.open) return now
    now = answer.until === null || answer.until <= now ? now + hour : answer.until
  }
  return aGoodDay
}
