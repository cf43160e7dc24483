export type {
  ApiKey,
  KeyKind,
  KeyStore,
  Membership,
  Principal,
  PrincipalStore,
  VerifiedKey,
} from './access-ports.ts'
export { keysAskedMax } from './access-ports.ts'
export type {
  AppliedDocument,
  AuditEntry,
  AuditLog,
  Connection,
  ConnectionStore,
  DocumentApply,
  DocumentStore,
  DocumentVersion,
  Overlay,
  OverlayStore,
  OverlayTarget,
  SettingStore,
  StoredDocument,
} from './document-ports.ts'
export type { Log } from './embedded/server-process.ts'
export { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
export type {
  ExposureStore,
  FirstExposure,
  NewExposure,
  NewExposureBatch,
  NewOutcome,
  VariantExposure,
  VariantHour,
  VariantOutcome,
} from './exposure-ports.ts'
export { completeCare, type FlagCare } from './flag-care.ts'
export type {
  DueDecision,
  FlagChange,
  FlagChangeStore,
  FlagExposureResult,
  FlagExposureWrite,
  FlagReach,
  FlagStore,
  FlagVersion,
  FlagWrite,
  FlagWriteResult,
  SdkInstance,
  SdkStore,
  StoredFlag,
} from './flag-ports.ts'
export { plannedChangesMax } from './flag-ports.ts'
export type { FlagUsageStore, FlagUse } from './flag-usage-ports.ts'
export type { Hint, Hints, Unsubscribe } from './hint-ports.ts'
export { createMemoryStore, type MemoryStore } from './memory/create-memory-store.ts'
export { createPostgresStore, type PostgresStoreOptions } from './postgres/create-postgres-store.ts'
export { checkProgram, migrateDown, migrateUp, programVersion, schemaVersion } from './postgres/migrate.ts'
export type {
  AppendResult,
  NewSampleBatch,
  SampleHistoryQuery,
  SampleLog,
} from './sample-ports.ts'
export type { Page, PageRequest, Scope } from './scope.ts'
export { everywhere } from './scope.ts'
export type {
  CommandSummary,
  FeedEntry,
  InstanceSummary,
  ReleaseDetail,
  ReleaseQuery,
  ReleaseReader,
  ReleaseSummary,
  Store,
} from './server-ports.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
