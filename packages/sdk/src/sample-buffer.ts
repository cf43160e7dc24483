/**
 * What was measured since the last time it was taken: one entry per bucket of time, series and labels.
 *
 * 1. Taking empties the buffer, so every report carries only what is new and reports of one bucket add up.
 * 2. Nothing here throws: a sample that is no number or does not fit is counted in `dropped`.
 * 3. Memory is bounded by entries and by values per entry, not by requests.
 */
import { chunksOf } from './batch-reports.ts'

export type Labels = Readonly<Record<string, string | number | boolean>>

/** A part of one bucket, as the server takes it. */
export interface Sample {
  readonly service: string
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  /** Epoch milliseconds by the client's clock. */
  readonly bucketStart: number
  readonly bucketMs: number
  readonly count?: number
  readonly sum?: number
  /** `[value, how often]`, values rounded to 3 significant digits. */
  readonly values?: readonly (readonly [value: number, count: number])[]
  readonly last?: number
}

/** Counts add up; amounts also have a distribution; levels also have a last value. */
export type SampleKind = 'count' | 'amount' | 'level'

export interface SampleBufferOptions {
  readonly service: string
  readonly bucketMs: number
}

interface Entry {
  readonly kind: SampleKind
  readonly series: string
  readonly labels: Readonly<Record<string, string>>
  readonly bucketStart: number
  count: number
  readonly values: Map<number, { count: number; sum: number }>
  last: number
}

/** Distinct combinations of series and labels between two reports. More is a label that should not be one (a user id). */
const entriesMax = 2_000
/** All values of three significant digits over seven decades, more than one second of one service can show. */
const valuesMax = 6_300
/** The server takes so many distinct values in one sample; an entry with more becomes several samples. */
const valuesPerSampleMax = 64
const nameLengthMax = 200
const labelLengthMax = 256
const labelsMax = 20

export class SampleBuffer {
  readonly #options: SampleBufferOptions
  #entries = new Map<string, Entry>()
  #dropped = 0

  constructor(options: SampleBufferOptions) {
    this.#options = options
  }

  get dropped(): number {
    return this.#dropped
  }

  add(kind: SampleKind, series: string, labels: Labels, value: number, at: number): void {
    const entry =
      Number.isFinite(value) && (kind !== 'count' || value >= 0) ? this.#entry(kind, series, labels, at) : null
    if (entry === null || !addTo(entry, value)) this.#dropped++
  }

  take(): Sample[] {
    const entries = this.#entries
    this.#entries = new Map()
    return [...entries.values()].flatMap(entry => samplesOf(entry, this.#options))
  }

  #entry(kind: SampleKind, series: string, labels: Labels, at: number): Entry | null {
    const named = normalise(labels)
    if (named === null || !isName(series)) return null
    const { bucketMs } = this.#options
    const bucketStart = Math.floor(at / bucketMs) * bucketMs
    const key = JSON.stringify([kind, series, bucketStart, named])
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    if (this.#entries.size >= entriesMax) return null
    const entry = { kind, series, labels: Object.fromEntries(named), bucketStart, count: 0, values: new Map(), last: 0 }
    this.#entries.set(key, entry)
    return entry
  }
}

function addTo(entry: Entry, value: number): boolean {
  if (entry.kind === 'count') {
    entry.count += value
    return true
  }
  const rounded = roundToThreeDigits(value)
  const known = entry.values.get(rounded)
  if (known === undefined && entry.values.size >= valuesMax) return false
  entry.values.set(rounded, { count: (known?.count ?? 0) + 1, sum: (known?.sum ?? 0) + value })
  entry.last = value
  return true
}

/** 0.5 % of a value is far below what a latency threshold means, and keeps the number of distinct values small. */
function roundToThreeDigits(value: number): number {
  return Number(value.toPrecision(3))
}

function samplesOf(entry: Entry, { service, bucketMs }: SampleBufferOptions): Sample[] {
  const { series, labels, bucketStart } = entry
  const head = { service, series, labels, bucketStart, bucketMs }
  if (entry.kind === 'count') return [{ ...head, count: entry.count }]
  const last = entry.kind === 'level' ? { last: entry.last } : {}
  return chunksOf([...entry.values], valuesPerSampleMax).map(chunk => ({
    ...head,
    count: chunk.reduce((total, [, { count }]) => total + count, 0),
    sum: chunk.reduce((total, [, { sum }]) => total + sum, 0),
    values: chunk.map(([value, { count }]) => [value, count] as const),
    ...last,
  }))
}

/** Sorted, so that the order in which a caller writes labels makes no second entry. */
function normalise(labels: Labels): [name: string, value: string][] | null {
  if (typeof labels !== 'object' || labels === null) return null
  const named = Object.entries(labels).map(([name, value]): [string, string] => [name, String(value)])
  if (named.length > labelsMax || !named.every(([name, value]) => isName(name) && value.length <= labelLengthMax))
    return null
  return named.sort(([one], [other]) => (one < other ? -1 : 1))
}

const isName = (text: unknown): boolean => typeof text === 'string' && text.length > 0 && text.length <= nameLengthMax
