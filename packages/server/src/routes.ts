import type { HttpBindings } from '@hono/node-server'
import type { Application } from './application.ts'
import { useAudit } from './features/audit/audit-routes.ts'
import { useConnections } from './features/connections/connection-routes.ts'
import { useEmergency } from './features/emergency/emergency-routes.ts'
import { useExperiments } from './features/experiments/experiment-routes.ts'
import { useExposures } from './features/exposures/exposure-routes.ts'
import { useFlagd } from './features/flagd/flagd-routes.ts'
import { useFlagClients } from './features/flags/client-routes.ts'
import { useCohorts } from './features/flags/cohort-routes.ts'
import { useFlagEvaluations } from './features/flags/evaluation-routes.ts'
import { useFlags } from './features/flags/flag-routes.ts'
import { useFlagSets } from './features/flags/flag-set-routes.ts'
import { useFlagHistory } from './features/flags/history-routes.ts'
import { useFlagStages } from './features/flags/lifecycle-routes.ts'
import { useFlagSchedule } from './features/flags/schedule-routes.ts'
import { useStaleFlags } from './features/flags/stale-routes.ts'
import { useFlagTransfer } from './features/flags/transfer-routes.ts'
import { useHealth } from './features/health/health-routes.ts'
import { useKeys } from './features/keys/key-routes.ts'
import { launchDarklyProtocol } from './features/launchdarkly/launchdarkly-protocol.ts'
import { useLaunchDarkly } from './features/launchdarkly/launchdarkly-routes.ts'
import { createEvaluationListener } from './features/ofrep/evaluation-listener.ts'
import { createEventTickets } from './features/ofrep/event-ticket.ts'
import { ofrepProtocol } from './features/ofrep/ofrep-protocol.ts'
import { useOfrep } from './features/ofrep/ofrep-routes.ts'
import { useOtlp } from './features/otlp/otlp-routes.ts'
import { usePage } from './features/page/page-routes.ts'
import { usePlans } from './features/plans/plan-routes.ts'
import { useReleases } from './features/releases/release-routes.ts'
import { useTimeline } from './features/releases/timeline-routes.ts'
import { useSamples } from './features/samples/sample-routes.ts'
import { useStream } from './features/stream/stream-routes.ts'
import { unleashProtocol } from './features/unleash/unleash-protocol.ts'
import { useUnleash, useUnleashPages } from './features/unleash/unleash-routes.ts'
import { type Api, createApi } from './http/api.ts'
import type { DirectListener } from './http/direct-answer.ts'
import { useMiddleware } from './http/middleware.ts'
import type { Protocols } from './http/protocol.ts'

const protocols: Protocols = [launchDarklyProtocol, ofrepProtocol, unleashProtocol]

export interface Route {
  readonly method: string
  /** With names for what stands in their place: "/v1/flags/:key". */
  readonly path: string
}

export interface Routes {
  /** Those of the framework, once each. */
  readonly list: readonly Route[]
  /** Asked before all others. */
  readonly direct: DirectListener
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>
}

/** The whole HTTP API; one line a feature. */
export function createRoutes(app: Application, isLocal: boolean): Routes {
  const { log, metrics, authenticator } = app
  const api = createApi(log, protocols)
  useUnleashPages(api)
  useMiddleware(api, { log, metrics, authenticator, isLocal, protocols })
  useHealth(api, app)
  usePlans(api, app)
  useReleases(api, app)
  useTimeline(api, app)
  useStaleFlags(api, app)
  useFlagTransfer(api, app)
  useFlags(api, app)
  useFlagHistory(api, app)
  useFlagEvaluations(api, app)
  useFlagClients(api, app)
  useFlagSchedule(api, app)
  useFlagStages(api, app)
  useFlagSets(api, app)
  useCohorts(api, app)
  useExperiments(api, app)
  useStream(api, app)
  useSamples(api, app)
  useExposures(api, app)
  useOtlp(api, app)
  useEmergency(api, app)
  useLaunchDarkly(api, app)
  useFlagd(api, app)
  useUnleash(api, app)
  useConnections(api, app)
  useKeys(api, app)
  useAudit(api, app)
  usePage(api, app)
  api.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' })
  api.get('/openapi.json', c => c.json(describe(api)))
  const tickets = createEventTickets(app.settings.secretKey)
  const ofrep = createApi(log, protocols)
  useOfrep(ofrep, app, tickets)
  return {
    list: [api, ofrep].flatMap(routesOf),
    direct: createEvaluationListener(app, isLocal, tickets),
    fetch: (request, env) => (isOfrep(env) ? ofrep : api).fetch(request, env),
  }
}

/** Without what goes through every request. */
function routesOf({ routes }: Api): readonly Route[] {
  const served = routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
  return [...new Set(served)].map(route => {
    const [method = '', path = ''] = route.split(' ')
    return { method, path }
  })
}

/** It has keys of its own, so it goes through nothing that the others need. */
const isOfrep = ({ incoming }: HttpBindings): boolean => incoming.url?.startsWith('/ofrep/') === true

function describe(api: Api) {
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Dankai',
      version: '1',
      description: 'The release control plane. Errors are application/problem+json.',
    },
    security: [{ key: [] }],
  })
}
