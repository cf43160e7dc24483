import { auditListSchema, auditQuerySchema } from '@dankai/contract'
import { everywhere, type Scope } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { askedScope, readScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, problemAnswer } from '../../http/route-parts.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/audit',
  tags: ['access'],
  summary: 'Who did what, newest first',
  request: { query: auditQuerySchema },
  responses: { 200: jsonAnswer('A page of entries.', auditListSchema), ...problemAnswer },
})

export function useAudit(api: Api, app: Application): void {
  api.openapi(route, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const { limit, cursor, subject } = c.req.valid('query')
    const asked = askedScope(c)
    const namesNone = asked.project === undefined && asked.environment === undefined
    // An admin of everything who names no place sees everything, the entries of keys and people included.
    const scope: Scope | null =
      caller.project === everywhere && namesNone ? null : readScope(asked, caller, { allowsEverywhere: true })
    const request = { limit, after: cursor ?? null, ...(subject === undefined ? {} : { subject }) }
    const page = await app.store.audit.list(scope, request)
    return c.json({ items: page.items.map(entry => ({ ...entry, detail: { ...entry.detail } })), next: page.next }, 200)
  })
}
