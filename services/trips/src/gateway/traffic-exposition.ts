import type { Track } from './route-user.ts'
import type { TrafficReport } from './traffic-report.ts'

/** How the two deployments are called where they run. */
const DEPLOYMENTS: Readonly<Record<Track, string>> = { stable: 'triptrip-api', canary: 'triptrip-api-canary' }
const SERVICE = 'triptrip-api'
const WINDOW_MS = 60_000
/** A minute at 100 requests a second; beyond it the percentile speaks of the newest ones. */
const DURATIONS_KEPT = 6_000

export interface TrafficExposition extends TrafficReport {
  /** Prometheus text format 0.0.4. */
  render(): string
}

interface Duration {
  readonly at: number
  readonly ms: number
}

interface TrackState {
  readonly requests: Map<string, number>
  readonly durations: Duration[]
  nextSlot: number
  healthCheckFailures: number
  restarts: number
}

/**
 * The same traffic for a scraper, under the names and tags that the dashboards of TripTrip use:
 * `triptrip.http.request.count` and `triptrip.http.request.duration.99percentile`, dots written as underscores.
 */
export function createTrafficExposition(now: () => number): TrafficExposition {
  const tracks: Readonly<Record<Track, TrackState>> = { stable: newState(), canary: newState() }
  return {
    served: ({ track, status, durationMs }) => {
      const { requests } = tracks[track]
      const statusClass = `${Math.floor(status / 100)}xx`
      requests.set(statusClass, (requests.get(statusClass) ?? 0) + 1)
      keepDuration(tracks[track], { at: now(), ms: durationMs })
    },
    probed: (track, isHealthy) => {
      tracks[track].healthCheckFailures += isHealthy ? 0 : 1
    },
    restarted: (track, times) => {
      tracks[track].restarts += times
    },
    render: () => renderTracks(tracks, now() - WINDOW_MS),
  }
}

/** Sends what happened to several reports. */
export function reportToAll(reports: readonly TrafficReport[]): TrafficReport {
  return {
    served: answer => {
      for (const report of reports) report.served(answer)
    },
    probed: (track, isHealthy) => {
      for (const report of reports) report.probed(track, isHealthy)
    },
    restarted: (track, times) => {
      for (const report of reports) report.restarted(track, times)
    },
  }
}

function newState(): TrackState {
  return { requests: new Map(), durations: [], nextSlot: 0, healthCheckFailures: 0, restarts: 0 }
}

function keepDuration(state: TrackState, duration: Duration): void {
  state.durations[state.nextSlot] = duration
  state.nextSlot = (state.nextSlot + 1) % DURATIONS_KEPT
}

function renderTracks(tracks: Readonly<Record<Track, TrackState>>, since: number): string {
  const each = (lines: (labels: string, state: TrackState) => readonly string[]) =>
    Object.entries(tracks).flatMap(([track, state]) => lines(labelsOf(track as Track), state))
  const lines = [
    '# TYPE triptrip_http_request_count counter',
    ...each((labels, { requests }) =>
      [...requests].map(
        ([statusClass, n]) => `triptrip_http_request_count{${labels},status_class="${statusClass}"} ${n}`,
      ),
    ),
    '# TYPE triptrip_http_request_duration_99percentile gauge',
    ...each((labels, { durations }) =>
      percentileLine(
        labels,
        durations.filter(({ at }) => at >= since),
      ),
    ),
    '# TYPE triptrip_health_check_failures_total counter',
    ...each((labels, { healthCheckFailures }) => [
      `triptrip_health_check_failures_total{${labels}} ${healthCheckFailures}`,
    ]),
    '# TYPE triptrip_container_restarts_total counter',
    ...each((labels, { restarts }) => [`triptrip_container_restarts_total{${labels}} ${restarts}`]),
  ]
  return `${lines.join('\n')}\n`
}

function labelsOf(track: Track): string {
  return `track="${track}",service="${SERVICE}",deployment="${DEPLOYMENTS[track]}"`
}

/** In milliseconds, over the last minute; a minute without traffic has no percentile, not one of zero. */
function percentileLine(labels: string, durations: readonly Duration[]): readonly string[] {
  if (durations.length === 0) return []
  const sorted = durations.map(({ ms }) => ms).sort((a, b) => a - b)
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]!
  return [`triptrip_http_request_duration_99percentile{${labels}} ${p99.toFixed(3)}`]
}
