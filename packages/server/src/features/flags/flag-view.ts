import type { flagViewSchema } from '@dankai/contract'
import { assessRetention, completeFlag, type FlagLife, type Retention } from '@dankai/flags'
import type { Scope, StoredFlag } from '@dankai/store'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import { stopsFlag, stopsIn } from '../../serving/served-flags.ts'
import { readEvaluationTimes } from './last-evaluated.ts'

export type FlagView = z.infer<typeof flagViewSchema>

/** How flags of an environment are shown: all that is known of them besides is read once. */
export async function readFlagViews(app: Application, scope: Scope): Promise<(flag: StoredFlag) => FlagView> {
  const { lastEvaluated } = await readEvaluationTimes(app, scope)
  const stops = stopsIn(app.stops.active, scope)
  const now = app.now()
  return flag => {
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
}

/**
 * A flag without a stage that everybody has counts as generally available from then on: a release that took it to 100 %
 * starts the same clock as the stage does.
 */
export function retentionOf({ definition, care, changedAt, fullSince }: StoredFlag, now: number): Retention {
  const available = fullSince === null ? 'gradualRollout' : 'generalAvailability'
  const life: FlagLife = {
    kind: definition.kind,
    stage: care.stage ?? available,
    stageSince: care.stageSince ?? fullSince ?? care.createdAt ?? changedAt,
    availableSince: care.gaAt ?? (care.stage === null ? fullSince : null),
    experimentEndedAt: care.experimentEndedAt,
    reviewedAt: care.reviewedAt,
    createdAt: care.createdAt ?? changedAt,
    removeAfterMs: care.removeAfterMs,
  }
  return assessRetention(life, now)
}
