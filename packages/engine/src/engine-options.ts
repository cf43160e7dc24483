import type { Faults } from './fault-points.ts'
import type {
  Clock,
  CommandStore,
  EffectRunner,
  HandMover,
  HandStore,
  InstanceStore,
  ObservationSource,
  ReleaseStore,
} from './ports.ts'
import type { EngineSettings } from './settings.ts'
import type { Timers } from './timers.ts'

/** What the engine needs of the store; PostgreSQL and the in-memory twin both are one. */
export interface EngineStore {
  readonly releases: ReleaseStore
  readonly commands: CommandStore
  readonly hands: HandStore
  readonly instances: InstanceStore
}

/** The shape of pino, so that a logger is passed as it is. */
export interface EngineLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

export const silentLog: EngineLog = { info: () => {}, warn: () => {}, error: () => {} }

export interface EngineOptions {
  readonly store: EngineStore
  readonly clock: Clock
  readonly observations: ObservationSource
  readonly movers: readonly HandMover[]
  readonly runners: readonly EffectRunner[]
  /** Name of this process among all instances; never used again by another process. */
  readonly instance: string
  readonly log?: EngineLog
  readonly faults?: Faults
  readonly settings?: Partial<EngineSettings>
  /** Spreads retries; seeded in a simulation. */
  readonly random?: () => number
  readonly timers?: Timers
  /** Milliseconds of a clock that never jumps, for time without the database. */
  readonly monotonic?: () => number
}
