import { Hono } from 'hono'
import { z } from 'zod'
import { requireJson, requireLoopback } from '../http/faults.ts'
import { answerError, answerNotFound, checkBody } from '../http/problem.ts'
import type { TrafficReport } from './traffic-report.ts'

const restarts = z.strictObject({
  track: z.enum(['stable', 'canary']),
  times: z.number().int().min(0).max(1_000).default(1),
})

export interface GatewayReading {
  readonly status: () => object
  /** Prometheus text format. */
  readonly metrics: () => string
}

/**
 * Where whoever runs the processes tells the gateway of restarts; by itself, so that no user reaches it. A scraper
 * on the same machine reads here too.
 */
export function createGatewayDoor(report: TrafficReport, reading: GatewayReading): Hono {
  const door = new Hono()
  door.onError(answerError)
  door.notFound(answerNotFound)
  door.use(requireLoopback)
  door.get('/status', c => c.json(reading.status()))
  door.get('/metrics', c =>
    c.text(reading.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
  door.post('/restarts', async c => {
    requireJson(c.req.header('content-type'))
    const { track, times } = await checkBody(restarts, c)
    report.restarted(track, times)
    return c.body(null, 204)
  })
  return door
}
