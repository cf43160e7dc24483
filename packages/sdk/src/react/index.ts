export {
  FlagProvider,
  type FlagProviderProps,
  useFlag,
  useFlagDetails,
  useFlagStatus,
  useTrack,
  useVariation,
} from './flag-hooks.ts'
