import {
  applyFlagSetSchema,
  flagSetResultSchema,
  nameSchema,
  pageQuerySchema,
  planFlagSetsListSchema,
  planFlagSetsSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import { type FlagSetValue, withFlagValue } from '@dankai/integrations'
import type { Scope, StoredFlag } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { unknownPlan } from '../plans/plan-routes.ts'
import { changeFlag, type FlagChangeAbout } from './change-flag.ts'
import { flagEditors } from './flag-routes.ts'
import { readPlanFlagSets } from './plan-flag-sets.ts'
import { definitionsByKey } from './prerequisite-refusals.ts'
import { requireReason } from './write-flag.ts'

type ApplyFlagSet = z.infer<typeof applyFlagSetSchema>

const listRoute = createRoute({
  method: 'get',
  path: '/v1/flag-sets',
  tags: ['flags'],
  summary: 'List the flag sets of the applied plans',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: {
    200: jsonAnswer('A page of plans, without those that have no set.', planFlagSetsListSchema),
    ...problemAnswer,
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/v1/flag-sets/{plan}',
  tags: ['flags'],
  summary: 'Read the flag sets of an applied plan',
  request: { params: z.object({ plan: nameSchema }), query: scopeQuerySchema },
  responses: { 200: jsonAnswer('Every set, and what each replaces.', planFlagSetsSchema), ...problemAnswer },
})

const applyRoute = createRoute({
  method: 'put',
  path: '/v1/flag-sets/apply',
  tags: ['flags'],
  summary: 'Set many flags at once: the initial or the emergency values',
  request: { query: scopeQuerySchema, body: jsonBody(applyFlagSetSchema) },
  responses: { 200: jsonAnswer('What became of each flag.', flagSetResultSchema), ...problemAnswer },
})

/** In an emergency as much as possible counts: one flag that cannot be set does not keep the others. */
export function useFlagSets(api: Api, app: Application): void {
  const { documents } = app.store

  api.openapi(listRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const { limit, cursor } = c.req.valid('query')
    const page = await documents.list(scope, { kind: 'ReleasePlan', limit, after: cursor ?? null })
    const items: z.infer<typeof planFlagSetsSchema>[] = []
    for (const { name } of page.items) {
      const found = await readPlanFlagSets(documents, scope, name)
      if (found !== null && (found.sets.length > 0 || found.problem !== null)) items.push(found)
    }
    return c.json({ items, next: page.next }, 200)
  })

  api.openapi(getRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { plan } = c.req.valid('param')
    const found = await readPlanFlagSets(documents, requestScope(c), plan)
    if (found === null) throw unknownPlan(plan)
    return c.json(found, 200)
  })

  api.openapi(applyRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const body = c.req.valid('json')
    const values = valuesOf(body)
    const result: z.infer<typeof flagSetResultSchema> = { changed: [], unchanged: [], refused: [] }
    const { breakGlass, why } = body
    const others = await definitionsByKey(app, scope)
    const about = { by: caller.name, why: why ?? 'flag set', others, breaksGlass: () => breakGlass }
    for (const [key, value] of values) {
      const outcome = await setValue(app, scope, key, value, about)
      if (outcome === 'changed' || outcome === 'unchanged') result[outcome].push(key)
      else result.refused.push({ key, why: outcome.why })
    }
    const detail = { ...result, breakGlass }
    const entry = { ...scope, by: caller.name, action: 'apply flag set', subject: 'flag set', why, detail }
    await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
    return c.json(result, 200)
  })
}

const flagsMax = 1_000

/** CB-03: a flag of the set's universe without a value is off. */
function valuesOf({ values, universe, breakGlass, why }: ApplyFlagSet): ReadonlyMap<string, FlagSetValue> {
  requireReason('of the set', breakGlass, why)
  const all = new Map<string, FlagSetValue>([...universe.map(key => [key, false] as const), ...Object.entries(values)])
  if (all.size > 0 && all.size <= flagsMax) return all
  throw new HttpProblem('invalid', `Cannot apply a flag set: found ${all.size} flags, expected 1 to ${flagsMax}.`)
}

async function setValue(
  app: Application,
  scope: Scope,
  key: string,
  value: FlagSetValue,
  about: FlagChangeAbout,
): Promise<'changed' | 'unchanged' | { readonly why: string }> {
  try {
    const want = (present: StoredFlag | null) => ({ definition: withFlagValue(key, present, value, null) })
    const result = await changeFlag(app, scope, key, want, about)
    return result.kind === 'changed' || result.kind === 'unchanged' ? result.kind : { why: result.why }
  } catch (problem) {
    if (problem instanceof HttpProblem) return { why: problem.message }
    throw problem
  }
}
