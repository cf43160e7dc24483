import {
  flagKeySchema,
  flagListSchema,
  flagViewSchema,
  pageQuerySchema,
  scopeQuerySchema,
  setFlagSchema,
} from '@dankai/contract'
import { defineFlag, type FlagDefinition } from '@dankai/flags'
import type { KeyKind } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { readFlagViews } from './flag-view.ts'
import { requireOrdinaryNames } from './ordinary-names.ts'
import { requireUnasked } from './prerequisite-refusals.ts'
import { careWith, readFlag, refusalOf, versionOf, writeFlag } from './write-flag.ts'

type SetFlag = z.infer<typeof setFlagSchema>

export const flagParams = z.object({ key: flagKeySchema })
export const ifMatch = z.object({
  'if-match': z.string().max(40).optional().describe('The version you saw, "12"; left out only for a new flag.'),
})
/** Clients in users' hands read flags where they are served, not what people know of them. */
export const flagReaders: readonly KeyKind[] = ['admin', 'ci', 'sdk-server']
export const flagEditors = ['admin', 'ci'] as const

const listRoute = createRoute({
  method: 'get',
  path: '/v1/flags',
  tags: ['flags'],
  summary: 'List flags by key',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of flags.', flagListSchema), ...problemAnswer },
})

const getRoute = createRoute({
  method: 'get',
  path: '/v1/flags/{key}',
  tags: ['flags'],
  summary: 'Read a flag',
  request: { params: flagParams, query: scopeQuerySchema },
  responses: { 200: jsonAnswer('The flag; ETag is its version.', flagViewSchema), ...problemAnswer },
})

const putRoute = createRoute({
  method: 'put',
  path: '/v1/flags/{key}',
  tags: ['flags'],
  summary: 'Make or replace a flag',
  request: { params: flagParams, query: scopeQuerySchema, headers: ifMatch, body: jsonBody(setFlagSchema) },
  responses: { 200: jsonAnswer('The flag as it stands now.', flagViewSchema), ...problemAnswer },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/flags/{key}',
  tags: ['flags'],
  summary: 'Remove a flag',
  request: {
    params: flagParams,
    query: z.object({ ...scopeQuerySchema.shape, why: z.string().min(1).max(2_000).optional() }),
    headers: ifMatch,
  },
  responses: { 204: { description: 'Gone.' }, ...problemAnswer },
})

export function useFlags(api: Api, app: Application): void {
  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), flagReaders)
    const { limit, cursor } = c.req.valid('query')
    const scope = requestScope(c)
    const page = await app.store.flags.list(scope, { limit, after: cursor ?? null })
    const view = await readFlagViews(app, scope)
    return c.json(
      {
        items: page.items.map(view),
        next: page.next,
      },
      200,
    )
  })

  api.openapi(getRoute, async c => {
    requireKind(c.get('caller'), flagReaders)
    const scope = requestScope(c)
    const flag = await readFlag(app, scope, c.req.valid('param').key)
    const view = await readFlagViews(app, scope)
    return c.json(view(flag), 200, {
      etag: `"${flag.version}"`,
    })
  })

  api.openapi(putRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const body = c.req.valid('json')
    requireOrdinaryNames(`flag "${key}"`, await c.req.json())
    const definition = definitionOf(key, body)
    const flag = await writeFlag(app, scope, {
      definition,
      ...(body.care === undefined
        ? {}
        : { care: careWith((await app.store.flags.get(scope, key))?.care ?? null, body.care, app.now()) }),
      expectedVersion: versionOf(c.req.valid('header')['if-match']),
      breakGlass: body.breakGlass,
      why: body.why,
      by: caller.name,
    })
    const view = await readFlagViews(app, scope)
    return c.json(view(flag), 200, {
      etag: `"${flag.version}"`,
    })
  })

  api.openapi(removeRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const why = c.req.valid('query').why ?? null
    const expectedVersion = versionOf(c.req.valid('header')['if-match'])
    await requireUnasked(app, scope, key)
    const result = await app.store.flags.remove({ ...scope, key, expectedVersion, by: caller.name, why })
    if (!result.ok) throw await refusalOf(app, scope, { key }, expectedVersion, result)
    const entry = { ...scope, by: caller.name, action: 'remove flag', subject: key, why, detail: {} }
    await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
    return c.body(null, 204)
  })
}

function definitionOf(key: string, { flag }: SetFlag): FlagDefinition {
  if (flag.key !== undefined && flag.key !== key)
    throw new HttpProblem(
      'invalid',
      `Cannot write flag "${key}": found key "${flag.key}" in the body, expected the same.`,
    )
  const given = Object.fromEntries(Object.entries(flag).filter(([, value]) => value !== undefined))
  return defineFlag({ ...(given as Partial<FlagDefinition>), key })
}
