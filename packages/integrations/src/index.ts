export type {
  Connection,
  ConnectionKind,
  ConnectionOf,
  Connections,
  HttpSettings,
  RunResult,
  RunSettings,
  Scope,
  Secrets,
  SqlSettings,
  WebhookSettings,
} from './connection.ts'
export type { FlagReadings, Flags, KeptFlag } from './flags/flag-port.ts'
export { createFlagSetRunner, type FlagSetNames, type FlagSetValue, withFlagValue } from './flags/flag-set-runner.ts'
export { chooseHttpTarget, createHttpRunner } from './http/http-runner.ts'
export { isPublicAddress } from './http/public-address.ts'
export { type MessageTemplate, type MessageText, renderTemplate, type Templates } from './notify/template.ts'
export {
  type ChannelAddress,
  chooseWebhook,
  createWebhookRunner,
  type WebhookRunnerOptions,
} from './notify/webhook-runner.ts'
export { chooseRunner, createRunRunner, wordsFor } from './run/run-runner.ts'
export { chooseSql, createSqlRunner } from './sql/sql-runner.ts'
export { flagKeyOf, populationOf } from './traffic/flag/flag-exposure.ts'
export { createFlagHand } from './traffic/flag/flag-hand.ts'
