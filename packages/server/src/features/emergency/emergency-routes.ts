import { randomUUID } from 'node:crypto'
import { emergencyRequestSchema, emergencyResultSchema } from '@dankai/contract'
import type { OverlayTarget, Scope } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import { sdkForgottenAfterMs } from '../../composition/engine-parts.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { stopsIn } from '../../serving/served-flags.ts'

type EmergencyRequest = z.infer<typeof emergencyRequestSchema>
type EmergencyResult = z.infer<typeof emergencyResultSchema>

/** How long the answer waits for SDKs; an SDK that is alive acknowledges within milliseconds. */
const acknowledgedWithinMs = 1_000
const lookAgainMs = 50
const silentNamedMax = 100

const route = createRoute({
  method: 'post',
  path: '/v1/emergency',
  tags: ['emergency'],
  summary: 'Stop everything at once, or lift the stop',
  request: { body: jsonBody(emergencyRequestSchema) },
  responses: { 200: jsonAnswer('In force. The answer says who serves it.', emergencyResultSchema), ...problemAnswer },
})

export function useEmergency(api: Api, app: Application): void {
  const saidBefore = createSaidBefore(app)
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const scope = requestScope(c, { allowsEverywhere: true })
    const body = c.req.valid('json')
    const before = saidBefore.note(scope)
    const stored = body.stop ? await stop(app, scope, body, caller.name) : await lift(app, scope, body, caller.name)
    app.metrics.emergencies.inc({ stored })
    c.get('log').warn({ stop: body.stop, by: caller.name, why: body.why, stored }, 'emergency')
    const audited = audit(app, scope, body, caller.name)
    // The record must not hold the stop up: while the database is away there are the file and the log line.
    if (stored === 'database') await audited
    return c.json(await describe(app, scope, body, stored, before.read()), 200)
  })
}

async function stop(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<'database' | 'file'> {
  const stops = targetOf(body)
  const stored = await app.stops.stop({
    ...scope,
    id: body.id ?? randomUUID(),
    stops,
    by,
    why: body.why,
    at: app.now(),
  })
  if (stored === 'database') await app.environments.refresh(scope)
  app.enforceStops()
  return stored
}

async function lift(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<'database'> {
  const target = body.release === undefined && body.flag === undefined ? null : JSON.stringify(targetOf(body))
  const lifted = stopsIn(app.stops.active, scope).filter(({ id, stops }) =>
    body.id !== undefined ? id === body.id : target === null || JSON.stringify(stops) === target,
  )
  await app.stops.lift(
    lifted.map(({ id }) => id),
    by,
    body.why,
  )
  await app.environments.refresh(scope)
  return 'database'
}

function targetOf({ release, flag }: EmergencyRequest): OverlayTarget {
  if (release !== undefined) return { kind: 'release', releaseId: release }
  return flag === undefined ? { kind: 'everything' } : { kind: 'flag', key: flag }
}

async function audit(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<void> {
  const action = body.stop ? 'emergency stop' : 'lift emergency stop'
  await app.store.audit
    .append({ ...scope, by, action, subject: JSON.stringify(targetOf(body)), why: body.why, detail: {} })
    .catch(error => app.log.error({ err: error }, 'cannot write the audit entry of an emergency'))
}

type Census = ReturnType<Application['hub']['census']>

/**
 * What SDKs had said before the stop they are asked about. A stop that is posted again changes nothing, so that no SDK
 * says anything new: whoever has spoken since the one that changed what is served, has it.
 */
function createSaidBefore(app: Application) {
  const noted = new Map<string, Census>()
  return {
    note(scope: Scope) {
      const key = JSON.stringify([scope.project, scope.environment])
      const tag = app.environments.known(scope)?.etag
      const now = app.hub.census(scope)
      return {
        read(): Census {
          if (app.environments.known(scope)?.etag !== tag) noted.set(key, now)
          return noted.get(key) ?? new Map()
        },
      }
    },
  }
}

interface Reached {
  readonly connected: number
  readonly silent: readonly { readonly sdk: string; readonly name: string }[]
}

async function describe(
  app: Application,
  scope: Scope,
  request: EmergencyRequest,
  stored: 'database' | 'file',
  before: Census,
): Promise<EmergencyResult> {
  // Of the environment and not of a stream: this instance may have none while SDKs follow another.
  const version = app.environments.known(scope)?.version ?? 0
  // With the database every instance's SDKs can be asked for; without it only those connected here.
  const read =
    stored === 'database'
      ? () => reachedEverywhere(app, scope, version)
      : async () => reachedHere(app, scope, version, before)
  const { connected, silent } = await waitForSdks(app, read)
  return {
    stopped: request.stop,
    stops: stopsIn(app.stops.active, scope).map(({ id, stops }) => ({ id, target: textOf(stops) })),
    version,
    stored,
    connected,
    acknowledged: connected - silent.length,
    silent: silent.slice(0, silentNamedMax).map(({ sdk, name }) => ({ sdk, name })),
    warning: warningOf(app, scope, request),
  }
}

/** Said and not refused: nothing stands before a stop, and the flag may be one that this instance has not read yet. */
function warningOf(app: Application, scope: Scope, { stop: isStop, flag }: EmergencyRequest): string | null {
  const environment = app.environments.known(scope)
  if (!isStop || flag === undefined || environment?.isRead !== true) return null
  return environment.stored(flag) === undefined
    ? `Found no flag "${flag}" in environment "${scope.environment}" of project "${scope.project}": nobody is stopped by this. Check the key.`
    : null
}

async function reachedEverywhere(app: Application, scope: Scope, version: number): Promise<Reached> {
  const { known, silent } = await app.store.sdks.reach(scope, version, sdkForgottenAfterMs)
  return { connected: known, silent }
}

function reachedHere(app: Application, scope: Scope, version: number, before: Census): Reached {
  const census = [...app.hub.census(scope)]
  const silent = census.flatMap(([sdk, { name, acknowledged }]) => {
    const earlier = before.get(sdk)?.acknowledged ?? null
    // The stop came without a new version; an SDK that applied it says so with a new time.
    const isNews = acknowledged !== null && acknowledged.appliedAt !== earlier?.appliedAt
    return isNews && acknowledged.version >= version ? [] : [{ sdk, name }]
  })
  return { connected: census.length, silent }
}

function textOf(target: OverlayTarget): string {
  if (target.kind === 'everything') return 'everything'
  return target.kind === 'release' ? `release ${target.releaseId}` : `flag ${target.key}`
}

/** Reads until every SDK has said that it serves what was just sent, or until time is up. */
async function waitForSdks(app: Application, read: () => Promise<Reached>): Promise<Reached> {
  for (const startedAt = performance.now(); ; ) {
    const reached = await read()
    if (reached.silent.length === 0 || performance.now() - startedAt > acknowledgedWithinMs) return reached
    await anAcknowledgement(app)
  }
}

/** The next one heard here, or a moment in which another instance may have heard one. */
function anAcknowledgement(app: Application): Promise<void> {
  return new Promise(resolve => {
    const finish = (): void => {
      clearTimeout(timer)
      unsubscribe()
      resolve()
    }
    const timer = setTimeout(finish, lookAgainMs)
    const unsubscribe = app.hub.onAcknowledgement(finish)
  })
}
