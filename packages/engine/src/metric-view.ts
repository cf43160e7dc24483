import { aggregateMeasure, matchLabels, type Observation, type Track } from '@dankai/analysis'
import type { MeasureSource, Metric, Series as PlanSeries } from '@dankai/plan'
import { BucketGathering, type BucketTimes, type GatheredBucket } from './bucket-gathering.ts'
import type { PastHour } from './past-samples.ts'
import {
  futureMaxMs,
  pointOf,
  type SampleTable,
  type Series,
  type SeriesName,
  senderBucketMaxMs,
} from './sample-table.ts'
import type { LabelNames } from './table-scope.ts'

export interface Observed {
  readonly observations: readonly Observation[]
  readonly nextCloseAt: number | null
}

interface Matched {
  readonly series: Series
  readonly track: Track
}

/** One metric of one release, as its service's samples show it. */
export class MetricView {
  readonly #metric: Metric
  readonly #version: string
  readonly #labelsOf: ReadonlyMap<string, LabelNames>
  #matched: readonly Matched[] = []
  #matchedIn: { readonly table: SampleTable; readonly version: number } | null = null

  constructor(metric: Metric, version: string) {
    this.#metric = metric
    this.#version = version
    this.#labelsOf = labelsOf(metric.measure)
  }

  /** The series it is made of, by name, and the labels it asks for. */
  get labelsOf(): ReadonlyMap<string, LabelNames> {
    return this.#labelsOf
  }

  /** How far back its reference lies; null when it is measured beside it. */
  get baselineAgoMs(): number | null {
    const { baseline } = this.#metric
    return baseline.kind === 'sameTime' && this.#metric.everyMs !== null ? baseline.agoMs : null
  }

  /** Buckets that closed after `since` and up to `until`, in event order per track, then those still open. */
  observe(table: SampleTable, times: BucketTimes, since: number, until: number): Observed {
    const { everyMs } = this.#metric
    const gathering = new BucketGathering(times, since, until)
    const receivedFrom = this.#oldestReceipt(times, since)
    const { cells } = table
    for (const { series, track } of this.#match(table)) {
      for (const cell of cells.cellsSince(series.number, receivedFrom)) {
        const times = cells.timesOf(cell)
        const points =
          everyMs === null
            ? gathering.pointsOfSample(track, series.trusted, times)
            : gathering.pointsOfCell(track, series.trusted, times, everyMs)
        points?.push(pointOf(series, cells, cell))
      }
    }
    const observations = [...this.#aggregate(gathering.closed, false), ...this.#aggregate(gathering.open, true)]
    return { observations, nextCloseAt: gathering.nextCloseAt }
  }

  /** Buckets of the reference, moved to the present, that close after `since` and up to `until`. */
  observePast(hours: readonly PastHour[], times: BucketTimes, since: number, until: number): readonly Observation[] {
    const agoMs = this.baselineAgoMs
    if (agoMs === null) return []
    const gathering = new BucketGathering(times, since, until)
    for (const { series, cells } of hours) {
      const areWanted = series.map(name => isWanted(this.#metric.measure, name))
      for (let cell = 0; cell < cells.size; cell++) {
        const name = series[cells.seriesOf(cell)]!
        if (!areWanted[cells.seriesOf(cell)]) continue
        const points = gathering.pointsOfPast(name.trusted, cells.timesOf(cell), agoMs, this.#metric.everyMs ?? 0)
        points?.push(pointOf(name, cells, cell))
      }
    }
    return this.#aggregate(gathering.closed, false)
  }

  /** What began to be received earlier has closed before `since`, however long its bucket and wrong its clock. */
  #oldestReceipt({ latenessMs, visibleAfterMs }: BucketTimes, since: number): number {
    const longestMs = Math.max(this.#metric.everyMs ?? 0, senderBucketMaxMs)
    return since - latenessMs - visibleAfterMs - longestMs - futureMaxMs
  }

  #match(table: SampleTable): readonly Matched[] {
    if (this.#matchedIn?.table === table && this.#matchedIn.version === table.version) return this.#matched
    this.#matchedIn = { table, version: table.version }
    this.#matched = [...table.series].flatMap(series =>
      isWanted(this.#metric.measure, series) ? [{ series, track: this.#trackOf(series) }] : [],
    )
    return this.#matched
  }

  /** A sender that does not know tracks may say its version: the release's own is the canary. */
  #trackOf({ track, labels }: Series): Track {
    const isUnknown = track === 'all' && labels.version !== undefined
    const served = isUnknown ? (labels.version === this.#version ? 'canary' : 'stable') : track
    return served === 'stable' && this.#metric.baseline.kind === 'previousVersion' ? 'baseline' : served
  }

  #aggregate(buckets: ReadonlyMap<string, GatheredBucket>, open: boolean): readonly Observation[] {
    const observations: Observation[] = []
    for (const { track, start, lengthMs, points } of buckets.values()) {
      const measure = aggregateMeasure(this.#metric.measure, points)
      if (measure === null) continue
      observations.push({ metric: this.#metric.name, track, start, lengthMs, buckets: 1, measure, open })
    }
    return observations.sort((a, b) => a.start - b.start)
  }
}

function isWanted(measure: MeasureSource, { name, labels }: SeriesName): boolean {
  return seriesOf(measure).some(wanted => wanted.name === name && matchLabels(wanted.labels, labels))
}

/** Of a last value each label set is one of its own; of everything else the parts add up, whatever they were labelled. */
function labelsOf(source: MeasureSource): ReadonlyMap<string, LabelNames> {
  const labels = new Map<string, Set<string> | null>()
  for (const series of seriesOf(source)) {
    if (source.kind === 'last') labels.set(series.name, null)
    else
      labels.set(
        series.name,
        new Set([versionLabel, ...(labels.get(series.name) ?? []), ...Object.keys(series.labels)]),
      )
  }
  return labels
}

/** What a sender that does not know tracks may say. */
const versionLabel = 'version'

function seriesOf(source: MeasureSource): readonly PlanSeries[] {
  switch (source.kind) {
    case 'ratio':
      return [source.numerator, source.denominator]
    case 'mean':
    case 'quantile':
    case 'count':
    case 'last':
      return [source.series]
    case 'highest':
    case 'query':
      return []
  }
}
