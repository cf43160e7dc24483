import type { Track } from '@dankai/analysis'
import type { Hint, Unsubscribe } from './hint-ports.ts'
import type { Scope } from './scope.ts'

/** What one SDK instance measured since its last batch: differences, so that a lost answer can be sent again. */
export interface SampleBatch extends Scope {
  readonly service: string
  /** UUID the SDK drew at its start. */
  readonly sdk: string
  /** 1, 2, 3 … of this SDK instance; the same number again is a duplicate. */
  readonly no: number
  /** False for samples out of users' hands: they may stop a release, never count towards safe. */
  readonly trusted: boolean
  readonly samples: readonly SeriesSample[]
}

/** One bucket of one series. A sketch is kept as the JSON it came as; only analysis knows its inside. */
export interface SeriesSample {
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  readonly track: Track
  /** Start of the bucket, epoch milliseconds of Dankai's clock. */
  readonly start: number
  readonly lengthMs: number
  readonly count: number
  readonly sum: number
  /** Newest value, for gauges. */
  readonly last: number | null
  readonly quantiles: unknown
}

export interface StoredBatch extends SampleBatch {
  /** Rises in commit order: a reader that has seen `id` never misses a smaller one. */
  readonly id: number
  readonly receivedAt: number
}

export type AppendResult = { readonly id: number } | { readonly duplicate: true } | { readonly refused: string }

export interface SampleFilter extends Scope {
  readonly services: readonly string[]
}

export interface SampleHistoryQuery extends Scope {
  readonly service: string
  readonly series: string
  readonly from: number
  readonly to: number
}

export interface SampleLog {
  /** Durable when it resolves. Appends that arrive together are written together. */
  append(batch: SampleBatch): Promise<AppendResult>
  /** Batches after a cursor, oldest first; null reads every service. `cursor` moves on also when nothing matched. */
  read(
    afterId: number,
    filter: SampleFilter | null,
    limit: number,
  ): Promise<{ readonly batches: readonly StoredBatch[]; readonly cursor: number }>
  /** Id of the newest batch; 0 when there is none. */
  head(): Promise<number>
  subscribe(listener: (hint: Extract<Hint, { kind: 'samples' | 'reconnected' }>) => void): Unsubscribe
  /** Folds new batches into packed hours. One instance does it at a time; the others return at once. */
  compact(): Promise<{ readonly batches: number }>
  /** Packs old hours coarser (10 s for 48 h, 1 min for 35 days, 1 h for 400 days) and drops what is older. */
  prune(): Promise<void>
  /** Packed samples, one entry per bucket and label set, in order of time; at most 20,000. */
  history(query: SampleHistoryQuery): Promise<readonly (SeriesSample & { readonly trusted: boolean })[]>
}
