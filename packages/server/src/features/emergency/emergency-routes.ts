import { randomUUID } from 'node:crypto'
import { emergencyRequestSchema, emergencyResultSchema } from '@dankai/contract'
import type { OverlayTarget, Scope } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { stopsIn } from '../stream/served-flags.ts'

type EmergencyRequest = z.infer<typeof emergencyRequestSchema>
type EmergencyResult = z.infer<typeof emergencyResultSchema>

/** How long the answer waits for SDKs; an SDK that is alive acknowledges within milliseconds. */
const acknowledgedWithinMs = 1_000
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
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const scope = requestScope(c)
    const body = c.req.valid('json')
    const before = app.hub.census(scope)
    const stored = body.stop ? await stop(app, scope, body, caller.name) : await lift(app, scope, body, caller.name)
    app.metrics.emergencies.inc({ stored })
    c.get('log').warn({ stop: body.stop, by: caller.name, why: body.why, stored }, 'emergency')
    await audit(app, scope, body, caller.name)
    return c.json(await describe(app, scope, body.stop, stored, before), 200)
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
  if (stored === 'database') await app.hub.refresh(scope)
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
  await app.hub.refresh(scope)
  return 'database'
}

function targetOf({ release, flag }: EmergencyRequest): OverlayTarget {
  if (release !== undefined) return { kind: 'release', releaseId: release }
  return flag === undefined ? { kind: 'everything' } : { kind: 'flag', key: flag }
}

/** The record of a stop must not hold the stop up: without the database there is the file and the log line. */
async function audit(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<void> {
  const action = body.stop ? 'emergency stop' : 'lift emergency stop'
  await app.store.audit
    .append({ ...scope, by, action, subject: JSON.stringify(targetOf(body)), why: body.why, detail: {} })
    .catch(error => app.log.error({ err: error }, 'cannot write the audit entry of an emergency'))
}

type Census = ReturnType<Application['hub']['census']>

async function describe(
  app: Application,
  scope: Scope,
  stopped: boolean,
  stored: 'database' | 'file',
  before: Census,
): Promise<EmergencyResult> {
  const { version } = await app.hub.feed(scope)
  const silent = await silentAfter(app, scope, version, before)
  const connected = app.hub.census(scope).size
  return {
    stopped,
    stops: stopsIn(app.stops.active, scope).map(({ id, stops }) => ({ id, target: textOf(stops) })),
    version,
    stored,
    connected,
    acknowledged: connected - silent.length,
    silent: silent.slice(0, silentNamedMax),
  }
}

function textOf(target: OverlayTarget): string {
  if (target.kind === 'everything') return 'everything'
  return target.kind === 'release' ? `release ${target.releaseId}` : `flag ${target.key}`
}

/** Waits until every SDK connected here has said that it serves what was just sent, or until time is up. */
function silentAfter(
  app: Application,
  scope: Scope,
  version: number,
  before: Census,
): Promise<{ sdk: string; name: string }[]> {
  const silentNow = (): { sdk: string; name: string }[] =>
    [...app.hub.census(scope)].flatMap(([sdk, { name, acknowledged }]) => {
      const earlier = before.get(sdk)?.acknowledged ?? null
      const news =
        acknowledged !== null &&
        (acknowledged.version > (earlier?.version ?? -1) || acknowledged.appliedAt !== earlier?.appliedAt)
      return news && acknowledged.version >= version ? [] : [{ sdk, name }]
    })
  return new Promise(resolve => {
    const finish = (): void => {
      clearTimeout(timer)
      unsubscribe()
      resolve(silentNow())
    }
    const timer = setTimeout(finish, acknowledgedWithinMs)
    const unsubscribe = app.hub.onAcknowledgement(() => {
      if (silentNow().length === 0) finish()
    })
    if (silentNow().length === 0) finish()
  })
}
