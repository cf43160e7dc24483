export {
  auditEntrySchema,
  auditListSchema,
  auditQuerySchema,
  createdKeySchema,
  createKeySchema,
  groupListSchema,
  keyKinds,
  keyListSchema,
  keySchema,
  membershipSchema,
  principalListSchema,
  principalSchema,
  setPrincipalSchema,
} from './access.ts'
export type { ActionRequest, ActionRequestInput } from './action.ts'
export { actionRequestSchema, expectedSchema } from './action.ts'
export type {
  HttpSettings,
  RunSettings,
  SetConnection,
  SetConnectionInput,
  SqlSettings,
  WebhookSettings,
} from './connection.ts'
export {
  connectionListSchema,
  connectionSchema,
  httpSettingsSchema,
  runSettingsSchema,
  setConnectionSchema,
  sqlSettingsSchema,
  webhookSettingsSchema,
} from './connection.ts'
export type { ApplyDocuments, DocumentChange, DocumentProblem } from './document.ts'
export {
  applyDocumentsSchema,
  applyResultSchema,
  documentChangeSchema,
  documentProblemSchema,
  planDetailSchema,
  planListSchema,
  planSummarySchema,
  sourceFileSchema,
} from './document.ts'
export type { EmergencyRequest, EmergencyResult, StopsInForce } from './emergency.ts'
export { emergencyRequestSchema, emergencyResultSchema, stopsInForceSchema } from './emergency.ts'
export { experimentSchema } from './experiment.ts'
export type { ExposureWire, OutcomeWire, RefusedExposure } from './exposure.ts'
export {
  exposureBatchSchema,
  exposureLimits,
  exposureReceiptSchema,
  exposureWireSchema,
  outcomeWireSchema,
  refusedExposureSchema,
} from './exposure.ts'
export {
  flagKeySchema,
  flagListSchema,
  flagPatchSchema,
  flagSchema,
  flagViewSchema,
  plannedFlagSchema,
  setFlagSchema,
} from './flag.ts'
export {
  flagCareSchema,
  flagStages,
  retentionSchema,
  setFlagCareSchema,
  setStageSchema,
  stageResultSchema,
} from './flag-care.ts'
export {
  applyFlagSetSchema,
  cohortPreviewSchema,
  explainCohortSchema,
  explainedCohortSchema,
  exportResultSchema,
  flagChangeListSchema,
  flagChangeSchema,
  flagClientsSchema,
  flagFormats,
  flagPolicySchema,
  flagSetResultSchema,
  flagUsageSchema,
  flagVersionListSchema,
  flagVersionSchema,
  importFlagsSchema,
  importResultSchema,
  planFlagChangeSchema,
  planFlagSetsListSchema,
  planFlagSetsSchema,
  previewCohortSchema,
  restoreFlagSchema,
  sdkListSchema,
  sdkSchema,
  servedClientsSchema,
  staleFlagListSchema,
  staleFlagSchema,
  staleReasons,
} from './flag-work.ts'
export type { Page, PageQuery, ScopeQuery } from './page.ts'
export { nameSchema, pageQuerySchema, pageSchema, scopeQuerySchema } from './page.ts'
export type { Problem, ProblemCode } from './problem.ts'
export { problemCodes, problemSchema } from './problem.ts'
export type { ReleaseDetail, ReleaseEvent, ReleaseSummary, StartRelease, StartReleaseInput } from './release.ts'
export {
  amendReleaseSchema,
  eventListQuerySchema,
  eventListSchema,
  exposureSchema,
  phaseViewSchema,
  releaseDetailSchema,
  releaseEventSchema,
  releaseListQuerySchema,
  releaseListSchema,
  releaseStatusSchema,
  releaseSummarySchema,
  startReleaseSchema,
} from './release.ts'
export type { Acknowledgement, RefusedSample, SampleReceipt, SampleWire } from './sample.ts'
export {
  acknowledgementSchema,
  goodbyeSchema,
  refusedSampleSchema,
  sampleBatchSchema,
  sampleLimits,
  sampleReceiptSchema,
  sampleSchema,
} from './sample.ts'
