import { Quantiles, type QuantilesJson } from '@dankai/analysis'
import type { SampleBatch, SeriesSample } from '@dankai/engine'
import type { NewSampleBatch } from './sample-ports.ts'

/**
 * Samples packed by hour: all buckets of one series and label set in one row of columns.
 *
 * 1. Packing adds up: packing two batches one after the other is packing their sum, at every resolution.
 * 2. A bucket never gets finer again; repacking at a coarser resolution keeps counts, sums and sketches.
 */
export const hourMs = 3_600_000

export const sampleRetention = [
  { resolutionMs: 10_000, keptMs: 48 * hourMs },
  { resolutionMs: 60_000, keptMs: 35 * 24 * hourMs },
  { resolutionMs: hourMs, keptMs: 400 * 24 * hourMs },
] as const

export const finestMs = sampleRetention[0].resolutionMs

/** What names a row beside project, environment and service. */
export interface SampleHourKey {
  readonly project: string
  readonly environment: string
  readonly service: string
  readonly series: string
  readonly hour: number
  /** Labels, track and trust as text that is equal when they are. */
  readonly variant: string
}

/** Columns of equal length, one entry per bucket, in order of time. */
export interface PackedHour {
  /** Start, in milliseconds after the hour. */
  readonly at: readonly number[]
  readonly lengthMs: readonly number[]
  readonly count: readonly number[]
  readonly sum: readonly number[]
  readonly last: readonly (number | null)[]
  readonly quantiles: readonly (QuantilesJson | null)[]
}

interface Variant {
  readonly labels: Readonly<Record<string, string>>
  readonly track: SeriesSample['track']
  readonly trusted: boolean
}

export interface SampleHour {
  readonly key: SampleHourKey
  readonly samples: SeriesSample[]
}

/** Samples of batches by the row they belong to. */
export function groupByHour(batches: readonly SampleBatch[]): Map<string, SampleHour> {
  const hours = new Map<string, SampleHour>()
  for (const batch of batches) {
    for (const sample of batch.samples) {
      const key = keyOf(batch, sample)
      const name = nameOfKey(key)
      const hour = hours.get(name)
      if (hour === undefined) hours.set(name, { key, samples: [sample] })
      else hour.samples.push(sample)
    }
  }
  return hours
}

export function nameOfKey({ project, environment, service, series, hour, variant }: SampleHourKey): string {
  return JSON.stringify([project, environment, service, series, hour, variant])
}

function keyOf(batch: SampleBatch, sample: SeriesSample): SampleHourKey {
  const { project, environment, service, trusted } = batch
  const variant = JSON.stringify([Object.entries(sample.labels).sort(byName), sample.track, trusted])
  return {
    project,
    environment,
    service,
    series: sample.series,
    hour: Math.floor(sample.start / hourMs) * hourMs,
    variant,
  }
}

const byName = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1)

function parseVariant(variant: string): Variant {
  const [labels, track, trusted] = JSON.parse(variant) as [[string, string][], SeriesSample['track'], boolean]
  return { labels: Object.fromEntries(labels), track, trusted }
}

export function packSamples(samples: readonly SeriesSample[], hour: number, resolutionMs: number): PackedHour {
  const buckets = new Map<number, SeriesSample>()
  for (const sample of samples) {
    const at = Math.floor((sample.start - hour) / resolutionMs) * resolutionMs
    const before = buckets.get(at)
    buckets.set(
      at,
      before === undefined ? { ...sample, lengthMs: Math.max(sample.lengthMs, resolutionMs) } : add(before, sample),
    )
  }
  const ordered = [...buckets].sort(([one], [other]) => one - other)
  return {
    at: ordered.map(([at]) => at),
    lengthMs: ordered.map(([, bucket]) => bucket.lengthMs),
    count: ordered.map(([, bucket]) => bucket.count),
    sum: ordered.map(([, bucket]) => bucket.sum),
    last: ordered.map(([, bucket]) => bucket.last),
    quantiles: ordered.map(([, bucket]) => bucket.quantiles as QuantilesJson | null),
  }
}

/** What a writer stores: samples of one service, of equal trust. */
export interface AddedBatch {
  readonly project: string
  readonly environment: string
  readonly service: string
  readonly trusted: boolean
  readonly samples: readonly SeriesSample[]
}

/** More in one row would make one reader's page too heavy. */
const samplesPerRow = 2_000

/** Samples of several senders by service, equal buckets added up. */
export function addUpBatches(batches: readonly NewSampleBatch[]): readonly AddedBatch[] {
  const rows = new Map<
    string,
    { readonly head: Omit<AddedBatch, 'samples'>; readonly samples: Map<string, SeriesSample> }
  >()
  for (const { project, environment, trusted, services } of batches) {
    for (const { service, samples } of services) {
      const name = JSON.stringify([project, environment, service, trusted])
      const row = rows.get(name) ?? { head: { project, environment, service, trusted }, samples: new Map() }
      rows.set(name, row)
      for (const sample of samples) addUp(row.samples, sample)
    }
  }
  return [...rows.values()].flatMap(({ head, samples }) =>
    chunksOf([...samples.values()]).map(chunk => ({ ...head, samples: chunk })),
  )
}

function addUp(samples: Map<string, SeriesSample>, sample: SeriesSample): void {
  const { series, labels, track, start, lengthMs } = sample
  const name = JSON.stringify([series, track, start, lengthMs, Object.entries(labels).sort(byName)])
  const before = samples.get(name)
  samples.set(name, before === undefined ? sample : add(before, sample))
}

function chunksOf(samples: readonly SeriesSample[]): (readonly SeriesSample[])[] {
  const chunks: (readonly SeriesSample[])[] = []
  for (let from = 0; from < samples.length; from += samplesPerRow)
    chunks.push(samples.slice(from, from + samplesPerRow))
  return chunks
}

function add(before: SeriesSample, sample: SeriesSample): SeriesSample {
  return {
    ...before,
    lengthMs: Math.max(before.lengthMs, sample.lengthMs),
    count: before.count + sample.count,
    sum: before.sum + sample.sum,
    last: sample.last ?? before.last,
    quantiles: mergeQuantiles(before.quantiles, sample.quantiles),
  }
}

function mergeQuantiles(before: unknown, sample: unknown): unknown {
  if (before === null || sample === null) return before ?? sample
  const merged = Quantiles.fromJSON(before as QuantilesJson).merge(Quantiles.fromJSON(sample as QuantilesJson))
  return merged.toJSON()
}

export function unpackHour(key: SampleHourKey, packed: PackedHour): (SeriesSample & { readonly trusted: boolean })[] {
  const variant = parseVariant(key.variant)
  return packed.at.map((at, index) => ({
    ...variant,
    series: key.series,
    start: key.hour + at,
    lengthMs: packed.lengthMs[index]!,
    count: packed.count[index]!,
    sum: packed.sum[index]!,
    last: packed.last[index]!,
    quantiles: packed.quantiles[index]!,
  }))
}
