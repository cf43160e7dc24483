import {
  connectionListSchema,
  connectionSchema,
  nameSchema,
  pageQuerySchema,
  scopeQuerySchema,
  setConnectionSchema,
} from '@dankai/contract'
import type { Connection } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'

const params = z.object({ name: nameSchema })

const listRoute = createRoute({
  method: 'get',
  path: '/v1/connections',
  tags: ['connections'],
  summary: 'List connections, without secrets',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of connections.', connectionListSchema), ...problemAnswer },
})
const putRoute = createRoute({
  method: 'put',
  path: '/v1/connections/{name}',
  tags: ['connections'],
  summary: 'Make or replace a connection that plans may name',
  request: { params, query: scopeQuerySchema, body: jsonBody(setConnectionSchema) },
  responses: { 200: jsonAnswer('The connection; secrets are never shown.', connectionSchema), ...problemAnswer },
})
const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/connections/{name}',
  tags: ['connections'],
  summary: 'Remove a connection',
  request: { params, query: scopeQuerySchema },
  responses: { 204: { description: 'Gone.' }, ...problemAnswer },
})

export function useConnections(api: Api, app: Application): void {
  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const { limit, cursor } = c.req.valid('query')
    const page = await app.store.connections.list(requestScope(c), { limit, after: cursor ?? null })
    return c.json({ items: page.items.map(viewOf), next: page.next }, 200)
  })

  api.openapi(putRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin'])
    const scope = requestScope(c)
    const { name } = c.req.valid('param')
    const { kind, settings, secrets } = c.req.valid('json')
    const connection = await app.store.connections.put({
      ...scope,
      name,
      kind,
      settings,
      secrets: textsOf(secrets),
      by: caller.name,
    })
    app.connections.forget()
    const detail = { kind, secrets: secrets === null ? 'kept' : Object.keys(secrets) }
    await app.store.audit.append({
      ...scope,
      by: caller.name,
      action: 'set connection',
      subject: name,
      why: null,
      detail,
    })
    return c.json(viewOf(connection), 200)
  })

  api.openapi(removeRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin'])
    const scope = requestScope(c)
    const { name } = c.req.valid('param')
    if (!(await app.store.connections.remove(scope, name)))
      throw new HttpProblem('not-found', `Cannot remove connection "${name}": found no such connection.`)
    app.connections.forget()
    await app.store.audit.append({
      ...scope,
      by: caller.name,
      action: 'remove connection',
      subject: name,
      why: null,
      detail: {},
    })
    return c.body(null, 204)
  })
}

function textsOf(secrets: Readonly<Record<string, string | undefined>> | null): Record<string, string> | null {
  if (secrets === null) return null
  return Object.fromEntries(
    Object.entries(secrets).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function viewOf({ name, kind, settings, secretNames, version, changedAt, by }: Connection) {
  return { name, kind, settings: { ...settings }, secretNames: [...secretNames], version, changedAt, by }
}
