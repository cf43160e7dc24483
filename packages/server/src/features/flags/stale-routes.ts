import { flagPolicySchema, pageQuerySchema, scopeQuerySchema, staleFlagListSchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { readFlagPolicy, writeFlagPolicy } from './flag-policy.ts'
import { flagEditors } from './flag-routes.ts'
import { readEvaluationTimes } from './last-evaluated.ts'
import { assessStale, flagsOf, type StaleFlag } from './stale-flags.ts'

const staleRoute = createRoute({
  method: 'get',
  path: '/v1/flags/stale',
  tags: ['flags'],
  summary: 'Flags past their retention, that always serve one variant, or that nobody asks for; and the open tasks',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of stale flags by key.', staleFlagListSchema), ...problemAnswer },
})

const policyRoute = createRoute({
  method: 'get',
  path: '/v1/flag-policy',
  tags: ['flags'],
  summary: 'What this environment asks of its flags',
  request: { query: scopeQuerySchema },
  responses: { 200: jsonAnswer('The policy.', flagPolicySchema), ...problemAnswer },
})

const setPolicyRoute = createRoute({
  method: 'put',
  path: '/v1/flag-policy',
  tags: ['flags'],
  summary: 'Say whether an overdue flag blocks the next release of its service, and whom the stages of a flag mean',
  request: { query: scopeQuerySchema, body: jsonBody(flagPolicySchema) },
  responses: { 200: jsonAnswer('The policy as it stands now.', flagPolicySchema), ...problemAnswer },
})

/** Before the routes with a key: "stale" is no key. */
export function useStaleFlags(api: Api, app: Application): void {
  api.openapi(staleRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const { limit, cursor } = c.req.valid('query')
    const items: StaleFlag[] = []
    const now = app.now()
    const { lastEvaluated, watchedSince } = await readEvaluationTimes(app, scope)
    for await (const flag of flagsOf(app.store.flags, scope, cursor ?? null)) {
      const stale = assessStale(flag, now, lastEvaluated, watchedSince)
      if (stale !== null) items.push(stale)
      if (items.length > limit) break
    }
    const page = items.slice(0, limit)
    return c.json({ items: page, next: items.length > limit ? (page.at(-1)?.key ?? null) : null }, 200)
  })

  api.openapi(policyRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    return c.json(await readFlagPolicy(app.store.settings, requestScope(c)), 200)
  })

  api.openapi(setPolicyRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin'])
    const scope = requestScope(c)
    const policy = c.req.valid('json')
    await writeFlagPolicy(app.store.settings, scope, policy)
    const entry = { by: caller.name, action: 'set flag policy', subject: 'flag policy', why: null, detail: policy }
    await app.store.audit.append({ ...scope, ...entry })
    return c.json(policy, 200)
  })
}
