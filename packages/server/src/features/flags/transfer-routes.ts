import {
  exportResultSchema,
  flagFormats,
  flagKeySchema,
  importFlagsSchema,
  importResultSchema,
  scopeQuerySchema,
} from '@dankai/contract'
import type { FlagDefinition } from '@dankai/flags'
import type { Scope, StoredFlag } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'
import { changeFlag, type FlagChangeAbout, isAsWanted, requireAcceptable, type WantedFlag } from './change-flag.ts'
import { exporters, type FlagFormat, importers } from './flag-formats.ts'
import { flagEditors } from './flag-routes.ts'
import { definitionsByKey } from './prerequisite-refusals.ts'
import { flagsOf } from './stale-flags.ts'
import { careWith } from './write-flag.ts'

type ImportResult = z.infer<typeof importResultSchema>

const importRoute = createRoute({
  method: 'post',
  path: '/v1/flags/import',
  tags: ['flags'],
  summary: 'Take over what another flag system exported',
  request: { query: scopeQuerySchema, body: jsonBody(importFlagsSchema) },
  responses: { 200: jsonAnswer('What came in, and what did not, by name.', importResultSchema), ...problemAnswer },
})

const exportRoute = createRoute({
  method: 'get',
  path: '/v1/flags/export',
  tags: ['flags'],
  summary: 'Flags as another system reads them',
  request: { query: z.object({ ...scopeQuerySchema.shape, format: z.enum(flagFormats) }) },
  responses: {
    200: jsonAnswer('The flags, and those that format cannot follow.', exportResultSchema),
    ...problemAnswer,
  },
})

/** Before the routes with a key: "export" is no key. */
export function useFlagTransfer(api: Api, app: Application): void {
  api.openapi(importRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, flagEditors)
    const scope = requestScope(c)
    const { format, data, replace, dryRun, client, why } = c.req.valid('json')
    const importer = importers[format]
    if (importer === null) throw noSuchWay('import', format, importers)
    const { flags, notCarried, forClients } = importer(data)
    const result: ImportResult = { imported: [], unchanged: [], skipped: [], notCarried: [...notCarried] }
    const others = await definitionsByKey(app, scope)
    const about = { by: caller.name, why: why ?? 'imported', others, replace, dryRun }
    for (const definition of flags) {
      const isForClients = client ?? forClients?.includes(definition.key)
      const outcome = await importFlag(app, scope, definition, { ...about, client: isForClients })
      if (typeof outcome === 'string') result[outcome].push(definition.key)
      else result.skipped.push({ flag: definition.key, why: outcome.why })
    }
    if (!dryRun && result.imported.length > 0) {
      const detail = { format, imported: result.imported.slice(0, 1_000), notCarried: notCarried.length }
      const entry = { ...scope, by: caller.name, action: 'import flags', subject: format, why, detail }
      await Promise.all([app.environments.refresh(scope), app.store.audit.append(entry)])
    }
    return c.json(result, 200)
  })

  api.openapi(exportRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { format } = c.req.valid('query')
    const exporter = exporters[format]
    if (exporter === null) throw noSuchWay('export', format, exporters)
    const definitions: FlagDefinition[] = []
    const forClients: string[] = []
    for await (const { key, definition, care } of flagsOf(app.store.flags, requestScope(c))) {
      definitions.push(definition)
      if (care.client) forClients.push(key)
    }
    const { data, leftOut } = exporter(definitions, forClients)
    return c.json({ format, data, leftOut: [...leftOut] }, 200)
  })
}

function noSuchWay(what: string, format: FlagFormat, ways: Readonly<Record<FlagFormat, unknown>>): HttpProblem {
  const there = flagFormats.filter(name => ways[name] !== null).join(', ')
  return new HttpProblem(
    'invalid',
    `Cannot ${what} flags as "${format}": found a format without that way, expected one of ${there}. Choose another.`,
  )
}

interface ImportAbout extends FlagChangeAbout {
  readonly replace: boolean
  readonly dryRun: boolean
  /** Whether clients in users' hands read it; undefined: as it is. */
  readonly client: boolean | undefined
}

async function importFlag(
  app: Application,
  scope: Scope,
  definition: FlagDefinition,
  { replace, dryRun, client, ...about }: ImportAbout,
): Promise<'imported' | 'unchanged' | { readonly why: string }> {
  const { key } = definition
  if (!flagKeySchema.safeParse(key).success) return { why: 'a key that flags here cannot have' }
  const want = (present: StoredFlag | null): WantedFlag =>
    client === undefined ? { definition } : { definition, care: careWith(present?.care ?? null, { client }, app.now()) }
  const present = await app.store.flags.get(scope, key)
  if (isAsWanted(present, want(present))) return 'unchanged'
  if (present !== null && !replace) return { why: 'it is there already; give --replace to replace it' }
  if (present?.heldBy != null) return { why: `it is moved by live release ${present.heldBy}` }
  // Other systems have no such stop, so that every export of theirs would lift it.
  if (present?.definition.killed === true && !definition.killed)
    return { why: `it is killed; lift that first: dankai flags set ${key} --field killed=false` }
  try {
    requireAcceptable(definition, about.others)
    if (dryRun) {
      about.others.set(key, definition)
      return 'imported'
    }
    const result = await changeFlag(app, scope, key, want, about)
    return result.kind === 'held' || result.kind === 'conflict' ? { why: result.why } : 'imported'
  } catch (problem) {
    if (problem instanceof HttpProblem) return { why: problem.message }
    throw problem
  }
}
