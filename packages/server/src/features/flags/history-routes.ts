import {
  flagVersionListSchema,
  type flagVersionSchema,
  flagViewSchema,
  pageQuerySchema,
  restoreFlagSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import { completeFlag } from '@dankai/flags'
import type { FlagVersion } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { differenceOf } from './flag-difference.ts'
import { flagEditors, flagParams, ifMatch } from './flag-routes.ts'
import { readFlagViews } from './flag-view.ts'
import { unknownFlag, versionOf, writeFlag } from './write-flag.ts'

type VersionView = z.infer<typeof flagVersionSchema>

const historyRoute = createRoute({
  method: 'get',
  path: '/v1/flags/{key}/history',
  tags: ['flags'],
  summary: 'Every version of a flag, newest first, with who and why',
  request: { params: flagParams, query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of versions.', flagVersionListSchema), ...problemAnswer },
})

const restoreRoute = createRoute({
  method: 'post',
  path: '/v1/flags/{key}/restore',
  tags: ['flags'],
  summary: 'Make a flag what it was at a version; also one that was removed',
  request: { params: flagParams, query: scopeQuerySchema, headers: ifMatch, body: jsonBody(restoreFlagSchema) },
  responses: { 200: jsonAnswer('The flag as it stands now.', flagViewSchema), ...problemAnswer },
})

export function useFlagHistory(api: Api, app: Application): void {
  api.openapi(historyRoute, async c => {
    // Who did what and why concerns people; a browser's key is everybody's.
    requireKind(c.get('caller'), flagEditors)
    const { limit, cursor } = c.req.valid('query')
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
      throw new HttpProblem('malformed', `Cannot read cursor "${cursor}": expected "next" of the page before.`)
    const page = await app.store.flags.history(scope, key, { limit, after: cursor ?? null })
    if (page.items.length === 0 && cursor === undefined) throw unknownFlag(scope, key)
    const last = page.items.at(-1)
    // The first version of the next page is what the last one here changed.
    const [earlier = null] =
      page.next === null || last === undefined
        ? []
        : (await app.store.flags.history(scope, key, { limit: 1, after: String(last.version) })).items
    const items = page.items.map((version, index) => versionView(version, page.items[index + 1] ?? earlier))
    return c.json({ items, next: page.next }, 200)
  })

  api.openapi(restoreRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { key } = c.req.valid('param')
    const { version, breakGlass, why } = c.req.valid('json')
    const found = await app.store.flags.versionOf(scope, key, version)
    if (found?.definition == null)
      throw new HttpProblem(
        'not-found',
        `Cannot restore flag "${key}": found no version ${version} with a definition, expected one of its history. See it: dankai flags history ${key}.`,
      )
    const header = c.req.valid('header')['if-match']
    const flag = await writeFlag(app, scope, {
      definition: completeFlag(found.definition),
      ...(found.care === null ? {} : { care: found.care }),
      expectedVersion: header === undefined ? 0 : versionOf(header),
      breakGlass,
      why: why ?? `restore version ${version}`,
      by: caller.name,
      action: 'restore flag',
    })
    const view = await readFlagViews(app, scope)
    return c.json(view(flag), 200, {
      etag: `"${flag.version}"`,
    })
  })
}

function versionView({ version, definition, care, by, why, at }: FlagVersion, before: FlagVersion | null): VersionView {
  const flag = definition as unknown as VersionView['flag']
  const changes = [
    ...differenceOf(before?.definition ?? null, definition),
    ...(care === null || before?.care == null ? [] : differenceOf(before.care, care).map(line => `care.${line}`)),
  ]
  return { version, flag, care, by, why, at, changes: changes.slice(0, 100) }
}
