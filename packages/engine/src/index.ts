export { type CreateInput, type CreateResult, createEngine, type Engine, type EngineHint } from './engine.ts'
export { type EngineLog, type EngineOptions, type EngineStore, silentLog } from './engine-options.ts'
export { type FaultPoint, type Faults, faultPoints, Killed, noFaults } from './fault-points.ts'
export { deadAfterMs, lateAfterMs, lookForDeadEveryMs } from './liveness.ts'
export type {
  ClaimedCommand,
  Clock,
  CommandStore,
  Commit,
  DesiredExposure,
  EffectRunner,
  EndedCommand,
  HandMover,
  HandRow,
  HandStore,
  HandTarget,
  InstanceStore,
  LoadedRelease,
  NewRelease,
  ObservationCursor,
  ObservationSource,
  ReadObservations,
  ReleaseInbox,
  ReleaseStore,
  ReleaseTouch,
  SampleBatch,
  SampleLogReader,
  SeriesSample,
} from './ports.ts'
export type { ActResult } from './release-lane.ts'
export type { ServiceKey } from './residents.ts'
export { defaultSampleLimits, type SampleLimits, type SampleRefusals } from './sample-table.ts'
export {
  createSeriesTable,
  type SeriesTable,
  type SeriesTableOptions,
  sampleLatenessMs,
  sampleVisibleAfterMs,
} from './series-table.ts'
export { defaultSettings, type EngineSettings } from './settings.ts'
export { systemTimers, type Timers } from './timers.ts'
export {
  type Amendment,
  type Deed,
  type Evidence,
  noteMilestone,
  type TurnInput,
  type TurnOutcome,
  takeTurn,
} from './turn.ts'
