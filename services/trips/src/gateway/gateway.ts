import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import { type Listening, listen } from '../http/listen.ts'
import { type ForwardOptions, forward, type Upstream } from './forward.ts'
import { type Health, startProbing } from './probe-health.ts'
import { type Route, routeUser, type Track, USER_COOKIE } from './route-user.ts'
import type { TrafficReport } from './traffic-report.ts'

export interface GatewayOptions {
  readonly port: number
  readonly hostname: string
  readonly upstreams: Readonly<Record<Track, URL>>
  readonly isCanaryUser: (userId: string) => boolean
  readonly report: TrafficReport
  readonly timings?: Partial<GatewayTimings>
}

export interface GatewayTimings {
  /** Above the 5 seconds at which latency is called degraded: slower answers must arrive to be measured. */
  readonly upstreamTimeoutMs: number
  readonly probeEveryMs: number
  readonly probeTimeoutMs: number
}

export interface Gateway extends Listening {
  health(): Readonly<Record<Track, Health>>
}

const DEFAULT_TIMINGS: GatewayTimings = { upstreamTimeoutMs: 10_000, probeEveryMs: 2_000, probeTimeoutMs: 1_000 }
const UPSTREAM_SOCKETS = 128
const USERS_CONNECTED_MAX = 2_000
/** Long, so that it is the user who closes: a connection closed while a request is on its way looks like an error. */
const USER_KEEP_ALIVE_MS = 65_000
const COOKIE_SECONDS = 365 * 86_400
const TRACKS: readonly Track[] = ['stable', 'canary']

/**
 * The gateway in front of the two versions of the API.
 *
 * 1. A user goes to one track, by the flag; the answer says which track and version served it.
 * 2. Whatever the user saw is counted on that track, also when the upstream is down or late.
 * 3. It never tries the other track instead: a failing canary must be seen failing.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const timings = { ...DEFAULT_TIMINGS, ...options.timings }
  const health: Record<Track, Health> = { stable: unknownHealth, canary: unknownHealth }
  const upstreams = { stable: upstreamOf(options.upstreams.stable), canary: upstreamOf(options.upstreams.canary) }
  const server = createServer((incoming, outgoing) => {
    const route = routeUser(incoming.headers, options.isCanaryUser)
    const versionNow = health[route.track].version ?? 'unknown'
    serve({
      incoming,
      outgoing,
      route,
      upstream: upstreams[route.track],
      versionNow,
      timeoutMs: timings.upstreamTimeoutMs,
      report: options.report,
    })
  })
  server.maxConnections = USERS_CONNECTED_MAX
  server.keepAliveTimeout = USER_KEEP_ALIVE_MS
  const listening = await listen(server, options)
  const probes = TRACKS.map(track =>
    startProbing({
      upstream: options.upstreams[track],
      everyMs: timings.probeEveryMs,
      timeoutMs: timings.probeTimeoutMs,
      onHealth: found => {
        health[track] = { isHealthy: found.isHealthy, version: found.version ?? health[track].version }
        options.report.probed(track, found.isHealthy)
      },
    }),
  )
  return {
    port: listening.port,
    health: () => ({ ...health }),
    close: async () => {
      for (const probe of probes) probe.stop()
      await listening.close()
      for (const track of TRACKS) upstreams[track].agent.destroy()
    },
  }
}

const unknownHealth: Health = { isHealthy: false, version: null }

function upstreamOf(url: URL): Upstream {
  return {
    hostname: url.hostname,
    port: Number(url.port || 80),
    agent: new Agent({ keepAlive: true, maxSockets: UPSTREAM_SOCKETS }),
  }
}

interface Served {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly route: Route
  readonly upstream: Upstream
  readonly versionNow: string
  readonly timeoutMs: number
  readonly report: TrafficReport
}

function serve({ incoming, outgoing, route, upstream, versionNow, timeoutMs, report }: Served): void {
  const startedAt = performance.now()
  let version = versionNow
  const responseHeaders: ForwardOptions['responseHeaders'] = fromUpstream => {
    version = versionOf(fromUpstream) ?? version
    return { 'x-served-track': route.track, 'x-served-version': version, ...cookieFor(route) }
  }
  const onEnd = (status: number) =>
    report.served({ track: route.track, version, status, durationMs: performance.now() - startedAt })
  forward(incoming, outgoing, {
    upstream,
    requestHeaders: requestHeadersFor(incoming, route),
    responseHeaders,
    timeoutMs,
    onEnd,
  })
}

function versionOf(headers: IncomingHttpHeaders | null): string | null {
  const found = headers?.['x-served-version']
  return typeof found === 'string' ? found : null
}

function requestHeadersFor(incoming: IncomingMessage, { userId }: Route): OutgoingHttpHeaders {
  return {
    'x-user-id': userId,
    'x-forwarded-for': incoming.socket.remoteAddress ?? 'unknown',
    'x-forwarded-proto': 'http',
  }
}

function cookieFor({ isNewUser, userId }: Route): OutgoingHttpHeaders {
  return isNewUser
    ? { 'set-cookie': `${USER_COOKIE}=${userId}; Path=/; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax` }
    : {}
}
