export type { FlagImport, NotCarried } from './flag-import.ts'
export { exportFlagd } from './flagd/export-flagd.ts'
export { type FlagdFile, type FlagdFlag, flagdSchema } from './flagd/flagd-format.ts'
export { importFlagd } from './flagd/import-flagd.ts'
export { type ExportResult, followedFlag, needsBucket } from './followed-flag.ts'
export { importGrowthBook } from './growthbook/import-growthbook.ts'
export { type LaunchDarklyReason, launchDarklyReason } from './launchdarkly/evaluation-reason.ts'
export {
  type ExportedFlag,
  exportLaunchDarkly,
  type LaunchDarklyEnvironment,
} from './launchdarkly/export-environment.ts'
export { launchDarklyClientSide } from './launchdarkly/export-flag.ts'
export {
  type LaunchDarklyRestFlag,
  launchDarklyRestFlag,
} from './launchdarkly/flag-representation.ts'
export { importLaunchDarkly } from './launchdarkly/import-launchdarkly.ts'
export type { LaunchDarklyFlag, LaunchDarklySegment } from './launchdarkly/launchdarkly-flag.ts'
export {
  environmentsInLaunchDarklyPatch,
  type LaunchDarklyPatch,
  type LaunchDarklyPatchAbout,
  patchLaunchDarklyFlag,
} from './launchdarkly/patch-flag.ts'
export { type ReadContext, readLaunchDarklyContext } from './launchdarkly/read-context.ts'
export { type ExportedFeature, exportUnleashFlag } from './unleash/export-unleash.ts'
export { exportUnleash, type UnleashExport } from './unleash/export-unleash-set.ts'
export { type UnleashToggle, unleashToggleOf } from './unleash/frontend-flag.ts'
export { importUnleash } from './unleash/import-unleash.ts'
export type { UnleashFeature, UnleashFeatures, UnleashSegment } from './unleash/unleash-format.ts'
