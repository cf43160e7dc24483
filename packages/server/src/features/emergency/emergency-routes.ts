import { randomUUID } from 'node:crypto'
import {
  type EmergencyRequest,
  type EmergencyResult,
  emergencyRequestSchema,
  emergencyResultSchema,
  scopeQuerySchema,
  stopsInForceSchema,
} from '@dankai/contract'
import { everywhere, type OverlayTarget, type Scope } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { type Stop, stopsIn } from '../../serving/served-flags.ts'
import { sdkForgottenAfterMs } from '../stream/stream-hub.ts'
import { type KeptStop, stopsMax } from './stop-book.ts'

/** How long the answer waits for SDKs; an SDK that is alive acknowledges within milliseconds. */
const acknowledgedWithinMs = 1_000
const lookAgainMs = 50
const silentNamedMax = 100
const namedInRefusalMax = 10
const liftedLookedAtMax = 200

const route = createRoute({
  method: 'post',
  path: '/v1/emergency',
  tags: ['emergency'],
  summary: 'Stop everything at once, or lift the stop',
  request: { query: scopeQuerySchema, body: jsonBody(emergencyRequestSchema) },
  responses: {
    200: jsonAnswer('Done. The answer says what is in force now, and who serves it.', emergencyResultSchema),
    ...problemAnswer,
  },
})

const listRoute = createRoute({
  method: 'get',
  path: '/v1/emergency',
  tags: ['emergency'],
  summary: 'What is stopped now, by whom and since when',
  request: { query: scopeQuerySchema },
  responses: { 200: jsonAnswer('The stops in force.', stopsInForceSchema), ...problemAnswer },
})

export function useEmergency(api: Api, app: Application): void {
  api.openapi(listRoute, c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const scope = requestScope(c, { allowsEverywhere: true })
    const stops = stopsIn(app.stops.active, scope).map(({ stops: target, id, project, environment, by, why, at }) => ({
      ...{ id, project, environment, target: textOf(target), by, why, at },
    }))
    return c.json({ stops }, 200)
  })

  const saidBefore = createSaidBefore(app)
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const scope = requestScope(c, { allowsEverywhere: true })
    const body = c.req.valid('json')
    const before = saidBefore.note(scope)
    const kept = body.stop ? await stop(app, scope, body, caller.name) : null
    if (kept === null) await lift(app, scope, body, caller.name)
    const stored = kept?.stored ?? 'database'
    const said = { ...scope, stop: body.stop, target: textOf(targetOf(body)) }
    app.metrics.emergencies.inc({ stored })
    c.get('log').warn({ ...said, id: kept?.stop.id, by: caller.name, why: body.why, stored }, 'emergency')
    const audited = audit(app, scope, body, caller.name)
    // The record must not hold the stop up: while the database is away there are the file and the log line.
    if (stored === 'database') await audited
    return c.json(await describe(app, scope, body, kept, before.read()), 200)
  })
}

async function stop(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<KeptStop> {
  const stops = targetOf(body)
  const id = body.id ?? randomUUID()
  const kept = await app.stops.stop({ ...scope, id, stops, by, why: body.why, at: app.now() })
  if (kept === null)
    throw new HttpProblem(
      'not-possible',
      `Cannot stop "${textOf(stops)}": found ${stopsMax} stops in force in environment "${scope.environment}" of project "${scope.project}", expected fewer. Stop everything, which is always possible: leave out the release and the flag.`,
    )
  if (kept.stored === 'database') await app.environments.refresh(scope)
  app.enforceStops()
  return kept
}

/** To lift all where none is in force is done already; a stop that is named and was never there is a mistake. */
async function lift(app: Application, scope: Scope, body: EmergencyRequest, by: string): Promise<void> {
  const isMeant = meantBy(body)
  const lifted = await app.stops.lift(stop => stopsIn([stop], scope).length > 0 && isMeant(stop), by, body.why)
  await app.environments.refresh(scope)
  if (lifted.length > 0 || !namesStop(body) || (await wasLifted(app, scope, isMeant))) return
  const inForce = stopsIn(app.stops.active, scope).map(({ id, stops }) => `${textOf(stops)} (id ${id})`)
  const shown = inForce.slice(0, namedInRefusalMax).join(', ') || 'nothing'
  throw new HttpProblem(
    'not-found',
    `Cannot lift the stop of "${body.id ?? textOf(targetOf(body))}": found none in environment "${scope.environment}" of project "${scope.project}", expected one. In force there: ${shown}.`,
  )
}

const namesStop = ({ id, release, flag }: EmergencyRequest): boolean => (id ?? release ?? flag) !== undefined

function meantBy(body: EmergencyRequest): (stop: Pick<Stop, 'id' | 'stops'>) => boolean {
  if (body.id !== undefined) return ({ id }) => id === body.id
  const target = textOf(targetOf(body))
  return namesStop(body) ? ({ stops }) => textOf(stops) === target : () => true
}

/** Asked of several instances, only the first that hears it has something to lift. */
async function wasLifted(app: Application, scope: Scope, isMeant: (stop: Stop) => boolean): Promise<boolean> {
  const places = [scope, { ...scope, environment: everywhere }, { project: everywhere, environment: everywhere }]
  for (const place of places) {
    const { items } = await app.store.overlays.list(place, { limit: liftedLookedAtMax })
    if (items.some(overlay => overlay.clearedAt !== null && isMeant(overlay))) return true
  }
  return false
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
  kept: KeptStop | null,
  before: Census,
): Promise<EmergencyResult> {
  const stored = kept?.stored ?? 'database'
  // Of the environment and not of a stream: this instance may have none while SDKs follow another.
  const version = app.environments.known(scope)?.version ?? 0
  // With the database every instance's SDKs can be asked for; without it only those connected here.
  const read =
    stored === 'database'
      ? () => reachedEverywhere(app, scope, version)
      : async () => reachedHere(app, scope, version, before)
  const { connected, silent } = await waitForSdks(app, read)
  const stops = stopsIn(app.stops.active, scope)
  return {
    stopped: stops.length > 0,
    id: kept?.stop.id ?? null,
    stops: stops.map(({ id, stops }) => ({ id, target: textOf(stops) })),
    version,
    stored,
    connected,
    acknowledged: connected - silent.length,
    silent: silent.slice(0, silentNamedMax).map(({ sdk, name }) => ({ sdk, name })),
    warning: warningOf(app, scope, request, kept),
  }
}

/** Said and not refused: nothing stands before a stop. */
function warningOf(app: Application, scope: Scope, request: EmergencyRequest, kept: KeptStop | null): string | null {
  if (kept === null) return null
  const warnings = [memoryWarning(kept), otherIdWarning(request, kept), unknownFlagWarning(app, scope, request)]
  return warnings.filter(warning => warning !== null).join(' ') || null
}

function memoryWarning({ stored }: KeptStop): string | null {
  return stored === 'memory'
    ? 'The stop is in force in the memory of one instance only: found no database and no file that can be written. Do not restart it before the database is back.'
    : null
}

function otherIdWarning({ id }: EmergencyRequest, { stop }: KeptStop): string | null {
  return id === undefined || id === stop.id
    ? null
    : `The stop is in force with id "${stop.id}": found "${id}" taken by a stop that was lifted or is another one, or the same stopped already. Draw a new id for each stop.`
}

/** The flag may be one that this instance has not read yet. */
function unknownFlagWarning(app: Application, scope: Scope, { flag }: EmergencyRequest): string | null {
  const environment = app.environments.known(scope)
  if (flag === undefined || environment?.isRead !== true) return null
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
