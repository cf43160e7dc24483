import type { FlagDefinition } from '@dankai/flags'
import { everywhere, type Overlay, type Scope, type StoredFlag } from '@dankai/store'

export type Stop = Pick<Overlay, 'id' | 'project' | 'environment' | 'stops' | 'by' | 'why' | 'at'>

/**
 * What clients are served: the flag as it is stored, or, while a stop covers it, with nobody in.
 *
 * "Everything" means every change that is on its way to users: flags a live release moves, and flags of kind release
 * and experiment. Switches of operations and permissions are no changes; turning those off could be the outage.
 */
export function servedFlag(flag: StoredFlag, stops: readonly Stop[]): FlagDefinition {
  return !flag.definition.killed && stops.some(stop => stopsFlag(stop, flag))
    ? { ...flag.definition, killed: true }
    : flag.definition
}

export function stopsFlag({ stops }: Stop, flag: Pick<StoredFlag, 'key' | 'heldBy' | 'definition'>): boolean {
  switch (stops.kind) {
    case 'flag':
      return stops.key === flag.key
    case 'release':
      return stops.releaseId === flag.heldBy
    case 'everything': {
      const { kind } = flag.definition
      return flag.heldBy !== null || kind === 'release' || kind === 'experiment'
    }
  }
}

/** Those of an environment, the ones made everywhere included. */
export function stopsIn(stops: readonly Stop[], scope: Scope): readonly Stop[] {
  const covers = (place: string, asked: string): boolean => place === asked || place === everywhere
  return stops.filter(stop => covers(stop.project, scope.project) && covers(stop.environment, scope.environment))
}
