import {
  flagKeySchema,
  flagListSchema,
  flagViewSchema,
  pageQuerySchema,
  scopeQuerySchema,
  setFlagSchema,
} from '@dankai/contract'
import { checkFlag, defineFlag, type FlagDefinition } from '@dankai/flags'
import type { Scope, StoredFlag } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'

type FlagView = z.infer<typeof flagViewSchema>
type SetFlag = z.infer<typeof setFlagSchema>

const params = z.object({ key: flagKeySchema })
const ifMatch = z.object({
  'if-match': z.string().max(40).optional().describe('The version you saw, "12"; left out only for a new flag.'),
})
const editors = ['admin', 'ci'] as const

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
  request: { params, query: scopeQuerySchema },
  responses: { 200: jsonAnswer('The flag; ETag is its version.', flagViewSchema), ...problemAnswer },
})

const putRoute = createRoute({
  method: 'put',
  path: '/v1/flags/{key}',
  tags: ['flags'],
  summary: 'Make or replace a flag',
  request: { params, query: scopeQuerySchema, headers: ifMatch, body: jsonBody(setFlagSchema) },
  responses: { 200: jsonAnswer('The flag as it stands now.', flagViewSchema), ...problemAnswer },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/flags/{key}',
  tags: ['flags'],
  summary: 'Remove a flag',
  request: { params, query: scopeQuerySchema, headers: ifMatch },
  responses: { 204: { description: 'Gone.' }, ...problemAnswer },
})

export function useFlags(api: Api, app: Application): void {
  api.openapi(listRoute, async c => {
    const { limit, cursor } = c.req.valid('query')
    const page = await app.store.flags.list(requestScope(c), { limit, after: cursor ?? null })
    return c.json({ items: page.items.map(viewOf), next: page.next }, 200)
  })

  api.openapi(getRoute, async c => {
    const { key } = c.req.valid('param')
    const flag = await app.store.flags.get(requestScope(c), key)
    if (flag === null) throw unknownFlag(key)
    return c.json(viewOf(flag), 200, { etag: `"${flag.version}"` })
  })

  api.openapi(putRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, editors)
    const scope = requestScope(c)
    const body = c.req.valid('json')
    const definition = definitionOf(c.req.valid('param').key, body)
    const expectedVersion = versionOf(c.req.valid('header')['if-match'])
    const flag = await putFlag(app, scope, definition, expectedVersion, body, caller.name)
    return c.json(viewOf(flag), 200, { etag: `"${flag.version}"` })
  })

  api.openapi(removeRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, editors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const expectedVersion = versionOf(c.req.valid('header')['if-match'])
    const removal = { ...scope, key, expectedVersion, by: caller.name, why: null }
    const result = await app.store.flags.remove(removal)
    if (!result.ok) throw refusal(key, result)
    await app.store.audit.append({
      ...scope,
      by: caller.name,
      action: 'remove flag',
      subject: key,
      why: null,
      detail: {},
    })
    await app.environments.refresh(scope)
    return c.body(null, 204)
  })
}

function definitionOf(key: string, { flag, breakGlass, why }: SetFlag): FlagDefinition {
  if (breakGlass && why === null)
    throw new HttpProblem(
      'invalid',
      `Cannot break the glass over flag "${key}": found no reason, expected one in "why".`,
    )
  if (flag.key !== undefined && flag.key !== key)
    throw new HttpProblem(
      'invalid',
      `Cannot write flag "${key}": found key "${flag.key}" in the body, expected the same.`,
    )
  const given = Object.fromEntries(Object.entries(flag).filter(([, value]) => value !== undefined))
  const definition = defineFlag({ ...(given as Partial<FlagDefinition>), key })
  const problems = checkFlag(definition)
  if (problems.length > 0)
    throw new HttpProblem('invalid', problems[0]?.message ?? '', { errors: problems.slice(0, 100) })
  return definition
}

async function putFlag(
  app: Application,
  scope: Scope,
  definition: FlagDefinition,
  expectedVersion: number,
  { breakGlass, why }: SetFlag,
  by: string,
): Promise<StoredFlag> {
  const result = await app.store.flags.put({ ...scope, definition, expectedVersion, by, why, breakGlass })
  if (!result.ok) throw refusal(definition.key, result)
  const action = breakGlass && result.flag.heldBy !== null ? 'break glass over flag' : 'set flag'
  const detail = { version: result.flag.version, heldBy: result.flag.heldBy }
  const entry = { ...scope, by, action, subject: definition.key, why, detail }
  await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
  return result.flag
}

type Refused = Exclude<Awaited<ReturnType<Application['store']['flags']['put']>>, { ok: true }>

function refusal(key: string, result: Refused): HttpProblem {
  if (result.code === 'held')
    return new HttpProblem(
      'claimed',
      `Cannot change flag "${key}": found it moved by live release ${result.releaseId}, expected it free. Act on the release, or send breakGlass and why.`,
      { release: result.releaseId },
    )
  const { present } = result
  if (present === null)
    return new HttpProblem(
      'conflict',
      `Cannot change flag "${key}": found no such flag, expected the version you named.`,
      {
        present: null,
      },
    )
  return new HttpProblem(
    'conflict',
    `Cannot change flag "${key}": found version ${present.version}, expected the one you saw. Read it again and send If-Match: "${present.version}".`,
    { present: viewOf(present) },
    { etag: `"${present.version}"` },
  )
}

const unknownFlag = (key: string): HttpProblem =>
  new HttpProblem('not-found', `Cannot find flag "${key}": found no such flag in this environment.`)

/** Without If-Match the flag must not exist yet. */
function versionOf(header: string | undefined): number {
  if (header === undefined) return 0
  const version = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim())?.[1]
  if (version === undefined)
    throw new HttpProblem('malformed', `Cannot read If-Match ${header.slice(0, 40)}: expected a version such as "12".`)
  return Number(version)
}

function viewOf({ definition, heldBy }: StoredFlag): FlagView {
  // The definition is readonly all through; JSON makes no difference.
  return { flag: definition as unknown as FlagView['flag'], claimedBy: heldBy }
}
