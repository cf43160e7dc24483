export type { Answer } from './answers.ts'
export { cohortSeed, roundedShare } from './bucketing.ts'
export { checkFlag, type FlagProblem } from './check-flag.ts'
export { type CompiledFlag, compileFlag } from './compile-flag.ts'
export {
  decideFlag,
  emptyEvaluation,
  evaluateBoolean,
  evaluateFlag,
  evaluateInto,
  evaluateOff,
  targetingKeyLengthMax,
} from './evaluate-flag.ts'
export type { Evaluation, EvaluationContext, EvaluationErrorCode, EvaluationReason } from './evaluation.ts'
export { type ExplainedStep, type Explanation, explainFlag } from './explain-flag.ts'
export {
  type BucketAlgorithm,
  bucketAlgorithms,
  type Condition,
  completeFlag,
  defineFlag,
  type FlagCohort,
  type FlagDefinition,
  type FlagExposure,
  type FlagKind,
  type FlagPrerequisite,
  type FlagRule,
  type FlagSegment,
  type FlagTarget,
  flagKinds,
  type JsonValue,
  type Operator,
  operators,
  type Serve,
  type Split,
  type SplitPart,
  type StoredFlagDefinition,
  type Stratum,
  weightTotal,
} from './flag-definition.ts'
export {
  applyStage,
  assessRetention,
  type FlagEnvironment,
  type FlagLife,
  flagEnvironments,
  type LifecycleStage,
  lifecycleStages,
  nextStage,
  type Retention,
  type RetentionRule,
  type RetentionState,
  type RetentionTask,
  retentionRules,
  type StageAudiences,
  type StageRule,
  type StageRules,
  type StageText,
  stageRules,
  stageTexts,
} from './flag-lifecycle.ts'
export { FlagSet } from './flag-set.ts'
export { murmur3, utf8Bytes } from './murmur3.ts'
export { type Parts, type SampleDesign, type Stratification, stratify } from './stratify.ts'
