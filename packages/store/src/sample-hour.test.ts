import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SeriesSample } from '@dankai/engine'
import fc from 'fast-check'
import { addUpBatches, groupByHour, hourMs, packSamples, unpackHour } from './sample-hour.ts'

/** Whole numbers, so that sums are equal whatever the order of adding. */
const count = fc.integer({ min: 0, max: 1_000 })

const quantiles = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 5 })), {
      selector: ([value]) => value,
      maxLength: 6,
    })
    .map(counts => {
      return { kind: 'exact' as const, counts: counts.toSorted(([one], [other]) => one - other) }
    }),
  { nil: null },
)

const sample: fc.Arbitrary<SeriesSample> = fc.record({
  series: fc.constantFrom('requests', 'duration'),
  labels: fc.constantFrom<SeriesSample['labels']>(
    {},
    { status: '200' },
    { status: '500', path: '/' },
    { path: '/', status: '500' },
  ),
  track: fc.constantFrom('canary', 'stable'),
  start: fc.integer({ min: 0, max: 719 }).map(bucket => bucket * 10_000),
  lengthMs: fc.constant(10_000),
  count,
  sum: count,
  last: fc.option(count, { nil: null }),
  quantiles,
})

const batches = fc.array(fc.array(sample, { maxLength: 20 }), { maxLength: 6 })

/** Everything that must survive: totals by series, label set, track and a span of time. */
function totalsOf(samples: Iterable<SeriesSample>, resolutionMs: number): ReadonlyMap<string, readonly number[]> {
  const totals = new Map<string, readonly number[]>()
  for (const { series, labels, track, start, count: counted, sum, quantiles: sketch } of samples) {
    const span = Math.floor(start / resolutionMs)
    const name = JSON.stringify([series, Object.entries(labels).sort(), track, span])
    const [counts = 0, sums = 0, values = 0] = totals.get(name) ?? []
    const inSketch = ((sketch as { counts: [number, number][] } | null)?.counts ?? []).reduce(
      (total, [, n]) => total + n,
      0,
    )
    totals.set(name, [counts + counted, sums + sum, values + inSketch])
  }
  return totals
}

const scope = { project: 'shop', environment: 'production', service: 'trips', trusted: true }
const batchOf = (samples: readonly SeriesSample[], id = 1) => ({ ...scope, id, receivedAt: 0, samples })

function packAll(groups: readonly (readonly SeriesSample[])[], resolutionMs: number): SeriesSample[] {
  const hours = groupByHour(groups.map(samples => batchOf(samples)))
  return [...hours.values()].flatMap(({ key, samples }) =>
    unpackHour(key, packSamples(samples, key.hour, resolutionMs)),
  )
}

describe('packed samples', () => {
  it('add up to what was sent, at every resolution', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom(10_000, 60_000, hourMs), (groups, resolutionMs) => {
        assert.deepEqual(totalsOf(packAll(groups, resolutionMs), resolutionMs), totalsOf(groups.flat(), resolutionMs))
      }),
    )
  })

  it('are the same packed at once, one after the other, or coarsened in steps', () => {
    fc.assert(
      fc.property(batches, groups => {
        const atOnce = packAll(groups, 60_000)
        const oneByOne = groups.reduce<SeriesSample[]>((packed, group) => packAll([packed, group], 10_000), [])
        assert.deepEqual(byName(packAll([oneByOne], 60_000)), byName(atOnce))
        assert.deepEqual(totalsOf(packAll([atOnce], hourMs), hourMs), totalsOf(groups.flat(), hourMs))
      }),
    )
  })

  it('added up before they are written hold the same, with no two of one bucket and label set', () => {
    fc.assert(
      fc.property(batches, groups => {
        const sent = groups.map((samples, no) => {
          return {
            project: 'shop',
            environment: 'production',
            sdk: `${no}`,
            no,
            trusted: true,
            services: [{ service: 'trips', samples }],
          }
        })
        const written = addUpBatches(sent).flatMap(({ samples }) => samples)
        assert.deepEqual(totalsOf(written, 10_000), totalsOf(groups.flat(), 10_000))
        assert.equal(written.length, totalsOf(groups.flat(), 10_000).size)
      }),
    )
  })
})

function byName(samples: readonly SeriesSample[]): readonly string[] {
  return samples.map(({ last: _, ...rest }) => JSON.stringify(rest)).toSorted()
}
