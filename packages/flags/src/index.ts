export { bucketCount, thresholdOf } from './bucketing.ts'
export { checkFlag, type FlagProblem } from './check-flag.ts'
export { type CompiledFlag, compileFlag } from './compile-flag.ts'
export {
  emptyEvaluation,
  evaluateBoolean,
  evaluateFlag,
  evaluateInto,
  evaluateOff,
  targetingKeyLengthMax,
} from './evaluate-flag.ts'
export type { Evaluation, EvaluationContext, EvaluationErrorCode, EvaluationReason } from './evaluation.ts'
export {
  type BucketAlgorithm,
  bucketAlgorithms,
  defineFlag,
  type FlagCohort,
  type FlagDefinition,
  type FlagExposure,
  type FlagKind,
  type FlagSegment,
  flagKinds,
  type JsonValue,
  type Stratum,
} from './flag-definition.ts'
export { murmur3, utf8Bytes } from './murmur3.ts'
export { type Parts, type SampleDesign, type Stratification, stratify } from './stratify.ts'
