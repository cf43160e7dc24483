import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Quantiles, type QuantilesJson, type SeriesPoint, type Track } from '@dankai/analysis'
import fc from 'fast-check'
import type { SeriesSample } from './ports.ts'
import {
  defaultSampleLimits,
  futureMaxMs,
  pointOf,
  type SampleLimits,
  type SampleRefusals,
  SampleTable,
  type SeriesName,
  senderBucketMaxMs,
} from './sample-table.ts'
import type { TableScope } from './table-scope.ts'

const start = Date.UTC(2026, 0, 5, 10)
const latenessMs = 5_000
const keptMs = 60_000
const fewLimits: SampleLimits = { seriesMax: 8, labelSetsMax: 4, cellsMax: 60, keptMs }
const scope: TableScope = {
  labelsOf: new Map([
    ['requests', new Set(['version', 'route'])],
    ['duration', new Set(['route'])],
    ['lag', null],
  ]),
  completeFrom: start,
  keptMs,
}

const noRefusals = (): SampleRefusals => ({ late: 0, future: 0, length: 0, series: 0, labels: 0, cells: 0 })

/** What a table says of one series: its cells in the order of receipt. */
type Told = [name: SeriesName, cells: [start: number, lengthMs: number, receivedAt: number, point: unknown][]]

interface PlainCell {
  readonly start: number
  readonly lengthMs: number
  readonly receivedAt: number
  readonly samples: SeriesSample[]
}

interface PlainSeries extends SeriesName {
  readonly key: string
  cells: PlainCell[]
}

/** The same table as lists of samples, every question answered by looking at all of them. */
class PlainTable {
  readonly refused = noRefusals()
  readonly #limits: SampleLimits
  series: PlainSeries[] = []

  constructor(limits: SampleLimits) {
    this.#limits = limits
  }

  take(receivedAt: number, trusted: boolean, samples: readonly SeriesSample[]): void {
    for (const sample of samples) {
      const wanted = scope.labelsOf.get(sample.series)
      if (wanted === undefined) continue
      const end = sample.start + sample.lengthMs
      if (sample.lengthMs > senderBucketMaxMs) this.refused.length++
      else if (sample.start > receivedAt + futureMaxMs) this.refused.future++
      else if (sample.lengthMs > 0 && receivedAt > end + latenessMs) this.refused.late++
      else this.#add(sample, receivedAt, trusted, wanted)
    }
  }

  #add(sample: SeriesSample, receivedAt: number, trusted: boolean, wanted: ReadonlySet<string> | null): void {
    const { series: name, track, start, lengthMs } = sample
    const labels = Object.fromEntries(Object.entries(sample.labels).filter(([label]) => wanted?.has(label) ?? true))
    const key = JSON.stringify([name, track, trusted, Object.entries(labels).sort()])
    let series = this.series.find(known => known.key === key)
    if (series === undefined) {
      if (this.series.filter(known => known.name === name).length >= this.#limits.labelSetsMax)
        return void this.refused.labels++
      if (this.series.length >= this.#limits.seriesMax) return void this.refused.series++
      series = { key, name, labels, track, trusted, cells: [] }
      this.series.push(series)
    }
    const known = series.cells.find(cell =>
      lengthMs > 0
        ? cell.lengthMs > 0 && cell.start === start
        : cell.lengthMs === 0 && cell.start === start && cell.receivedAt === receivedAt,
    )
    if (known !== undefined) return void known.samples.push(sample)
    if (this.series.reduce((sum, { cells }) => sum + cells.length, 0) >= this.#limits.cellsMax) this.refused.cells++
    else series.cells.push({ start, lengthMs, receivedAt, samples: [sample] })
  }

  forgetOld(now: number): void {
    for (const series of this.series)
      series.cells = series.cells.filter(cell => cell.start + cell.lengthMs > now - keptMs)
    this.series = this.series.filter(({ cells }) => cells.length > 0)
  }

  tellSince(receivedFrom: number): Told[] {
    return this.series.map(({ name, labels, track, trusted, cells }) => {
      const older = cells.findLastIndex(cell => cell.receivedAt < receivedFrom)
      const told = cells.slice(older + 1).map(cell => {
        const { start, lengthMs, receivedAt } = cell
        return [start, lengthMs, receivedAt, plainPoint(name, labels, cell.samples)] as Told[1][number]
      })
      return [{ name, labels, track, trusted }, told]
    })
  }
}

function plainPoint(name: string, labels: Readonly<Record<string, string>>, samples: readonly SeriesSample[]): unknown {
  const sum = samples.reduce((total, sample) => total + sample.sum, 0)
  const sketches = samples.flatMap(({ quantiles }) => (quantiles === null ? [] : [quantiles as QuantilesJson]))
  const quantiles = sketches.reduce<Quantiles>((all, one) => all.merge(Quantiles.fromJSON(one)), new Quantiles())
  return plain({
    name,
    labels,
    count: samples.reduce((total, sample) => total + sample.count, 0),
    ...(sketches.length > 0 || sum !== 0 ? { sum } : {}),
    ...(sketches.length > 0 ? { quantiles } : {}),
    ...(samples.some(sample => sample.last !== null)
      ? { last: samples.findLast(sample => sample.last !== null)!.last! }
      : {}),
  })
}

function plain(point: SeriesPoint): unknown {
  const { quantiles, ...others } = point
  return quantiles === undefined ? others : { ...others, quantiles: quantiles.toJSON(), total: quantiles.count }
}

function tellSince(table: SampleTable, receivedFrom: number): Told[] {
  const { cells } = table
  return [...table.series].map(series => {
    const { name, labels, track, trusted } = series
    const told = cells.cellsSince(series.number, receivedFrom).map(cell => {
      const { start, lengthMs, receivedAt } = cells.timesOf(cell)
      return [start, lengthMs, receivedAt, plain(pointOf(series, cells, cell))] as Told[1][number]
    })
    return [{ name, labels, track, trusted }, told]
  })
}

const sketches = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }).map(values => Quantiles.of(values).toJSON()),
  // More than 64 distinct values are kept by bins.
  fc.integer({ min: 60, max: 90 }).map(many => Quantiles.of(Array.from({ length: many }, (_, i) => i + 0.5)).toJSON()),
)

