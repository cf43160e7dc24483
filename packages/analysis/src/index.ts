export type { Assessment, Verdict } from './assessment.ts'
export type { EvidenceCheckpoint, EvidencePlan, EvidenceReader } from './evidence.ts'
export { endOf, type Measure, type Observation, type Track } from './observation.ts'
