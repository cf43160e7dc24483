/**
 * What LaunchDarkly's clients report: who evaluated what and how often, whom an experiment assigned, and what users did.
 *
 *  1. A summary counts every evaluation, those of which a `feature` event tells as well. So a `feature` event adds nothing
 *     to the count; one within an experiment is an exposure, and a `custom` event is an outcome.
 *  2. A payload that comes a second time (clients send once more when they heard no answer) counts once, and again only
 *     when it could not be stored.
 *  3. What cannot be read is passed over: a client that is told so would send the same again.
 */
import { randomUUID } from 'node:crypto'
import type { FlagSet } from '@dankai/flags'
import type { NewExposureBatch, Scope } from '@dankai/store'
import type { Application } from '../../application.ts'
import { answeredWithin } from '../../http/answered-within.ts'
import { type Fields, isFields } from '../../http/fields.ts'
import type { FlagEvaluations } from '../../serving/flag-evaluations.ts'
import type { ServedView } from '../../serving/served-view.ts'
import { readExposures } from '../exposures/read-exposures.ts'
import { countEvaluations, experimentEvents } from './event-parts.ts'

/** Clients send again within a second; this is minutes of a thousand clients. */
const payloadsMax = 10_000
const eventsMax = 20_000
/** Before clients give up on their own. */
const storedWithinMs = 3_000

export interface EventIntake {
  /** Of flags that the view has; others are passed over. */
  take(view: ServedView, payloadId: string | undefined, body: unknown): Promise<void>
}

type Parts = Pick<Application, 'now'> & {
  readonly evaluations: Pick<FlagEvaluations, 'record'>
  readonly store: { readonly exposures: Pick<Application['store']['exposures'], 'record'> }
}

export function createEventIntake(app: Parts): EventIntake {
  const payloads = new Set<string>()
  const record = createRecorder(app)
  return {
    async take({ scope, flags }, payloadId, body) {
      if (!Array.isArray(body)) return
      const slot = payloadId === undefined ? null : `${scope.project}\n${scope.environment}\n${payloadId.slice(0, 200)}`
      if (slot !== null && payloads.has(slot)) return
      if (slot !== null) remember(payloads, slot)
      try {
        const events = body.slice(0, eventsMax).filter(isFields)
        await record(scope, flags, events)
        for (const event of events) countEvaluations(app, scope, flags, event)
      } catch (error) {
        if (slot !== null) payloads.delete(slot)
        throw error
      }
    },
  }
}

function remember(payloads: Set<string>, slot: string): void {
  payloads.add(slot)
  if (payloads.size > payloadsMax) payloads.delete(payloads.values().next().value ?? '')
}

type Record = (scope: Scope, flags: FlagSet, events: readonly Fields[]) => Promise<void>

/** Clients of LaunchDarkly number nothing, so this instance stands for all of them: its batches are stored in order. */
function createRecorder({ store, now }: Parts): Record {
  const sdk = randomUUID()
  let no = 0
  let last: Promise<unknown> = Promise.resolve()
  const storeNext = (batch: Omit<NewExposureBatch, 'sdk' | 'no'>): Promise<unknown> => {
    const storing = last.then(() => store.exposures.record({ ...batch, sdk, no: no++ }))
    last = storing.catch(() => {})
    return storing
  }
  return async (scope, flags, events) => {
    const sent = experimentEvents(flags, events)
    const find = (key: string) => flags.find(key)?.definition
    // Their events carry no moment of sending, so their clocks are taken as they are.
    const { exposures, outcomes } = readExposures({ ...sent, sentAt: now() }, find, now())
    if (exposures.length + outcomes.length === 0) return
    await answeredWithin(storeNext({ ...scope, exposures, outcomes }), storedWithinMs, 'write exposures')
  }
}
