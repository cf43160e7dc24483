import {
  actionRequestSchema,
  amendReleaseSchema,
  eventListQuerySchema,
  eventListSchema,
  type ReleaseEvent,
  releaseDetailSchema,
  releaseListQuerySchema,
  releaseListSchema,
  startReleaseSchema,
} from '@dankai/contract'
import type { Refusal } from '@dankai/core'
import type { ReleaseDetail } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { covers, requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { idParams, jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { prepareAmendment } from './amend-release.ts'
import { detailView, statusView, summaryView } from './release-view.ts'
import { startRelease } from './start-release.ts'

const people = ['admin', 'ci'] as const

const startRoute = createRoute({
  method: 'post',
  path: '/v1/releases',
  tags: ['releases'],
  summary: 'Start a release of an applied plan',
  request: { body: jsonBody(startReleaseSchema) },
  responses: { 201: jsonAnswer('Started.', releaseDetailSchema), ...problemAnswer },
})
const listRoute = createRoute({
  method: 'get',
  path: '/v1/releases',
  tags: ['releases'],
  summary: 'List releases, newest first',
  request: { query: releaseListQuerySchema },
  responses: { 200: jsonAnswer('A page of releases.', releaseListSchema), ...problemAnswer },
})
const getRoute = createRoute({
  method: 'get',
  path: '/v1/releases/{id}',
  tags: ['releases'],
  summary: 'What a release is doing, why, what it waits for and what comes next',
  request: { params: idParams },
  responses: { 200: jsonAnswer('The release.', releaseDetailSchema), ...problemAnswer },
})
const planRoute = createRoute({
  method: 'get',
  path: '/v1/releases/{id}/plan',
  tags: ['releases'],
  summary: 'The compiled plan that is pinned to a release',
  request: { params: idParams },
  responses: { 200: jsonAnswer('The plan, as data.', z.looseObject({ name: z.string() })), ...problemAnswer },
})
const eventsRoute = createRoute({
  method: 'get',
  path: '/v1/releases/{id}/events',
  tags: ['releases'],
  summary: 'What happened, oldest first',
  request: { params: idParams, query: eventListQuerySchema },
  responses: { 200: jsonAnswer('A page of events.', eventListSchema), ...problemAnswer },
})
const actRoute = createRoute({
  method: 'post',
  path: '/v1/releases/{id}/actions',
  tags: ['releases'],
  summary: 'Approve, confirm, report, promote, pause, roll back …',
  request: { params: idParams, body: jsonBody(actionRequestSchema) },
  responses: { 200: jsonAnswer('Done; the release as it stands now.', releaseDetailSchema), ...problemAnswer },
})

const amendRoute = createRoute({
  method: 'post',
  path: '/v1/releases/{id}/amend',
  tags: ['releases'],
  summary: 'Let a running release take over the criteria, rules and holds of the plan as it is applied now',
  request: { params: idParams, body: jsonBody(amendReleaseSchema) },
  responses: { 200: jsonAnswer('Amended; the release as it stands now.', releaseDetailSchema), ...problemAnswer },
})

export function useReleases(api: Api, app: Application): void {
  api.openapi(startRoute, async c => {
    requireKind(c.get('caller'), people)
    const id = await startRelease(app, requestScope(c), c.get('caller'), c.req.valid('json'))
    c.get('log').info({ releaseId: id, by: c.get('caller').name }, 'a release was started')
    return c.json(detailView(app.engine, await readRelease(app, c, id)), 201, { location: `/v1/releases/${id}` })
  })

  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), people)
    const { limit, cursor, plan, live } = c.req.valid('query')
    const page = await app.store.reader.list({
      ...requestScope(c),
      limit,
      after: cursor ?? null,
      ...(plan === undefined ? {} : { plan }),
      ...(live === undefined ? {} : { live: live === 'true' }),
    })
    return c.json({ items: page.items.map(item => summaryView(app.engine, item)), next: page.next }, 200)
  })

  api.openapi(getRoute, async c => {
    requireKind(c.get('caller'), people)
    const { id } = c.req.valid('param')
    return c.json(detailView(app.engine, await readRelease(app, c, id)), 200)
  })

  api.openapi(planRoute, async c => {
    requireKind(c.get('caller'), people)
    const { compiledPlan } = await readRelease(app, c, c.req.valid('param').id)
    const plan: { name: string; [key: string]: unknown } = { ...compiledPlan }
    return c.json(plan, 200)
  })

  api.openapi(eventsRoute, async c => {
    requireKind(c.get('caller'), people)
    const { id } = c.req.valid('param')
    const { since, limit } = c.req.valid('query')
    await readRelease(app, c, id)
    const events = await app.store.reader.events(id, since, limit)
    const last = events.length < limit ? undefined : events.at(-1)
    return c.json({ items: events as unknown as ReleaseEvent[], next: last?.seq ?? null }, 200)
  })

  api.openapi(actRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, people)
    const { id } = c.req.valid('param')
    const { why, expected, ...body } = c.req.valid('json')
    const release = await readRelease(app, c, id)
    const result = await app.engine.act(id, { by: caller.name, roles: caller.roles, why, expected, body })
    if (result === null) throw ended(release)
    if (!result.ok) throw refused(result.refusal, app, await readRelease(app, c, id))
    c.get('log').info({ releaseId: id, action: body.type, by: caller.name }, 'a person acted')
    const { project, environment } = release
    await app.store.audit.append({
      project,
      environment,
      by: caller.name,
      action: `${body.type} release`,
      subject: id,
      why,
      detail: { body },
    })
    return c.json(detailView(app.engine, await readRelease(app, c, id)), 200)
  })

  api.openapi(amendRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, people)
    const { id } = c.req.valid('param')
    const { why, expected } = c.req.valid('json')
    const release = await readRelease(app, c, id)
    if (expected !== null && expected.seq !== summaryView(app.engine, release).seq)
      throw movedOn(expected.seq, app, release)
    const amendment = await prepareAmendment(app, caller, release, why)
    const result = await app.engine.amend(id, amendment)
    if (result === null) throw ended(release)
    if (!result.ok) throw refused(result.refusal, app, await readRelease(app, c, id))
    c.get('log').info({ releaseId: id, by: caller.name, why }, 'a release was amended')
    const { project, environment } = release
    const detail = { changes: amendment.changes.slice(0, 100) }
    await app.store.audit.append({
      project,
      environment,
      by: caller.name,
      action: 'amend release',
      subject: id,
      why,
      detail,
    })
    return c.json(detailView(app.engine, await readRelease(app, c, id)), 200)
  })
}

