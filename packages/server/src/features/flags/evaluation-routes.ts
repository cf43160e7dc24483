import { flagUsageSchema, scopeQuerySchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, problemAnswer } from '../../http/route-parts.ts'
import { flagEditors, flagParams } from './flag-routes.ts'
import { readFlag } from './write-flag.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/flags/{key}/evaluations',
  tags: ['flags'],
  summary: 'Who evaluates a flag, with which answer and when last',
  request: { params: flagParams, query: scopeQuerySchema },
  responses: {
    200: jsonAnswer('Newest first; other instances add theirs within half a minute.', flagUsageSchema),
    ...problemAnswer,
  },
})

export function useFlagEvaluations(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const { key } = await readFlag(app, scope, c.req.valid('param').key)
    await app.flushEvaluations()
    const [items, { since }] = await Promise.all([
      app.store.flagUsage.list(scope, key),
      app.store.flagUsage.last(scope),
    ])
    const uses = items.map(({ who, variant, count, lastAt }) => ({ who, variant, count, lastAt }))
    return c.json({ since, items: uses }, 200)
  })
}
