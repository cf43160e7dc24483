import {
  flagChangeListSchema,
  flagChangeSchema,
  pageQuerySchema,
  planFlagChangeSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import type { FlagDefinition } from '@dankai/flags'
import { type FlagChange, plannedChangesMax } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { flagEditors, flagParams } from './flag-routes.ts'
import { requireOrdinaryNames } from './ordinary-names.ts'
import { patchFlag } from './planned-change.ts'
import { requireNoCircle } from './prerequisite-refusals.ts'
import { readFlag, requireSound } from './write-flag.ts'

type ChangeView = z.infer<typeof flagChangeSchema>

const listRoute = createRoute({
  method: 'get',
  path: '/v1/flag-changes',
  tags: ['flags'],
  summary: 'Planned changes of flags and what became of them, newest first',
  request: {
    query: z.object({
      ...pageQuerySchema.shape,
      ...scopeQuerySchema.shape,
      flag: z.string().min(1).max(256).optional().describe('Only of this flag.'),
    }),
  },
  responses: { 200: jsonAnswer('A page of planned changes.', flagChangeListSchema), ...problemAnswer },
})

const planRoute = createRoute({
  method: 'post',
  path: '/v1/flags/{key}/changes',
  tags: ['flags'],
  summary: 'Plan a change of a flag for a time',
  request: { params: flagParams, query: scopeQuerySchema, body: jsonBody(planFlagChangeSchema) },
  responses: { 201: jsonAnswer('Planned.', flagChangeSchema), ...problemAnswer },
})

const cancelRoute = createRoute({
  method: 'delete',
  path: '/v1/flag-changes/{id}',
  tags: ['flags'],
  summary: 'Cancel a planned change',
  request: { params: z.object({ id: z.uuid() }), query: scopeQuerySchema },
  responses: { 200: jsonAnswer('Cancelled.', flagChangeSchema), ...problemAnswer },
})

export function useFlagSchedule(api: Api, app: Application): void {
  const { flagChanges } = app.store

  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { limit, cursor, flag } = c.req.valid('query')
    if (cursor !== undefined && !z.uuid().safeParse(cursor).success)
      throw new HttpProblem('malformed', `Cannot read cursor "${cursor}": expected "next" of the page before.`)
    const request = { limit, after: cursor ?? null, ...(flag === undefined ? {} : { key: flag }) }
    const page = await flagChanges.list(requestScope(c), request)
    return c.json({ items: page.items.map(viewOf), next: page.next }, 200)
  })

  api.openapi(planRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const { at: asked, flag: fields, anyway, why } = c.req.valid('json')
    requireOrdinaryNames(`a planned change of flag "${key}"`, await c.req.json())
    const at = typeof asked === 'number' ? asked : Date.parse(asked)
    if (at <= app.now())
      throw new HttpProblem(
        'invalid',
        `Cannot plan a change of flag "${key}": found ${new Date(at).toISOString()}, expected a time to come. Change it now instead: dankai flags set ${key}.`,
      )
    const flag = await readFlag(app, scope, key)
    const patch = patchOf(key, fields)
    const planned = patchFlag(flag.definition, patch)
    requireSound(planned)
    await requireNoCircle(app, scope, planned)
    const change = await flagChanges.plan({
      ...{ ...scope, key, at, patch, seenVersion: flag.version, anyway },
      ...{ by: caller.name, why },
    })
    if (change === null)
      throw new HttpProblem(
        'not-possible',
        `Cannot plan a change of flag "${key}": found ${plannedChangesMax} planned already, expected fewer. Cancel one first.`,
      )
    const detail = { id: change.id, at, fields: Object.keys(patch) }
    await app.store.audit.append({ ...scope, by: caller.name, action: 'plan flag change', subject: key, why, detail })
    return c.json(viewOf(change), 201)
  })

  api.openapi(cancelRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { id } = c.req.valid('param')
    const cancelled = await flagChanges.cancel(scope, id, `by ${caller.name}`)
    if (cancelled === null)
      throw new HttpProblem('not-found', `Cannot cancel change "${id}": found no planned change of that id.`)
    const entry = { action: 'cancel flag change', subject: cancelled.key, why: null, detail: { id } }
    await app.store.audit.append({ ...scope, by: caller.name, ...entry })
    return c.json(viewOf(cancelled), 200)
  })
}

function patchOf(key: string, fields: Readonly<Record<string, unknown>>): Partial<FlagDefinition> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  if (given.some(([name]) => name === 'key'))
    throw new HttpProblem('invalid', `Cannot plan a change of flag "${key}": found "key", expected other fields.`)
  if (given.length === 0)
    throw new HttpProblem('invalid', `Cannot plan a change of flag "${key}": found no field, expected at least one.`)
  return Object.fromEntries(given) as Partial<FlagDefinition>
}

function viewOf({ patch, project: _project, environment: _environment, ...change }: FlagChange): ChangeView {
  return { ...change, flag: { ...patch } }
}
