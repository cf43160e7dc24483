import type { Wording } from '@dankai/insight'
import type { Context } from './context.ts'

/** Times are shown in the zone of the person's machine: they compare them with the clock on the wall. */
export function wordingFor(context: Context): Wording {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  return { language: context.language, timezone: timeZone, plan: null }
}
