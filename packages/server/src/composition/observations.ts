import type { ObservationSource } from '@dankai/engine'
export function createObservations(_store: unknown): ObservationSource {
  return { read: async () => ({ observations: [], cursor: 0 }) }
}