/** Samples around a moment: early, late, twice, by themselves, with labels nobody asks for. */
const samples = fc.record({
  series: fc.constantFrom('requests', 'duration', 'lag', 'other'),
  labels: fc.dictionary(fc.constantFrom('version', 'route', 'user'), fc.constantFrom('1', '2'), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
  track: fc.constantFrom<Track>('canary', 'stable'),
  ahead: fc.integer({ min: -9, max: 4 }).map(buckets => buckets * 10_000),
  lengthMs: fc.constantFrom(10_000, 10_000, 10_000, 0, 60_000, 60_001),
  count: fc.integer({ min: 0, max: 9 }),
  sum: fc.integer({ min: -1, max: 3 }),
  last: fc.option(fc.integer({ min: 0, max: 5 })),
  quantiles: fc.option(sketches),
})

const steps = fc.record({
  do: fc.constantFrom('take', 'take', 'take', 'repeat', 'forget'),
  passMs: fc.constantFrom(0, 1, 4_999, 10_000, 31_000),
  // Batches of several instances come a little out of order.
  aheadMs: fc.constantFrom(0, 0, -40, 40),
  trusted: fc.boolean(),
  samples: fc.array(samples, { maxLength: 12 }),
})

type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** `copies` of each sample, a moment apart: cells of their own. */
function assertAnswersAlike(everything: readonly Step[], limits: SampleLimits, copies: number): void {
  const plainTable = new PlainTable(limits)
  const refused = noRefusals()
  const table = new SampleTable(scope, latenessMs, limits, refused)
  let now = start
  let last: readonly SeriesSample[] = []
  for (const step of everything) {
    now += step.passMs
    const receivedAt = now + step.aheadMs
    const bucket = Math.floor(now / 10_000) * 10_000
    if (step.do === 'take')
      last = step.samples.flatMap(({ ahead, ...sample }) => {
        const quantiles = sample.series === 'duration' ? sample.quantiles : null
        return Array.from({ length: copies }, (_, copy) => ({ ...sample, start: bucket + ahead + copy, quantiles }))
      })
    if (step.do === 'forget') {
      plainTable.forgetOld(now)
      table.forgetOld(now)
    } else {
      const head = { id: 1, project: 'p', environment: 'e', service: 's', receivedAt, trusted: step.trusted }
      plainTable.take(receivedAt, step.trusted, last)
      table.take({ ...head, samples: last })
    }
    for (const since of [0, now - 30_000, now]) assert.deepEqual(tellSince(table, since), plainTable.tellSince(since))
    assert.deepEqual(refused, plainTable.refused)
  }
}

for (const [what, limits, copies, numRuns] of [
  ['few', fewLimits, 1, 300],
  ['thousands of', { ...fewLimits, cellsMax: 1_500 }, 25, 100],
] as const)
  test(`a table of ${what} cells in columns answers as lists of samples do, whatever comes, is forgotten and is asked`, () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 25 }), everything => assertAnswersAlike(everything, limits, copies)),
      { numRuns },
    )
  })

test('a service that sends for an hour takes no more room than one that has sent for as long as buckets are kept', () => {
  const table = new SampleTable(scope, latenessMs, { ...defaultSampleLimits, keptMs: 60_000 }, noRefusals())
  const sketch = Quantiles.of([12, 20, 35]).toJSON()
  const rooms: number[] = []
  for (let at = 0; at < 3_600_000; at += 10_000) {
    const batch = ['1', '2', '3'].map(route => ({
      series: 'duration',
      labels: { route },
      track: 'canary' as const,
      start: start + at,
      lengthMs: 10_000,
      count: 3,
      sum: 67,
      last: null,
      quantiles: sketch,
    }))
    const head = { id: 1, project: 'p', environment: 'e', service: 's', receivedAt: start + at + 9_000, trusted: true }
    table.take({ ...head, samples: batch })
    table.take({ ...head, samples: batch })
    if (at % 30_000 === 0) table.forgetOld(start + at)
    rooms.push(table.cells.bytes)
  }
  const half = rooms.length / 2
  assert.ok(Math.max(...rooms.slice(half)) <= Math.max(...rooms.slice(0, half)))
  assert.ok(table.cells.size <= 30, `found ${table.cells.size} cells`)
})
