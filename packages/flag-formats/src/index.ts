export type { FlagImport, NotCarried } from './flag-import.ts'
export { type LaunchDarklyReason, reasonOf as launchDarklyReason } from './launchdarkly/evaluation-reason.ts'
export {
  type ExportedFlag,
  exportEnvironment as exportLaunchDarkly,
  type LaunchDarklyEnvironment,
} from './launchdarkly/export-environment.ts'
export {
  type RestFlag as LaunchDarklyRestFlag,
  restFlag as launchDarklyRestFlag,
} from './launchdarkly/flag-representation.ts'
export { importLaunchDarkly } from './launchdarkly/import-launchdarkly.ts'
export type { LaunchDarklyFlag, LaunchDarklySegment } from './launchdarkly/launchdarkly-flag.ts'
export {
  environmentsIn as environmentsInLaunchDarklyPatch,
  type FlagPatch as LaunchDarklyPatch,
  type PatchAbout as LaunchDarklyPatchAbout,
  patchFlag as patchLaunchDarklyFlag,
} from './launchdarkly/patch-flag.ts'
export { type ReadContext, readContext as readLaunchDarklyContext } from './launchdarkly/read-context.ts'
