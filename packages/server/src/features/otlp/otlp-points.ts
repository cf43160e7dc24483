/**
 * The data points of a request, flattened: one entry for each point with its metric, resource and labels.
 *
 * Names follow the plan language: dots and other signs become "_" (`http.server.request.duration` is
 * `http_server_request_duration`). Durations in seconds become milliseconds, the unit of Dankai's time metrics.
 */
import { type Fields, fieldsOf, listOf } from '../../http/fields.ts'
import { numberOf } from './otlp-message.ts'

export interface OtlpPoint {
  readonly service: string
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  readonly temporality: 'delta' | 'cumulative'
  /** Epoch milliseconds; 0 when the sender does not say. */
  readonly startedAt: number
  readonly at: number
  readonly data: OtlpData
}

export type OtlpData =
  | { readonly kind: 'counter'; readonly value: number }
  | { readonly kind: 'gauge'; readonly value: number }
  | { readonly kind: 'histogram'; readonly count: number; readonly sum: number; readonly bins: Bins }

/**
 * Counts by place on a scale. `explicit`: the index of a bucket between bounds. `exponential`: the protocol's index at
 * `scale`, positive values at even keys (2i), negative at odd (2i + 1), zero in `zero`.
 */
export type Bins =
  | { readonly scale: 'explicit'; readonly bounds: readonly number[]; readonly counts: ReadonlyMap<number, number> }
  | {
      readonly scale: 'exponential'
      readonly exponent: number
      readonly zero: number
      readonly counts: ReadonlyMap<number, number>
    }

export interface RefusedPoint {
  readonly reason: string
}

export interface OtlpPoints {
  readonly points: readonly OtlpPoint[]
  readonly refused: readonly RefusedPoint[]
}

/** Twenty times what a large service exports at once; more would hold the loop too long. */
const pointsMax = 20_000
const labelsMax = 20
const textLengthMax = 200
const bucketsMax = 4_096

export function readOtlpPoints(request: Fields): OtlpPoints {
  const points: OtlpPoint[] = []
  const refused: RefusedPoint[] = []
  for (const { resource, metric } of metricsOf(request)) {
    const { data, pointList } = dataOf(metric)
    for (const raw of pointList) {
      if (points.length + refused.length >= pointsMax) return { points, refused: [...refused, tooMany] }
      const point = readPoint(fieldsOf(raw), metric, resource, data)
      if (point === null) continue
      if ('reason' in point) refused.push(point)
      else points.push(point)
    }
  }
  return { points, refused }
}

const tooMany: RefusedPoint = { reason: `found more than ${pointsMax} data points in one request` }

function* metricsOf(request: Fields): Iterable<{ resource: ReadonlyMap<string, string>; metric: Fields }> {
  for (const resourceMetrics of listOf(request.resourceMetrics).map(fieldsOf)) {
    const resource = new Map(attributesOf(fieldsOf(resourceMetrics.resource)))
    for (const scopeMetrics of listOf(resourceMetrics.scopeMetrics).map(fieldsOf))
      for (const metric of listOf(scopeMetrics.metrics).map(fieldsOf)) yield { resource, metric }
  }
}

type DataKind = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary'

function dataOf(metric: Fields): { data: { kind: DataKind; fields: Fields }; pointList: readonly unknown[] } {
  const kinds: readonly DataKind[] = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
  const kind = kinds.find(name => metric[name] !== undefined) ?? 'summary'
  const fields = fieldsOf(metric[kind])
  return { data: { kind, fields }, pointList: listOf(fields.dataPoints) }
}

/** null for a point that says it has no value. */
function readPoint(
  point: Fields,
  metric: Fields,
  resource: ReadonlyMap<string, string>,
  data: { readonly kind: DataKind; readonly fields: Fields },
): OtlpPoint | RefusedPoint | null {
  if ((numberOf(point.flags) & 1) === 1) return null
  const { name } = metric
  if (typeof name !== 'string' || name === '' || name.length > textLengthMax) return { reason: 'found no metric name' }
  const labels = labelsOf(point, resource)
  if (labels === null) return { reason: `"${name}": found more than ${labelsMax} attributes, or one that is too long` }
  const factor = metric.unit === 's' ? 1_000 : 1
  const read = readData(point, data, factor)
  if ('reason' in read) return { reason: `"${name}": ${read.reason}` }
  const at = millisecondsOf(point.timeUnixNano)
  if (!(at > 0)) return { reason: `"${name}": found no time` }
  return {
    service: (resource.get('service.name') ?? 'unknown_service').slice(0, textLengthMax),
    series: wordOf(name),
    labels,
    temporality: numberOf(data.fields.aggregationTemporality) === 1 ? 'delta' : 'cumulative',
    startedAt: millisecondsOf(point.startTimeUnixNano) || 0,
    at,
    data: read,
  }
}

