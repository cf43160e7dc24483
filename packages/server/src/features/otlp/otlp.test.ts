import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Quantiles } from '@dankai/analysis'
import type { SeriesSample } from '@dankai/engine'
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import fc from 'fast-check'
import type { DankaiServer } from '../../create-server.ts'
import { adminKey, ask, openTestHouse, type TestHouse } from '../../testing/test-server.ts'
import { createOtlpDeltas, valuesOf } from './otlp-deltas.ts'
import { decodeJsonRequest, decodeProtobufRequest } from './otlp-message.ts'
import { type OtlpPoint, readOtlpPoints } from './otlp-points.ts'

let house: TestHouse
let server: DankaiServer
before(async () => {
  house = await openTestHouse()
  server = await house.open()
})
after(() => house.close())

/** What the log holds of one service, as releases will read it. */
async function samplesOf(service: string): Promise<readonly SeriesSample[]> {
  const scope = { project: 'default', environment: 'production', services: [service] }
  const { batches } = await server.store.samples.read(0, scope, 1_000)
  return batches.flatMap(({ samples }) => samples)
}

function sum(
  samples: readonly SeriesSample[],
  series: string,
  labels: Record<string, string> = {},
  track?: string,
): number {
  return samples
    .filter(sample => sample.series === series && (track === undefined || sample.track === track))
    .filter(sample => Object.entries(labels).every(([name, value]) => sample.labels[name] === value))
    .reduce((total, { count }) => total + count, 0)
}

/** A program with the official SDK: counters, a histogram, an exponential one, a gauge, an up-down counter. */
function openProgram(
  service: string,
  Exporter: typeof JsonExporter | typeof ProtobufExporter,
  temporality: AggregationTemporality,
) {
  const exporter = new Exporter({
    url: `${server.url}/otlp/v1/metrics`,
    headers: { authorization: `Bearer ${adminKey}` },
    temporalityPreference: temporality as never,
    compression: 'gzip' as never,
  })
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': '2.1.0' }),
    readers: [reader],
    views: [{ instrumentName: 'payload', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  })
  const meter = provider.getMeter('test')
  return { provider, meter, export: () => reader.forceFlush() }
}

for (const [encoding, Exporter] of [
  ['JSON', JsonExporter],
  ['protobuf', ProtobufExporter],
] as const)
  for (const [name, temporality] of [
    ['cumulative', AggregationTemporality.CUMULATIVE],
    ['delta', AggregationTemporality.DELTA],
  ] as const)
    describe(`the official exporter, ${encoding}, gzip, ${name}`, () => {
      const service = `trips-${encoding}-${name}`.toLowerCase()
      let samples: readonly SeriesSample[]
      before(async () => {
        const program = openProgram(service, Exporter, temporality)
        const requests = program.meter.createCounter('http.requests')
        const durations = program.meter.createHistogram('http.server.duration', { unit: 's' })
        const payload = program.meter.createHistogram('payload')
        const queue = program.meter.createUpDownCounter('queue.size')
        program.meter.createObservableGauge('memory.use').addCallback(result => result.observe(81.5))
        requests.add(5, { status: '200', 'dankai.track': 'canary' })
        requests.add(2, { status: '500', track: 'stable' })
        for (const seconds of [0.004, 0.02, 0.08]) durations.record(seconds)
        for (const bytes of [1_000, 2_000, 4_000]) payload.record(bytes)
        queue.add(7)
        await program.export()
        requests.add(10, { status: '200', 'dankai.track': 'canary' })
        durations.record(1.5)
        payload.record(64_000)
        queue.add(-3)
        await program.export()
        await program.provider.shutdown()
        samples = await samplesOf(service)
      })

      it('adds counters up to what was counted, by label and track', () => {
        assert.equal(sum(samples, 'http_requests', { status: '200' }, 'canary'), 15)
        assert.equal(sum(samples, 'http_requests', { status: '500' }, 'stable'), 2)
        assert.equal(samples.find(({ series }) => series === 'http_requests')?.labels['version'], '2.1.0')
      })

      it('gives histograms as count, sum in milliseconds, and quantiles', () => {
        const durations = samples.filter(({ series }) => series === 'http_server_duration')
        assert.equal(sum(durations, 'http_server_duration'), 4)
        assert.ok(Math.abs(durations.reduce((total, sample) => total + sample.sum, 0) - 1_604) < 1e-6)
        const all = new Quantiles()
        for (const { quantiles } of durations) all.merge(Quantiles.fromJSON(quantiles as never))
        assert.equal(all.count, 4)
      })

      it('gives exponential histograms within their resolution', () => {
        const payload = samples.filter(({ series }) => series === 'payload')
        const all = new Quantiles()
        for (const { quantiles } of payload) all.merge(Quantiles.fromJSON(quantiles as never))
        assert.deepEqual([all.count, sum(payload, 'payload')], [4, 4])
        // A delta export scales each time to what it holds; a cumulative one to the widest so far.
        for (const [quantile, value] of [
          [0.25, 1_000],
          [0.75, 4_000],
          [1, 64_000],
        ] as const)
          assert.ok(
            Math.abs((all.quantile(quantile) ?? 0) / value - 1) < 0.05,
            `${all.quantile(quantile)} for ${value}`,
          )
      })

      it('gives gauges and the level of up-down counters as last values', () => {
        assert.equal(samples.findLast(({ series }) => series === 'memory_use')?.last, 81.5)
        // A delta of a sum that can fall has no level: it is refused by name, the rest is taken.
        if (name === 'cumulative') assert.equal(samples.findLast(({ series }) => series === 'queue_size')?.last, 4)
      })
    })

