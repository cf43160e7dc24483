import type { LifecycleStage } from '@dankai/flags'

/** What people know of a flag and clients do not need. Moments are epoch milliseconds. */
export interface FlagCare {
  readonly title: string | null
  readonly description: string | null
  readonly owner: string | null
  /** The service whose releases an overdue flag may block. */
  readonly service: string | null
  /** null: the flag does not follow the stages. */
  readonly stage: LifecycleStage | null
  /** Which share of a stage that has several, from 0. */
  readonly stageStep: number
  readonly stageSince: number | null
  readonly gaAt: number | null
  readonly experimentEndedAt: number | null
  readonly reviewedAt: number | null
  readonly createdAt: number | null
  /** In place of what the kind of flag is kept for. */
  readonly removeAfterMs: number | null
  /** Clients in users' hands may read it, and the flags it asks for. */
  readonly client: boolean
}

const unknownCare: FlagCare = {
  title: null,
  description: null,
  owner: null,
  service: null,
  stage: null,
  stageStep: 0,
  stageSince: null,
  gaAt: null,
  experimentEndedAt: null,
  reviewedAt: null,
  createdAt: null,
  removeAfterMs: null,
  client: false,
}

/** As it was stored, by this program or an older one; what is not there is not known. */
export function completeCare(stored: Partial<FlagCare> | null): FlagCare {
  return { ...unknownCare, ...stored }
}
