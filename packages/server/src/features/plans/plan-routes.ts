import {
  applyDocumentsSchema,
  applyResultSchema,
  nameSchema,
  pageQuerySchema,
  planDetailSchema,
  planListSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import type { StoredDocument } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { prepareFlagDocuments } from '../flags/flag-documents.ts'
import { applyDocuments, planFacts, reviewFiles } from './plan-library.ts'

const applyRoute = createRoute({
  method: 'post',
  path: '/v1/plans',
  tags: ['plans'],
  summary: 'Apply plans and the documents they name',
  request: { query: scopeQuerySchema, body: jsonBody(applyDocumentsSchema) },
  responses: { 200: jsonAnswer('Applied, or with dryRun what would change.', applyResultSchema), ...problemAnswer },
})
const validateRoute = createRoute({
  method: 'post',
  path: '/v1/plans/validate',
  tags: ['plans'],
  summary: 'Check plans against what is applied, change nothing',
  request: { query: scopeQuerySchema, body: jsonBody(applyDocumentsSchema) },
  responses: {
    200: jsonAnswer('Whether they are right, with every problem and note.', applyResultSchema),
    ...problemAnswer,
  },
})
const listRoute = createRoute({
  method: 'get',
  path: '/v1/plans',
  tags: ['plans'],
  summary: 'List applied plans',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of plans.', planListSchema), ...problemAnswer },
})
const getRoute = createRoute({
  method: 'get',
  path: '/v1/plans/{name}',
  tags: ['plans'],
  summary: 'Read an applied plan as it was written',
  request: { params: z.object({ name: nameSchema }), query: scopeQuerySchema },
  responses: { 200: jsonAnswer('The plan.', planDetailSchema), ...problemAnswer },
})

export function usePlans(api: Api, app: Application): void {
  const { documents } = app.store

  api.openapi(applyRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['admin', 'ci'])
    const scope = requestScope(c)
    const { files, dryRun, why, locale } = c.req.valid('json')
    const review = await reviewFiles(files, documents, scope, locale)
    if (!review.ok && dryRun) return c.json({ ok: false, problems: review.problems, changes: [] }, 200)
    if (!review.ok) {
      const first = review.problems.find(({ severity }) => severity === 'error')
      const detail = first === undefined ? '' : `${first.file}:${first.line}:${first.column}: ${first.message}`
      throw new HttpProblem('invalid', `Cannot apply: ${detail}`.slice(0, 2_000), { problems: review.problems })
    }
    const flags = await prepareFlagDocuments(app, scope, review.documents)
    const changes = await applyDocuments(documents, scope, {
      documents: review.documents,
      by: caller.name,
      why,
      dryRun,
    })
    const changed = changes.filter(({ change }) => change !== 'unchanged')
    const changedFlags = dryRun ? [] : await flags.carryOut(caller.name, why)
    if (!dryRun && changed.length + changedFlags.length > 0) {
      const detail = {
        flags: changedFlags,
        documents: changed.map(({ kind, name, change, digest }) => ({ kind, name, change, digest })),
      }
      await app.store.audit.append({
        ...scope,
        by: caller.name,
        action: 'apply documents',
        subject: changed[0]?.name ?? changedFlags[0] ?? '',
        why,
        detail,
      })
    }
    return c.json({ ok: true, problems: review.problems, changes }, 200)
  })

  api.openapi(validateRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const { files, locale } = c.req.valid('json')
    const { ok, problems } = await reviewFiles(files, documents, requestScope(c), locale)
    return c.json({ ok, problems, changes: [] }, 200)
  })

  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const { limit, cursor } = c.req.valid('query')
    const page = await documents.list(requestScope(c), { kind: 'ReleasePlan', limit, after: cursor ?? null })
    return c.json({ items: page.items.map(summaryOf), next: page.next }, 200)
  })

  api.openapi(getRoute, async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const { name } = c.req.valid('param')
    const document = await documents.get(requestScope(c), 'ReleasePlan', name)
    if (document === null) throw unknownPlan(name)
    return c.json({ ...summaryOf(document), version: document.version, text: document.text }, 200)
  })
}

export const unknownPlan = (name: string): HttpProblem =>
  new HttpProblem(
    'not-found',
    `Cannot find plan "${name}": found no applied plan of that name. Apply it: dankai apply -f DIR.`,
  )

function summaryOf(document: StoredDocument) {
  const { digest, appliedAt, by } = document
  return { ...planFacts(document), digest, appliedAt, appliedBy: by }
}
