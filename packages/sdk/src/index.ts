export type {
  Evaluation,
  EvaluationContext,
  EvaluationErrorCode,
  EvaluationReason,
  FlagDefinition,
  JsonValue,
} from '@dankai/flags'
export type { ReportFigures } from './batch-reports.ts'
export { type Bootstrap, type FetchBootstrapOptions, fetchBootstrap } from './bootstrap.ts'
export type { ClientEventName, ClientEvents, ClientListener } from './client-events.ts'
export type { ClientOptions } from './client-options.ts'
export type { Clock } from './clock.ts'
export { type ClientEvaluation, type ClientStatus, createDankaiClient, type DankaiClient } from './dankai-client.ts'
export type { Labels, Sample } from './sample-buffer.ts'
