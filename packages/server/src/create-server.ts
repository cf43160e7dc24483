/**
 * The composition root: store, engine, streams and HTTP as one thing that starts and stops.
 *
 *  starting ─▶ running ─▶ stopping ─▶ stopped
 *
 *  1. What started is stopped in reverse, also when a later part fails to start.
 *  2. `stop` may be called any number of times, from anywhere; every call waits for the same end.
 *  3. New requests are refused first; then streams end, the engine gives its leases back, and the store closes last.
 */
import { randomUUID } from 'node:crypto'
import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createEngine, createSeriesTable, type Engine } from '@dankai/engine'
import type { Store } from '@dankai/store'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Application } from './application.ts'
import { openDatabaseClock } from './composition/database-clock.ts'
import { createHands, createRunners, supports, tellingFlags } from './composition/engine-parts.ts'
import { readFaults } from './composition/fault-injection.ts'
import { startHousekeeping } from './composition/housekeeping.ts'
import { openStore } from './composition/open-store.ts'
import { createStoredConnections } from './composition/stored-connections.ts'
import { createStoredTemplates } from './composition/stored-templates.ts'
import { createStopEnforcer } from './features/emergency/enforce-stops.ts'
import { openStopBook } from './features/emergency/stop-book.ts'
import { createStopFile } from './features/emergency/stop-file.ts'
import { startFlagTasks } from './features/flags/flag-tasks.ts'
import { startPlannedFlagChanges } from './features/flags/planned-flag-changes.ts'
import { createIngest } from './features/samples/ingest.ts'
import { StreamHub } from './features/stream/stream-hub.ts'
import { createAuthenticator } from './http/authenticator.ts'
import { createLogger, type Logger } from './http/log.ts'
import { createMetrics } from './http/metrics.ts'
import { createRoutes, type Route } from './routes.ts'
import { Environments } from './serving/environments.ts'
import { createFlagEvaluations } from './serving/flag-evaluations.ts'
import { createServedExposures } from './serving/served-exposures.ts'
import { isLoopback, type Settings } from './settings.ts'
import { StreamClients } from './streaming/stream-clients.ts'

export interface DankaiServer {
  readonly url: string
  readonly port: number
  /** The first admin key, when this start made it; shown once. */
  readonly firstAdminKey: string | null
  readonly store: Store
  readonly engine: Engine
  readonly routes: readonly Route[]
  stop(): Promise<void>
}

/** Long enough for a batch of samples to be written, short enough for whoever waits for the stop. */
const requestsEndWithinMs = 5_000
const httpLimits = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
}
/** A part that waits for a database that is away must not keep the others from stopping. */
const partStopsWithinMs = 10_000

