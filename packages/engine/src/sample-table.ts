import type { SeriesPoint, Track } from '@dankai/analysis'
import { CellStore } from './cell-store.ts'
import type { SampleBatch, SeriesSample } from './ports.ts'
import { coversLabels, type LabelNames, type TableScope } from './table-scope.ts'

/** What was refused, and why; shown to operators. */
export interface SampleRefusals {
  late: number
  future: number
  length: number
  series: number
  labels: number
  cells: number
}

export interface SampleLimits {
  /** Series of one service: name and label set. */
  readonly seriesMax: number
  /** Label sets of one series name: a label with an id in it must not use up the others' room. */
  readonly labelSetsMax: number
  /** Buckets of all series of one service. */
  readonly cellsMax: number
  /** How long buckets are kept at least; a metric with longer buckets keeps its own for as long as they are. */
  readonly keptMs: number
}

/**
 * Only series that a live plan names are kept. Three minutes cover a checkpoint, a take-over and a look that comes
 * late; what is older is read from the log again. A service of 64 series at 10 s, a fifth of them sketches, takes 0.15 MB.
 */
export const defaultSampleLimits: SampleLimits = {
  seriesMax: 2_000,
  labelSetsMax: 500,
  cellsMax: 200_000,
  keptMs: 180_000,
}

/** A bucket that covers more cannot be divided; exporters send every minute at most. */
export const senderBucketMaxMs = 60_000
/** A bucket that begins more than this after it was received is the fault of a clock (semantics E). */
export const futureMaxMs = 30_000

export interface SeriesName {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly track: Track
  readonly trusted: boolean
}

export interface Series extends SeriesName {
  /** Its number in the table's cells. */
  readonly number: number
}

/**
 * Samples of one service in memory, added up by series and bucket.
 *
 * Invariants
 *  1. What counts is decided by the time of receipt alone: a part received after its bucket's end and the lateness is
 *     counted as late, whoever reads it when. So two instances, and one that replays, see the same buckets.
 *  2. Everything is bounded; what does not fit is refused and counted, never put in place of something else.
 *  3. Labels nobody asks for are added up, so that a sender with an id in a label uses up nobody's room.
 */
export class SampleTable {
  readonly #series = new Map<string, Series>()
  readonly #setsOfName = new Map<string, number>()
  /** Numbers of series that were forgotten, for others. */
  readonly #freeNumbers: number[] = []
  readonly #cells = new CellStore()
  readonly #scope: TableScope
  readonly #limits: SampleLimits
  readonly #latenessMs: number
  readonly #refused: SampleRefusals
  #completeFrom: number
  /** Rises when a series is added, so that views know when to match again. */
  version = 0

  constructor(scope: TableScope, latenessMs: number, limits: SampleLimits, refused: SampleRefusals) {
    this.#scope = scope
    this.#completeFrom = scope.completeFrom
    this.#latenessMs = latenessMs
    this.#limits = limits
    this.#refused = refused
  }

  get scope(): TableScope {
    return { ...this.#scope, completeFrom: this.#completeFrom }
  }

  get series(): Iterable<Series> {
    return this.#series.values()
  }

  /** True when everything a reader asks for is here. */
  covers(wanted: TableScope): boolean {
    if (this.#completeFrom > wanted.completeFrom || this.#scope.keptMs < wanted.keptMs) return false
    return [...wanted.labelsOf].every(([name, labels]) => coversLabels(this.#scope.labelsOf.get(name), labels))
  }

  take(batch: SampleBatch): void {
    for (const sample of batch.samples) this.#takeSample(sample, batch.receivedAt, batch.trusted)
  }

  get cells(): CellStore {
    return this.#cells
  }

  /** Forgets buckets no reader needs any more, and series that have none left. */
  forgetOld(now: number): void {
    const time = now - this.#scope.keptMs
    this.#completeFrom = Math.max(this.#completeFrom, time)
    this.#cells.forgetBefore(time)
    for (const [key, series] of this.#series) if (!this.#cells.hasCells(series.number)) this.#forgetSeries(key, series)
  }

  #takeSample(sample: SeriesSample, receivedAt: number, trusted: boolean): void {
    const wanted = this.#scope.labelsOf.get(sample.series)
    if (wanted === undefined) return
    const refusal = this.#refusalOf(sample, receivedAt)
    if (refusal !== null) {
      this.#refused[refusal]++
      return
    }
    const series = this.#seriesOf(sample, pickLabels(sample.labels, wanted), trusted)
    if (series === null) return
    const cell = this.#cellOf(series, sample, receivedAt)
    if (cell !== null) this.#cells.add(cell, sample)
  }

  #refusalOf({ start, lengthMs }: SeriesSample, receivedAt: number): 'late' | 'future' | 'length' | null {
    if (lengthMs > senderBucketMaxMs) return 'length'
    if (start > receivedAt + futureMaxMs) return 'future'
    // A sample that comes by itself has no bucket that could close.
    return lengthMs > 0 && receivedAt > start + lengthMs + this.#latenessMs ? 'late' : null
  }

  #seriesOf({ series: name, track }: SeriesSample, labels: SeriesSample['labels'], trusted: boolean): Series | null {
    const key = `${name} ${track} ${trusted} ${labelKey(labels)}`
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const sets = this.#setsOfName.get(name) ?? 0
    if (sets >= this.#limits.labelSetsMax || this.#series.size >= this.#limits.seriesMax) {
      this.#refused[sets >= this.#limits.labelSetsMax ? 'labels' : 'series']++
      return null
    }
    const number = this.#freeNumbers.pop() ?? this.#series.size
    const series: Series = { name, labels, track, trusted, number }
    this.#series.set(key, series)
    this.#setsOfName.set(name, sets + 1)
    this.version++
    return series
  }

  #cellOf({ number }: Series, { start, lengthMs }: SeriesSample, receivedAt: number): number | null {
    const known = this.#cells.find(number, start, lengthMs, receivedAt)
    if (known !== null) return known
    if (this.#cells.size >= this.#limits.cellsMax) {
      this.#refused.cells++
      return null
    }
    return this.#cells.append(number, start, lengthMs, receivedAt)
  }

  #forgetSeries(key: string, series: Series): void {
    this.#series.delete(key)
    this.#freeNumbers.push(series.number)
    this.#setsOfName.set(series.name, (this.#setsOfName.get(series.name) ?? 1) - 1)
    this.version++
  }
}

export function pointOf({ name, labels }: SeriesName, cells: CellStore, cell: number): SeriesPoint {
  const sum = cells.sumOf(cell)
  const quantiles = cells.quantilesOf(cell)
  const last = cells.lastOf(cell)
  return {
    name,
    labels,
    count: cells.countOf(cell),
    // A counter has no sum; a histogram without a sketch has one.
    ...(quantiles !== null || sum !== 0 ? { sum } : {}),
    ...(quantiles === null ? {} : { quantiles }),
    ...(last === null ? {} : { last }),
  }
}

function pickLabels(labels: SeriesSample['labels'], wanted: LabelNames): SeriesSample['labels'] {
  if (wanted === null) return labels
  const picked: Record<string, string> = {}
  for (const label of wanted) if (Object.hasOwn(labels, label)) picked[label] = labels[label]!
  return picked
}

export function labelKey(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let key = ''
  for (const name of names) key += `${JSON.stringify(name)}${JSON.stringify(labels[name])}`
  return key
}
