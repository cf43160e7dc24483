import type { flagViewSchema } from '@dankai/contract'
import { assessRetention, completeFlag, type FlagLife, type Retention } from '@dankai/flags'
import type { StoredFlag } from '@dankai/store'
import type { z } from 'zod'
import { type Stop, stopsFlag } from '../../serving/served-flags.ts'

export type FlagView = z.infer<typeof flagViewSchema>

/** When each flag was last evaluated, as far as this server knows; null: it does not know. */
export type LastEvaluated = (flag: StoredFlag) => number | null

export function viewOf(flag: StoredFlag, now: number, lastEvaluated: LastEvaluated, stops: readonly Stop[]): FlagView {
  const { definition, heldBy, care, changedAt, fullSince } = flag
  return {
    // The definition is readonly all through; JSON makes no difference.
    flag: completeFlag(definition) as unknown as FlagView['flag'],
    claimedBy: heldBy,
    care,
    changedAt,
    fullSince,
    retention: retentionOf(flag, now),
    lastEvaluatedAt: lastEvaluated(flag),
    stopped: stops.some(stop => stopsFlag(stop, flag)),
  }
}

/**
 * A flag without a stage that everybody has counts as generally available from then on: a release that took it to 100 %
 * starts the same clock as the stage does.
 */
export function retentionOf(flag: StoredFlag, now: number): Retention {
  const { care } = flag
  if (care.removeAfterMs !== null) return removalAfter((care.createdAt ?? flag.changedAt) + care.removeAfterMs, now)
  return assessRetention(lifeOf(flag), now)
}

function lifeOf({ definition, care, changedAt, fullSince }: StoredFlag): FlagLife {
  const available = fullSince === null ? 'gradualRollout' : 'generalAvailability'
  return {
    kind: definition.kind,
    stage: care.stage ?? available,
    stageSince: care.stageSince ?? fullSince ?? care.createdAt ?? changedAt,
    availableSince: care.gaAt ?? (care.stage === null ? fullSince : null),
    experimentEndedAt: care.experimentEndedAt,
    reviewedAt: care.reviewedAt,
    createdAt: care.createdAt ?? changedAt,
  }
}

const dayMs = 86_400_000
const dueBeforeMs = 14 * dayMs

function removalAfter(until: number, now: number): Retention {
  const state = now >= until ? 'overdue' : now >= until - dueBeforeMs ? 'due' : 'kept'
  const days = Math.floor(Math.abs(until - now) / dayMs)
  const said = { kept: `Kept: ${days} days left.`, due: `Remove it within ${days} days.`, overdue: '' }
  const message = state === 'overdue' ? `Remove it, ${days} days overdue: removeAfter.` : said[state]
  return { state, task: state === 'kept' ? null : 'remove', until, message }
}
