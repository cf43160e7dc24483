/**
 * `POST /otlp/v1/metrics`: OTLP over HTTP, protobuf or JSON, plain or gzip, as OpenTelemetry exporters send it.
 *
 * Answers follow the protocol: 200 with `partialSuccess` when some points cannot be used (they are not sent again), 400
 * for what cannot be read, 429 and 503 with Retry-After for "send it again".
 */
import { randomUUID } from 'node:crypto'
import type { SeriesSample } from '@dankai/engine'
import type { Application } from '../../application.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { unpackedBody } from '../../http/unpacked-body.ts'
import { quantilesOf, splitTrack, timeProblem } from '../samples/read-samples.ts'
import { createOtlpDeltas, type OtlpDeltas, valuesOf } from './otlp-deltas.ts'
import {
  decodeJsonRequest,
  decodeProtobufRequest,
  encodeProtobufResponse,
  type PartialSuccess,
} from './otlp-message.ts'
import { type OtlpPoint, type RefusedPoint, readOtlpPoints } from './otlp-points.ts'

/** Exporters send every 10 to 60 s; what they send belongs to the second it was read in. */
const bucketMs = 1_000
/** Semantics E: a sender that does not say when it sent may be half a minute off, not more. */
const differenceMaxMs = 30_000
const unpackedBytesMax = 32 * 1_048_576

export function useOtlp(api: Api, app: Application): void {
  const deltas = createOtlpDeltas(app.now())
  /** Batches of OTLP have no number of their own; this instance gives them one. */
  const sender = { sdk: randomUUID(), no: 0 }

  api.post('/otlp/v1/metrics', async c => {
    const caller = c.get('caller')
    requireKind(caller, ['sdk-server', 'ci', 'admin'])
    const scope = requestScope(c)
    const isJson = (c.req.header('content-type') ?? '').includes('json')
    const body = await unpackedBody(c, unpackedBytesMax)
    const request = isJson ? decodeJsonRequest(body) : decodeProtobufRequest(body)
    if (request === null)
      throw new HttpProblem(
        'malformed',
        'Cannot read the metrics: found no OTLP request, expected ExportMetricsServiceRequest.',
      )
    const read = readOtlpPoints(request)
    const { byService, refused } = samplesOf(read.points, `${scope.project}\n${scope.environment}`, deltas, app.now())
    const rejected = [...read.refused, ...refused]
    if (byService.size > 0)
      await app.ingest.take({ ...scope, sdk: sender.sdk, no: ++sender.no, trusted: true, byService })
    if (rejected.length > 0) app.metrics.samplesRefused.inc({ code: 'otlp' }, rejected.length)
    return answer(c, isJson, partialOf(rejected))
  })
}

function samplesOf(points: readonly OtlpPoint[], scopeKey: string, deltas: OtlpDeltas, now: number) {
  const byService = new Map<string, SeriesSample[]>()
  const refused: RefusedPoint[] = []
  for (const point of points) {
    const sample = sampleOf(point, scopeKey, deltas, now)
    if (sample === null) continue
    if ('reason' in sample) {
      refused.push(sample)
      continue
    }
    const list = byService.get(point.service)
    if (list === undefined) byService.set(point.service, [sample])
    else list.push(sample)
  }
  return { byService, refused }
}

function sampleOf(
  point: OtlpPoint,
  scopeKey: string,
  deltas: OtlpDeltas,
  now: number,
): SeriesSample | RefusedPoint | null {
  const start = Math.floor(Math.max(0, point.at - 1) / bucketMs) * bucketMs
  const problem =
    start < now - differenceMaxMs - bucketMs
      ? { message: `found a point ${Math.round(now - point.at)} ms old, expected at most ${differenceMaxMs}` }
      : timeProblem(start, bucketMs, now)
  if (problem !== null) return { reason: `"${point.series}": ${problem.message}` }
  const data = deltas.deltaOf(scopeKey, point)
  if (data === null) return null
  const head = { series: point.series, ...splitTrack(point.labels), start, lengthMs: bucketMs }
  if (data.kind === 'counter') return { ...head, count: data.value, sum: data.value, last: null, quantiles: null }
  if (data.kind === 'gauge') return { ...head, count: 1, sum: data.value, last: data.value, quantiles: null }
  return { ...head, count: data.count, sum: data.sum, last: null, quantiles: quantilesOf(valuesOf(data.bins)).toJSON() }
}

function partialOf(rejected: readonly RefusedPoint[]): PartialSuccess | null {
  const first = rejected[0]
  if (first === undefined) return null
  return { rejectedDataPoints: rejected.length, errorMessage: first.reason.slice(0, 500) }
}

function answer(c: HttpContext, isJson: boolean, partial: PartialSuccess | null): Response {
  if (isJson)
    return c.json(
      partial === null
        ? {}
        : { partialSuccess: { ...partial, rejectedDataPoints: String(partial.rejectedDataPoints) } },
    )
  return c.body(new Uint8Array(encodeProtobufResponse(partial)), 200, { 'content-type': 'application/x-protobuf' })
}
