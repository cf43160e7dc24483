/**
 * From what a sender says to what is stored: judged sample by sample, in Dankai's time.
 *
 *  1. The sender's clock is corrected by the difference between its `sentAt` and the receipt, in whole buckets, so that
 *     the way over the network never moves a bucket. Without `sentAt` (OTLP) nothing is corrected.
 *  2. After that a bucket that begins more than 30 s in the future is refused, and one that ended long ago too; both are
 *     counted. A clock that is wrong never writes into windows it does not belong to.
 *  3. One bad sample never loses the others.
 *  4. The track is a label of the sender (`dankai.track` or `track`): the variant it served.
 */
import { Quantiles } from '@dankai/analysis'
import { type RefusedSample, type SampleWire, sampleLimits, sampleSchema } from '@dankai/contract'
import type { SeriesSample } from '@dankai/engine'
import { fieldsOf } from '../../http/fields.ts'

export interface ReadSamples {
  readonly byService: ReadonlyMap<string, readonly SeriesSample[]>
  readonly refused: readonly RefusedSample[]
}

type Refusal = Omit<RefusedSample, 'index'>

/** Semantics E: beyond half a minute a clock is wrong, not late. */
export const clockDifferenceMaxMs = 30_000
/** SDKs keep two minutes and exporters retry for some; an hour old is no news for any window that decides. */
const ageMaxMs = 3_600_000

const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype'])

export function readSamples(samples: readonly unknown[], sentAt: number | null, now: number): ReadSamples {
  const byService = new Map<string, SeriesSample[]>()
  const refused: RefusedSample[] = []
  for (const [index, raw] of samples.entries()) {
    const read = readSample(raw, sentAt, now)
    if ('code' in read) refused.push({ index, ...read })
    else addTo(byService, read.service, read.sample)
  }
  return { byService, refused }
}

function readSample(
  raw: unknown,
  sentAt: number | null,
  now: number,
): { readonly service: string; readonly sample: SeriesSample } | Refusal {
  const badLabel = labelProblem(raw)
  if (badLabel !== null) return badLabel
  const parsed = sampleSchema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return {
      code: 'invalid',
      message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a sample'}`.slice(0, 300),
    }
  }
  const wire = parsed.data
  if (isEmpty(wire)) return { code: 'empty', message: 'found no count, values or last, expected one of them' }
  const start = wire.bucketStart + shiftOf(wire.bucketMs, sentAt, now)
  return timeProblem(start, wire.bucketMs, now) ?? { service: wire.service, sample: sampleOf(wire, start) }
}

function labelProblem(raw: unknown): Refusal | null {
  const names = Object.keys(fieldsOf(fieldsOf(raw)['labels']))
  const bad = names.find(name => name === '' || name.length > sampleLimits.labelLengthMax || forbiddenNames.has(name))
  if (bad !== undefined) return { code: 'label', message: `found label "${bad.slice(0, 40)}", expected another name` }
  if (names.length <= sampleLimits.labelsMax) return null
  return { code: 'label', message: `found ${names.length} labels, expected at most ${sampleLimits.labelsMax}` }
}

const isEmpty = ({ count, values, last }: SampleWire): boolean =>
  count === undefined && last === undefined && (values === undefined || values.length === 0)

function shiftOf(bucketMs: number, sentAt: number | null, now: number): number {
  return sentAt === null ? 0 : Math.round((now - sentAt) / bucketMs) * bucketMs
}

export function timeProblem(start: number, lengthMs: number, now: number): Refusal | null {
  if (start > now + clockDifferenceMaxMs)
    return {
      code: 'future',
      message: `found a bucket ${start - now} ms in the future, expected at most ${clockDifferenceMaxMs}`,
    }
  if (start + lengthMs < now - ageMaxMs)
    return {
      code: 'late',
      message: `found a bucket that ended ${now - start - lengthMs} ms ago, expected at most ${ageMaxMs}`,
    }
  return null
}

function sampleOf(wire: SampleWire, start: number): SeriesSample {
  const quantiles = wire.values === undefined || wire.values.length === 0 ? null : quantilesOf(wire.values)
  const { track, labels } = splitTrack(wire.labels)
  return {
    series: wire.series,
    labels,
    track,
    start,
    lengthMs: wire.bucketMs,
    count: wire.count ?? quantiles?.count ?? 1,
    sum: wire.sum ?? (wire.values ?? []).reduce((total, [value, count]) => total + value * count, 0),
    last: wire.last ?? null,
    quantiles: quantiles?.toJSON() ?? null,
  }
}

export function quantilesOf(values: readonly (readonly [value: number, count: number])[]): Quantiles {
  const quantiles = new Quantiles()
  for (const [value, count] of values) quantiles.add(value, count)
  return quantiles
}

export function splitTrack(labels: Readonly<Record<string, string>>): Pick<SeriesSample, 'track' | 'labels'> {
  const { track, 'dankai.track': ownTrack, ...others } = labels
  const served = ownTrack ?? track
  if (served === 'canary' || served === 'stable') return { track: served, labels: others }
  return { track: 'all', labels: track === undefined ? others : { ...others, track } }
}

function addTo(byService: Map<string, SeriesSample[]>, service: string, sample: SeriesSample): void {
  const list = byService.get(service)
  if (list === undefined) byService.set(service, [sample])
  else list.push(sample)
}
