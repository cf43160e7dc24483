import type { CompiledPlan } from '@dankai/plan'
import type { Assessment } from './assessment.ts'
import type { Observation } from './observation.ts'

/** What `decide` may ask of the evidence. Reading never changes it. */
export interface EvidenceReader {
  /** Assessment of a condition term by its id (`metric`, `differs` and `noData` terms only). */
  assess(termId: string): Assessment
  /** Metrics whose data is missing now, with the end of their last bucket. */
  missing(): readonly { readonly metric: string; readonly since: number }[]
  /** Start of the first bucket after the newest gap of a metric; null when it never had a gap. */
  restoredAt(metric: string): number | null
  /** Earliest moment an answer may change while every metric goes on as it is; null when none can. */
  nextLook(): number | null
}

/** JSON; written every 60 s and at each VerdictChanged, so that a take-over is checkpoint + later buckets. */
export type EvidenceCheckpoint = unknown

export type EvidencePlan = Pick<
  CompiledPlan,
  'metrics' | 'phases' | 'rules' | 'alerts' | 'evidence' | 'before' | 'rollback' | 'checks'
>
export type { Observation }
