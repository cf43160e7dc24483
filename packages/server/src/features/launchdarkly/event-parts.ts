import type { FlagSet } from '@dankai/flags'
import type { Scope } from '@dankai/store'
import { type Fields, isFields } from '../../http/fields.ts'
import type { FlagEvaluations } from '../../serving/flag-evaluations.ts'
import type { ExposureBatch } from '../exposures/read-exposures.ts'

const flagsMax = 10_000
const countersMax = 200
/** As many as a batch of our own SDKs may have, each. */
const experimentEventsMax = 1_000

export function countEvaluations(
  { evaluations, now }: { readonly evaluations: Pick<FlagEvaluations, 'record'>; readonly now: () => number },
  scope: Scope,
  flags: FlagSet,
  { kind, features, endDate }: Fields,
): void {
  if (kind !== 'summary' || !isFields(features)) return
  // A client's clock may be wrong; nothing was evaluated later than now.
  const at = typeof endDate === 'number' && Number.isFinite(endDate) ? Math.min(endDate, now()) : now()
  for (const [key, feature] of Object.entries(features).slice(0, flagsMax)) {
    // A flag that is not known here is nobody's to clean up, and anybody can invent names.
    if (flags.find(key) === undefined) continue
    for (const { variation, count } of countersOf(feature))
      if (typeof count === 'number')
        evaluations.record(scope, key, variantAt(flags, key, variation), count, at, 'launchdarkly')
  }
}

function countersOf(feature: unknown): readonly Fields[] {
  const counters = isFields(feature) ? feature['counters'] : null
  return Array.isArray(counters) ? counters.slice(0, countersMax).filter(isFields) : []
}

function variantAt(flags: FlagSet, key: string, place: unknown): string | null {
  const names = Object.keys(flags.find(key)?.definition.variants ?? {})
  return typeof place === 'number' ? (names[place] ?? null) : null
}

/** Whom experiments assigned, and what users did. */
export function experimentEvents(flags: FlagSet, events: readonly Fields[]): Omit<ExposureBatch, 'sentAt'> {
  const exposures: unknown[] = []
  const outcomes: unknown[] = []
  for (const event of events) {
    const { kind, key, creationDate: at } = event
    const user = userOf(event)
    if (user === null || typeof key !== 'string') continue
    if (kind === 'feature' && isAssigned(event) && exposures.length < experimentEventsMax)
      exposures.push({ flag: key, variant: variantAt(flags, key, event['variation']), user, at })
    if (kind === 'custom' && outcomes.length < experimentEventsMax)
      outcomes.push({ event: key, user, at, value: event['metricValue'] ?? 1 })
  }
  return { exposures, outcomes }
}

const isAssigned = ({ reason }: Fields): boolean => isFields(reason) && reason['inExperiment'] === true

/** Older clients say `userKey`, newer ones the keys of all kinds or the context itself. */
function userOf({ contextKeys, context, userKey }: Fields): unknown {
  if (isFields(contextKeys)) return contextKeys['user'] ?? null
  if (!isFields(context)) return userKey ?? null
  const user = context['kind'] === 'multi' ? context['user'] : context['kind'] === 'user' ? context : null
  return isFields(user) ? (user['key'] ?? null) : null
}