export async function createServer(
  settings: Settings,
  log: Logger = createLogger(settings.logLevel),
): Promise<DankaiServer> {
  const undo: Undo[] = []
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopping ??= undoAll(undo, log)
    return stopping
  }
  try {
    return await startAll(settings, log, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

/** How a part is stopped again, and its name for the log. */
interface Undo {
  readonly part: string
  readonly stop: () => unknown
}

async function undoAll(undo: readonly Undo[], log: Logger): Promise<void> {
  for (const { part, stop } of undo.toReversed()) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not stopped within ${partStopsWithinMs} ms`)), partStopsWithinMs)
    })
    try {
      await Promise.race([stop(), late])
    } catch (error) {
      log.warn({ err: error, part }, 'a part did not stop cleanly')
    } finally {
      clearTimeout(timer)
    }
  }
}

async function startAll(
  settings: Settings,
  log: Logger,
  undo: Undo[],
  stop: () => Promise<void>,
): Promise<DankaiServer> {
  const { url, store, close } = await openStore(settings, log)
  undo.push({ part: 'store', stop: close })
  const clock = await openDatabaseClock(store.clock, log)
  undo.push({ part: 'clock', stop: () => clock.close() })
  const { now } = clock
  const firstAdmin = settings.adminKey === null ? await store.keys.createFirstAdmin('admin') : null

  const environments = new Environments(store.flags, log)
  undo.push({ part: 'environments', stop: () => environments.close() })
  const file = createStopFile(join(settings.dataDir, 'emergency-stops.json'))
  const stops = await openStopBook({ overlays: store.overlays, hints: store.hints, file, log })
  undo.push({ part: 'emergency stops', stop: () => stops.close() })
  stops.onChange(list => environments.setStops(list))
  const hub = new StreamHub(environments, store.sdks, log)

  const connections = createStoredConnections(store.connections, now)
  const templates = createStoredTemplates(store.documents)
  const flags = tellingFlags(store.flags, environments, log)
  const closing = new AbortController()
  const series = createSeriesTable({ log: store.samples })
  const engine: Engine = createEngine({
    store,
    clock: store.clock,
    observations: series,
    movers: createHands(store, flags, environments, log),
    runners: createRunners({
      store,
      flags,
      connections,
      templates,
      controlDatabaseUrl: url,
      log,
      closing: closing.signal,
      engine: () => engine,
    }),
    instance: randomUUID(),
    log,
    faults: readFaults(process.env['DANKAI_FAULT']),
  })
  undo.push({ part: 'engine', stop: () => engine.stop() })
  undo.push({ part: 'programs', stop: () => closing.abort() })
  undo.push({ part: 'hints', stop: store.hints.subscribe(hint => engine.hear(hint)) })
  engine.start()

  const enforcer = createStopEnforcer({ stops, reader: store.reader, engine, log })
  undo.push({ part: 'stop enforcer', stop: () => enforcer.close() })
  enforcer.now()
  const housekeeping = startHousekeeping(store, log)
  undo.push({ part: 'housekeeping', stop: () => housekeeping.close() })
  const evaluations = createFlagEvaluations(store.flagUsage, log)
  undo.push({ part: 'flag usage', stop: () => evaluations.close() })
  const servedExposures = createServedExposures({ store: store.exposures, now, log })
  undo.push({ part: 'served exposures', stop: () => servedExposures.close() })
  const flagTasks = startFlagTasks({ store, now, log })
  undo.push({ part: 'flag tasks', stop: () => flagTasks.close() })
  const plannedChanges = startPlannedFlagChanges({ store, environments, log })
  undo.push({ part: 'planned flag changes', stop: () => plannedChanges.close() })
  let requestsEnded: Promise<void> = Promise.resolve()
  undo.push({ part: 'HTTP', stop: () => requestsEnded })
  const streams = new StreamClients({ keys: store.keys, now, log, onInvalidKey: () => authenticator.forget() })
  undo.push({ part: 'streams', stop: () => streams.close() })
  undo.push({ part: 'stream of flags', stop: () => hub.close() })

  const isLocal = isLoopback(settings.host)
  const authenticator = createAuthenticator({
    keys: store.keys,
    adminKey: settings.adminKey,
    allowLocal: isLocal,
    now,
  })
  const ingest = createIngest({
    log: store.samples,
    handOn: batch => engine.ingestHint(batch.services.map(({ service }) => ({ ...batch, service }))),
    keepOffline({ services, ...batch }) {
      for (const { service, samples } of services) series.takeOffline({ ...batch, service, samples, receivedAt: now() })
    },
  })
  const metrics = createMetrics({
    streams: () => streams.figures,
    samplesWaiting: () => ingest.waiting,
    seriesRefused: () => ({ ...series.refusals }),
  })
  const closeListeners = new Set<() => void>()
  const app: Application = {
    settings,
    store,
    environments,
    evaluations,
    flushEvaluations: () => evaluations.flush(),
    servedExposures,
    hub,
    streams,
    ingest,
    stops,
    authenticator,
    metrics,
    log,
    now,
    engine,
    connections,
    templates,
    supports,
    enforceStops: () => enforcer.now(),
    onClose(listener) {
      closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
  }
  undo.push({
    part: 'timelines',
    stop() {
      for (const listener of closeListeners) listener()
    },
  })
  const routes = createRoutes(app, isLocal)
  const listener = getRequestListener((request, env) => routes.fetch(request, env as HttpBindings))
  const http = createHttpServer(httpLimits, (incoming, outgoing) => {
    if (!routes.direct(incoming, outgoing)) void listener(incoming, outgoing)
  })
  const port = await listen(http, settings)
  undo.push({
    part: 'new requests',
    stop() {
      requestsEnded = closeHttp(http)
    },
  })
  const address = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  return {
    url: `http://${address}:${port}`,
    port,
    firstAdminKey: firstAdmin?.secret ?? null,
    store,
    engine,
    routes: routes.list,
    stop,
  }
}

function listen(http: Server, { host, port }: Settings): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', error => {
      const { code } = error as NodeJS.ErrnoException
      const found = code === 'EADDRINUSE' ? 'the port in use' : (code ?? error.message)
      reject(
        new Error(
          `Cannot listen on ${host}:${port}: found ${found}, expected it free. Set DANKAI_PORT to another one.`,
        ),
      )
    })
    http.listen(port, host, () => resolve((http.address() as AddressInfo).port))
  })
}

function closeHttp(http: Server): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => http.closeAllConnections(), requestsEndWithinMs)
    http.close(() => {
      clearTimeout(timer)
      resolve()
    })
    http.closeIdleConnections()
  })
}
