import type { Supports } from '@dankai/core'
import type { Engine } from '@dankai/engine'
import type { Templates } from '@dankai/integrations'
import type { Store } from '@dankai/store'
import type { StoredConnections } from './composition/stored-connections.ts'
import type { StopBook } from './features/emergency/stop-book.ts'
import type { Ingest } from './features/samples/ingest.ts'
import type { StreamHub } from './features/stream/stream-hub.ts'
import type { Authenticator } from './http/authenticator.ts'
import type { Logger } from './http/log.ts'
import type { Metrics } from './http/metrics.ts'
import type { Environments } from './serving/environments.ts'
import type { FlagEvaluations } from './serving/flag-evaluations.ts'
import type { ServedExposures } from './serving/served-exposures.ts'
import type { Settings } from './settings.ts'
import type { StreamClients } from './streaming/stream-clients.ts'

/** Everything the features share; made once by the composition root. */
export interface Application {
  readonly settings: Settings
  readonly store: Store
  /** What each environment serves at the moment, for every protocol. */
  readonly environments: Environments
  /** What clients of every protocol say they evaluated. */
  readonly evaluations: Pick<FlagEvaluations, 'lastSeenAt' | 'record' | 'countFrom'>
  /** Writes what was counted so far, so that it can be read. */
  readonly flushEvaluations: () => Promise<void>
  /** Users of experiments whom this server gave a variant. */
  readonly servedExposures: Pick<ServedExposures, 'expose' | 'flush'>
  readonly hub: StreamHub
  /** Open streams of every protocol. */
  readonly streams: StreamClients
  readonly ingest: Ingest
  readonly stops: StopBook
  readonly authenticator: Authenticator
  readonly metrics: Metrics
  readonly log: Logger
  /** Epoch milliseconds of Dankai's clock, which is the database's, without asking it. */
  readonly now: () => number
  /** Rolls back the releases that stops name; in the background, because the stops are in force already. */
  readonly enforceStops: () => void
  /** Called when the server stops; the answer takes the call back. */
  readonly onClose: (listener: () => void) => () => void
  readonly engine: Engine
  readonly connections: StoredConnections
  readonly templates: Templates
  readonly supports: Supports
}
