/**
 * What LaunchDarkly's clients report. Of it, summaries say who evaluated what and how often.
 *
 *  1. A summary counts every evaluation, those of which a `feature` event tells as well; so the latter add nothing.
 *  2. A payload that comes a second time (clients send once more when they heard no answer) counts once.
 *  3. What cannot be read is passed over: a client that is told so would send the same again.
 */
import type { Scope } from '@dankai/store'
import type { Application } from '../../application.ts'

/** Clients send again within a second; this is minutes of a thousand clients. */
const payloadsMax = 10_000
const eventsMax = 20_000
const flagsMax = 10_000
const countersMax = 200

type Fields = Readonly<Record<string, unknown>>

export interface EventIntake {
  take(scope: Scope, payloadId: string | undefined, body: unknown): Promise<void>
}

export function createEventIntake(app: Pick<Application, 'environments' | 'evaluations' | 'now'>): EventIntake {
  const payloads = new Set<string>()
  const isNew = (scope: Scope, payloadId: string | undefined): boolean => {
    if (payloadId === undefined || payloadId.length > 200) return true
    const slot = `${scope.project}\n${scope.environment}\n${payloadId}`
    if (payloads.has(slot)) return false
    payloads.add(slot)
    if (payloads.size > payloadsMax) payloads.delete(payloads.values().next().value ?? '')
    return true
  }
  return {
    async take(scope, payloadId, body) {
      if (!Array.isArray(body) || !isNew(scope, payloadId)) return
      const { flags } = await app.environments.of(scope)
      for (const event of body.slice(0, eventsMax)) {
        if (!isFields(event) || event['kind'] !== 'summary' || !isFields(event['features'])) continue
        const at = momentOf(event['endDate'], app.now())
        for (const [key, feature] of Object.entries(event['features']).slice(0, flagsMax)) {
          const names = Object.keys(flags.find(key)?.definition.variants ?? {})
          // A flag that is not known here is nobody's to clean up, and anybody can invent names.
          if (names.length === 0) continue
          for (const { variation, count } of countersOf(feature)) {
            const variant = typeof variation === 'number' ? (names[variation] ?? null) : null
            app.evaluations.record(scope, key, variant, count, at)
          }
        }
      }
    },
  }
}

function countersOf(feature: unknown): readonly { readonly variation: unknown; readonly count: number }[] {
  const counters = isFields(feature) ? feature['counters'] : null
  if (!Array.isArray(counters)) return []
  return counters
    .slice(0, countersMax)
    .filter(isFields)
    .map(({ variation, count }) => ({ variation, count: typeof count === 'number' ? count : 0 }))
}

/** A client's clock may be wrong; nothing was evaluated later than now. */
const momentOf = (found: unknown, now: number): number =>
  typeof found === 'number' && Number.isFinite(found) ? Math.min(found, now) : now

const isFields = (found: unknown): found is Fields =>
  typeof found === 'object' && found !== null && !Array.isArray(found)