const nano = (ms: number): string => `${BigInt(Math.round(ms)) * 1_000_000n}`
const post = (body: unknown, headers: Record<string, string> = {}) =>
  ask(server.url, 'POST', '/otlp/v1/metrics', { body, headers })

function request(metric: object, service = 'hand-made') {
  const attributes = [{ key: 'service.name', value: { stringValue: service } }]
  return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [metric] }] }] }
}

const counter = (change: object = {}, temporality = 1) => ({
  name: 'requests',
  sum: {
    isMonotonic: true,
    aggregationTemporality: temporality,
    dataPoints: [{ timeUnixNano: nano(Date.now()), asInt: '3', ...change }],
  },
})

describe('OTLP over HTTP', () => {
  for (const [what, metric, message] of [
    ['of another time', counter({ timeUnixNano: nano(Date.now() - 120_000) }), /ms old/],
    ['of the future', counter({ timeUnixNano: nano(Date.now() + 120_000) }), /in the future/],
    ['without a number', counter({ asInt: undefined, asDouble: 'NaN' }), /no finite value/],
    ['that fell although it cannot', counter({ asInt: '-3' }), /below zero/],
    ['without a time', counter({ timeUnixNano: undefined }), /no time/],
    ['of a summary', { name: 's', summary: { dataPoints: [{ timeUnixNano: nano(Date.now()) }] } }, /summary/],
    [
      'with buckets that do not fit',
      {
        name: 'h',
        histogram: {
          aggregationTemporality: 1,
          dataPoints: [
            { timeUnixNano: nano(Date.now()), count: '1', sum: 1, bucketCounts: ['1'], explicitBounds: [1, 2] },
          ],
        },
      },
      /do not fit/,
    ],
  ] as const)
    it(`says so in partialSuccess of a point ${what}`, async () => {
      const { status, body } = await post(request(metric))
      assert.deepEqual([status, body.partialSuccess.rejectedDataPoints], [200, '1'])
      assert.match(body.partialSuccess.errorMessage, message)
    })

  it('takes a point that says it has no value as nothing', async () => {
    assert.deepEqual((await post(request(counter({ asInt: undefined, flags: 1 })))).body, {})
  })

  it('answers 400 to what is no OTLP, 415 to another compression, 413 to too much', async () => {
    assert.equal((await post('[1, 2')).status, 400)
    assert.equal((await post('{}', { 'content-encoding': 'br' })).status, 415)
    assert.equal((await post('not gzip', { 'content-encoding': 'gzip' })).status, 400)
    const protobuf = { 'content-type': 'application/x-protobuf' }
    assert.equal((await post('\xff\xff\xff\xff', protobuf)).status, 400)
    assert.equal((await post('x'.repeat(4_300_000), protobuf)).status, 413)
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576))
    const response = await fetch(`${server.url}/otlp/v1/metrics`, {
      method: 'POST',
      body: bomb,
      headers: { 'content-encoding': 'gzip', ...protobuf, authorization: `Bearer ${adminKey}` },
    })
    assert.equal(response.status, 413)
    await response.text()
  })

  it('takes no name from a prototype', async () => {
    const attributes = [
      { key: '__proto__', value: { stringValue: 'x' } },
      { key: 'constructor', value: { stringValue: 'y' } },
    ]
    await post(request({ ...counter({ attributes }), name: '__proto__' }, 'proto'))
    const [sample] = await samplesOf('proto')
    assert.equal(sample?.series, 'proto__')
    assert.deepEqual(Object.keys(sample?.labels ?? {}).sort(), ['constructor', 'proto__'])
  })

  it('survives any bytes and any JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const decoded = decodeProtobufRequest(bytes)
        if (decoded !== null) readOtlpPoints(decoded)
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const decoded = decodeJsonRequest(Buffer.from(JSON.stringify({ resourceMetrics: value })))
        if (decoded !== null) readOtlpPoints(decoded)
      }),
    )
  })
})

