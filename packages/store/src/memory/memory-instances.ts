import { deadAfterMs } from '@dankai/engine'
import type { Store } from '../server-ports.ts'
import { StoreError } from '../store-error.ts'
import type { MemoryInstance, MemoryState } from './memory-state.ts'

export interface MemoryInstances {
  readonly port: Store['instances']
  epochOf(instance: string, now: number): number
}

/** Each store object is one process: it starts an instance the first time it hears its name. */
export function createMemoryInstances(state: MemoryState): MemoryInstances {
  const started = new Map<string, number>()

  function epochOf(instance: string, now: number): number {
    const known = started.get(instance)
    if (known !== undefined) return known
    const epoch = (state.instances.get(instance)?.epoch ?? 0) + 1
    state.instances.set(instance, { epoch, seenAt: now })
    started.set(instance, epoch)
    return epoch
  }

  return {
    epochOf,
    port: {
      async beat(instance) {
        const now = await state.now()
        const epoch = epochOf(instance, now)
        const row = state.instances.get(instance)!
        if (row.epoch !== epoch) throw new StoreError('superseded', messageOfSuperseded(instance, row, epoch))
        row.seenAt = now
      },
      async leave(instance) {
        const epoch = started.get(instance)
        started.delete(instance)
        const row = state.instances.get(instance)
        if (row !== undefined && row.epoch === epoch) row.seenAt = 0
      },
      async list() {
        const now = await state.now()
        const rows = [...state.instances].map(([id, row]) => ({ id, ...row, alive: row.seenAt > now - deadAfterMs }))
        return rows.toSorted((one, other) => (one.id < other.id ? -1 : 1)).slice(0, 200)
      },
    },
  }
}

function messageOfSuperseded(instance: string, row: MemoryInstance, epoch: number): string {
  return (
    `Cannot beat as instance "${instance}": found a newer start of it (${row.epoch}), expected epoch ${epoch}. ` +
    'Stop one of the two processes, or give it another instance name.'
  )
}

export function isOwnerAlive(state: MemoryState, owner: string, epoch: number, now: number): boolean {
  const row = state.instances.get(owner)
  return row !== undefined && row.epoch === epoch && row.seenAt > now - deadAfterMs
}
