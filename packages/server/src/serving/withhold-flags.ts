/**
 * Semantics G3: an engine without the database goes on judging rules that roll back now, and lowers. The flag cannot be
 * written then, but the clients of this instance can be told.
 *
 *  1. Only taking exposure away from everybody is told before it is written; nothing is ever raised so.
 *  2. It holds until the flag is written again: by this release once the database is back, or by whoever owns it then.
 */
import type { HandMover } from '@dankai/engine'
import { flagKeyOf } from '@dankai/integrations'
import { StoreError } from '@dankai/store'
import type { Logger } from '../http/log.ts'
import type { Environments } from './environments.ts'

/** Semantics G2: a database slower than this is as good as away when something must stop. */
const writtenWithinMs = 1_000

export function withholdingFlags(
  hand: HandMover,
  environments: Pick<Environments, 'withhold'>,
  log: Logger,
): HandMover {
  return {
    ...hand,
    apply(target, timeoutMs) {
      const written = hand.apply(target, timeoutMs)
      const { share, cohorts } = target.desired
      if (share > 0 || cohorts.some(cohort => cohort.share > 0)) return written
      const withhold = (): void => {
        const flag = flagKeyOf(target.hand)
        if (environments.withhold(target, flag, target.releaseId))
          log.error(
            { releaseId: target.releaseId, flag },
            'a flag is withheld from clients here until it can be written',
          )
      }
      const timer = setTimeout(withhold, writtenWithinMs)
      return written
        .catch(error => {
          if (error instanceof StoreError && error.code === 'unreachable') withhold()
          throw error
        })
        .finally(() => clearTimeout(timer))
    },
  }
}
