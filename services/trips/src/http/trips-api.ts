import { randomUUID } from 'node:crypto'
import type { BookingFlags } from '../core/booking-flags.ts'
import { flagsOfVersion } from '../core/booking-flags.ts'
import { type Faults, noFaults } from '../core/faults.ts'
import { featuresOf } from '../core/features.ts'
import { randomFrom } from '../core/random.ts'
import { searchByIndex, searchByScan } from '../core/search.ts'
import type { ApiVersion } from '../core/version.ts'
import { createCatalogue } from '../store/catalogue.ts'
import { createMemoryStore } from '../store/memory-store.ts'
import type { TripStore } from '../store/trip-store.ts'
import { createApp } from './app.ts'
import type { Analytics, FaultState, Services } from './environment.ts'
import { createFaultDoor } from './faults.ts'
import { listenWith } from './listen.ts'

export interface TripsApiOptions {
  readonly version: ApiVersion
  readonly port: number
  readonly hostname: string
  readonly track: string
  readonly control: { readonly port: number; readonly hostname: string }
  readonly crash: () => void
  readonly faults?: Faults
  readonly seed?: number
  readonly now?: () => number
  readonly store?: TripStore
  readonly flags?: BookingFlags
  readonly analytics?: Analytics
}

export interface TripsApi {
  readonly port: number
  readonly controlPort: number
  close(): Promise<void>
}

/** One version of the API on one port, with its fault door on another. */
export async function startTripsApi(options: TripsApiOptions): Promise<TripsApi> {
  const faults: FaultState = {
    current: options.faults ?? noFaults,
    random: randomFrom(options.seed ?? 1),
    crash: options.crash,
  }
  const api = await listenWith(await createApp(await createServices(options), faults), options)
  const door = await listenWith(createFaultDoor(faults), options.control)
  return {
    port: api.port,
    controlPort: door.port,
    close: async () => {
      await Promise.all([api.close(), door.close()])
    },
  }
}

async function createServices({ version, track, store, flags, analytics, now }: TripsApiOptions): Promise<Services> {
  const features = featuresOf(version)
  const usedStore = store ?? createMemoryStore(createCatalogue())
  const plans = await usedStore.plans()
  return {
    version,
    track,
    features,
    store: usedStore,
    search: features.indexedSearch ? searchByIndex(plans) : searchByScan(plans),
    flags: flags ?? flagsOfVersion(features),
    analytics: analytics ?? { track: () => {} },
    now: now ?? Date.now,
    newId: randomUUID,
  }
}
