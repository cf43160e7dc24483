import type { FlagDefinition } from '@dankai/flags'
import type { Overlay, StoredFlag } from '@dankai/store'

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