function readData(
  point: Fields,
  { kind, fields }: { readonly kind: DataKind; readonly fields: Fields },
  factor: number,
): OtlpData | RefusedPoint {
  if (kind === 'histogram' || kind === 'exponentialHistogram') return readHistogram(point, kind, factor)
  if (kind === 'summary') return { reason: 'found a summary, whose quantiles cannot be added up; export a histogram' }
  const value = numberOf(point.asInt ?? point.asDouble) * factor
  if (!Number.isFinite(value)) return { reason: 'found no finite value' }
  if (kind === 'gauge') return { kind: 'gauge', value }
  if (fields.isMonotonic === true)
    return value >= 0 ? { kind: 'counter', value } : { reason: 'found a monotonic sum below zero' }
  // The difference of an up-down counter says nothing about where it stands; its cumulative value is a level.
  return numberOf(fields.aggregationTemporality) === 1
    ? { reason: 'found a delta of a sum that can fall; export it cumulative' }
    : { kind: 'gauge', value }
}

function readHistogram(point: Fields, kind: DataKind, factor: number): OtlpData | RefusedPoint {
  const count = numberOf(point.count)
  const sum = numberOf(point.sum ?? 0) * factor
  if (!(count >= 0 && Number.isFinite(count)) || !Number.isFinite(sum))
    return { reason: 'found no finite count and sum' }
  const bins = kind === 'histogram' ? explicitBins(point, factor) : exponentialBins(point, factor)
  return 'reason' in bins ? bins : { kind: 'histogram', count, sum, bins }
}

function explicitBins(point: Fields, factor: number): Bins | RefusedPoint {
  const bounds = listOf(point.explicitBounds).map(bound => numberOf(bound) * factor)
  const counts = listOf(point.bucketCounts).map(numberOf)
  const fits = counts.length === 0 || counts.length === bounds.length + 1
  if (!fits || counts.length > bucketsMax || !bounds.every(Number.isFinite) || !counts.every(isCount))
    return { reason: 'found bucket counts that do not fit their bounds' }
  return { scale: 'explicit', bounds, counts: new Map(counts.entries().filter(([, count]) => count > 0)) }
}

function exponentialBins(point: Fields, factor: number): Bins | RefusedPoint {
  const exponent = numberOf(point.scale ?? 0)
  const zero = numberOf(point.zeroCount ?? 0)
  const positive = exponentialCounts(point.positive, exponent)
  const negative = exponentialCounts(point.negative, exponent)
  if (!Number.isInteger(exponent) || exponent < -10 || exponent > 20 || !isCount(zero) || !positive || !negative)
    return { reason: 'found exponential buckets that cannot be read' }
  // Seconds become milliseconds by moving every bin by log2(1000) × 2^scale places, to the nearest one.
  const shift = factor === 1 ? 0 : Math.round(Math.log2(factor) * 2 ** exponent)
  const counts = new Map([
    ...positive.map(([index, count]): [number, number] => [2 * (index + shift), count]),
    ...negative.map(([index, count]): [number, number] => [2 * (index + shift) + 1, count]),
  ])
  return { scale: 'exponential', exponent, zero, counts }
}

/** Index and count of each bucket that holds something; null when it cannot be. No double lies outside 2^±1100. */
function exponentialCounts(buckets: unknown, exponent: number): (readonly [index: number, count: number])[] | null {
  const { offset: rawOffset, bucketCounts } = fieldsOf(buckets)
  const offset = numberOf(rawOffset ?? 0)
  const list = listOf(bucketCounts).map(numberOf)
  const isPossible = Number.isSafeInteger(offset) && Math.abs(offset) <= 1_100 * 2 ** exponent + bucketsMax
  if (list.length > bucketsMax || !isPossible || !list.every(isCount)) return null
  return list.flatMap((count, index) => (count > 0 ? [[offset + index, count] as const] : []))
}

const isCount = (value: number): boolean => Number.isFinite(value) && value >= 0

function labelsOf(point: Fields, resource: ReadonlyMap<string, string>): Record<string, string> | null {
  const attributes = attributesOf(point)
  if (attributes.length > labelsMax || attributes.some(([, value]) => value.length > textLengthMax)) return null
  const labels = new Map(attributes.map(([name, value]) => [wordOf(name), value]))
  const version = resource.get('service.version')
  if (version !== undefined && !labels.has('version')) labels.set('version', version.slice(0, textLengthMax))
  const track =
    labels.get('dankai_track') ?? labels.get('track') ?? resource.get('dankai.track') ?? resource.get('track')
  labels.delete('dankai_track')
  if (track !== undefined) labels.set('track', track)
  return Object.fromEntries(labels)
}

function attributesOf(of: Fields): [name: string, value: string][] {
  return listOf(of.attributes)
    .slice(0, labelsMax * 5)
    .map(fieldsOf)
    .flatMap(({ key, value }): [string, string][] => {
      const text = textOf(fieldsOf(value))
      return typeof key === 'string' && key !== '' && key.length <= textLengthMax && text !== null ? [[key, text]] : []
    })
}

function textOf({ stringValue, boolValue, intValue, doubleValue }: Fields): string | null {
  const value = stringValue ?? boolValue ?? intValue ?? doubleValue
  return value === undefined || typeof value === 'object' ? null : String(value)
}

/** Letters, digits and "_", beginning with a letter; also keeps `__proto__` from ever being a name. */
function wordOf(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^_+/, '')
  return /^[A-Za-z]/.test(word) ? word : `x_${word}`
}

/** Nanoseconds as text of 19 digits; a millionth of them needs no more than a double holds. */
const millisecondsOf = (nano: unknown): number => numberOf(nano) / 1e6
