export { aggregateMeasure, type SeriesPoint } from './aggregate.ts'
export type { Assessment, Verdict } from './assessment.ts'
export {
  type DifferenceInterval,
  differenceInterval,
  type GroupSums,
  usersMin,
  widthFactor,
} from './confidence-sequence.ts'
export { gapMsOf } from './data-gap.ts'
export type { EvidenceCheckpoint, EvidencePlan, EvidenceReader } from './evidence.ts'
export { type EvidenceBudget, type EvidenceQuestion, evidenceBudget } from './evidence-budget.ts'
export { EvidenceFold } from './evidence-fold.ts'
export { matchLabels } from './match-labels.ts'
export { measuredValue, mergeMeasures, samplesOf } from './measures.ts'
export { endOf, type Measure, type Observation, type Track } from './observation.ts'
export { exactValuesMax, Quantiles, type QuantilesJson } from './quantiles.ts'
export { checkSampleRatio, logGamma, type SampleRatio } from './sample-ratio.ts'