/** A release in a place the key does not cover is as good as none. */
export async function readRelease(app: Application, c: HttpContext, id: string): Promise<ReleaseDetail> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
  const release = isId ? await app.store.reader.get(id) : null
  if (release !== null && covers(c.get('caller'), release)) return release
  throw new HttpProblem('not-found', `Cannot find release "${id}": found no such release. List them: GET /v1/releases.`)
}

function ended(release: ReleaseDetail): HttpProblem {
  return new HttpProblem(
    'not-possible',
    `Cannot act on release "${release.id}": found it ${release.stage}, expected a live one. Start a new release.`,
    { present: { seq: release.seq, status: statusView(release.status) } },
  )
}

function refused(refusal: Refusal, app: Application, release: ReleaseDetail): HttpProblem {
  const code = (
    { conflict: 'stale', 'not allowed': 'forbidden', 'not possible': 'not-possible', unknown: 'invalid' } as const
  )[refusal.code]
  const { seq, status } = summaryView(app.engine, release)
  return new HttpProblem(code, refusal.message, { present: { seq, status } })
}

function movedOn(seen: number, app: Application, release: ReleaseDetail): HttpProblem {
  const { seq, status } = summaryView(app.engine, release)
  return new HttpProblem(
    'stale',
    `Cannot amend release "${release.id}": found event ${seq}, expected event ${seen}, which you saw. Look at it again, then decide.`,
    { present: { seq, status } },
  )
}
