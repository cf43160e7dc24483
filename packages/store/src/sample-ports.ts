import type { SampleLogReader, SeriesSample } from '@dankai/engine'
import type { Hint, Unsubscribe } from './hint-ports.ts'
import type { Scope } from './scope.ts'

/** What one SDK instance measured since its last batch: differences, so that a lost answer can be sent again. */
export interface NewSampleBatch extends Scope {
  /** UUID the SDK drew at its start. */
  readonly sdk: string
  /** 1, 2, 3 … of this SDK instance; the same number again is a duplicate. */
  readonly no: number
  /** False for samples out of users' hands: they may stop a release, never count towards safe. */
  readonly trusted: boolean
  /** One entry per service; batches of the log are of one service. */
  readonly services: readonly { readonly service: string; readonly samples: readonly SeriesSample[] }[]
}

/** `id` is the newest batch written; 0 when there was nothing in it. */
export type AppendResult = { readonly id: number } | { readonly duplicate: true } | { readonly refused: string }

export interface SampleHistoryQuery extends Scope {
  readonly service: string
  readonly series: string
  readonly from: number
  readonly to: number
}

export interface SampleLog extends SampleLogReader {
  /** Durable when it resolves. Appends that arrive together may be written as one batch, equal buckets added up. */
  append(batch: NewSampleBatch): Promise<AppendResult>
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
