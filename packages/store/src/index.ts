export type {
  ApiKey,
  KeyKind,
  KeyStore,
  Membership,
  Principal,
  PrincipalStore,
  VerifiedKey,
} from './access-ports.ts'
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
export type {
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
export type { Hint, Hints, Unsubscribe } from './hint-ports.ts'
export type {
  AppendResult,
  SampleBatch,
  SampleFilter,
  SampleHistoryQuery,
  SampleLog,
  SeriesSample,
  StoredBatch,
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