describe('cumulative points', () => {
  const point = (value: number, startedAt: number, at = 0): OtlpPoint => ({
    service: 's',
    series: 'x',
    labels: {},
    temporality: 'cumulative',
    startedAt,
    at,
    data: { kind: 'counter', value },
  })
  const deltas = (points: readonly OtlpPoint[], receiverStartedAt = 100) => {
    const state = createOtlpDeltas(receiverStartedAt)
    return points.map(given => {
      const delta = state.deltaOf('scope', given)
      return delta?.kind === 'counter' ? delta.value : null
    })
  }

  for (const [what, points, expected] of [
    ['count from zero when the sender began after this receiver', [point(5, 200), point(9, 200)], [5, 4]],
    ['count from the first one when the sender is older', [point(500, 50), point(503, 50)], [null, 3]],
    ['begin again with a new start', [point(5, 200), point(2, 300)], [5, 2]],
    ['begin again when the number fell', [point(5, 200), point(2, 200)], [5, 2]],
    ['say nothing when nothing is new', [point(5, 200), point(5, 200)], [5, null]],
  ] as const)
    it(what, () => {
      assert.deepEqual(deltas(points), expected)
    })

  it('add up to what the sender counted, however often it begins again', () => {
    const runs = fc.array(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(runs, steps => {
        const points = steps.flatMap((run, index) => {
          let total = 0
          return run.map(step => {
            total += step
            return point(total, 200 + index)
          })
        })
        const counted = steps.flat().reduce((total, step) => total + step, 0)
        assert.equal(
          deltas(points).reduce<number>((total, delta) => total + (delta ?? 0), 0),
          counted,
        )
      }),
    )
  })

  it('of exponential histograms may grow coarser without losing a value', () => {
    const state = createOtlpDeltas(0)
    const histogram = (exponent: number, counts: readonly (readonly [number, number])[]): OtlpPoint => ({
      ...point(0, 1),
      data: {
        kind: 'histogram',
        count: counts.reduce((total, [, count]) => total + count, 0),
        sum: 0,
        bins: { scale: 'exponential', exponent, zero: 0, counts: new Map(counts) },
      },
    })
    state.deltaOf(
      'scope',
      histogram(1, [
        [0, 3],
        [2, 2],
        [-2, 1],
      ]),
    )
    const delta = state.deltaOf(
      'scope',
      histogram(0, [
        [0, 5],
        [-2, 1],
        [8, 4],
      ]),
    )
    assert.ok(delta?.kind === 'histogram')
    assert.deepEqual(
      valuesOf(delta.bins).map(([value, count]) => [Math.round(value), count]),
      [[21, 4]],
    )
  })
})
