import type { Random } from './random.ts'

/** What is made to go wrong in a running process. Off is the only default. */
export interface Faults {
  /** Share of requests answered with 500, 0 to 1. */
  readonly errors: number
  readonly latencyMs: number
  /** The process exits with 1 at the next request. */
  readonly crash: boolean
  /** The health route answers 503. */
  readonly unhealthy: boolean
}

export const noFaults: Faults = { errors: 0, latencyMs: 0, crash: false, unhealthy: false }

/** Each request draws by itself, so that a share of 5 % looks to statistics like real trouble, not like a comb. */
export function hitsError(faults: Faults, random: Random): boolean {
  return faults.errors > 0 && random() < faults.errors
}
