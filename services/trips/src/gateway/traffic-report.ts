import type { MetricSink } from '../core/metric-sink.ts'
import type { Track } from './route-user.ts'

export interface TrafficReport {
  served(answer: {
    readonly track: Track
    readonly version: string
    readonly status: number
    readonly durationMs: number
  }): void
  probed(track: Track, isHealthy: boolean): void
  restarted(track: Track, times: number): void
}

/**
 * Reports what users were served, per track.
 *
 * 1. Failures and restarts are there from the first probe on, with zeros: nothing failed must differ from no data.
 * 2. A request is counted when it ends, with the status the user saw.
 */
export function createTrafficReport(sink: MetricSink, service: string): TrafficReport {
  return {
    served: ({ track, version, status, durationMs }) => {
      sink.count('http_requests', { service, track, version, status: `${status}` }, 1)
      sink.duration('http_duration', { service, track, version }, durationMs)
    },
    probed: (track, isHealthy) => {
      sink.count('health_check_failures', { service, track }, isHealthy ? 0 : 1)
      sink.count('container_restarts', { service, track }, 0)
    },
    restarted: (track, times) => sink.count('container_restarts', { service, track }, times),
  }
}
