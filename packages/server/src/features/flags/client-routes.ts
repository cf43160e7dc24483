import {
  flagClientsSchema,
  pageQuerySchema,
  scopeQuerySchema,
  sdkListSchema,
  servedClientsSchema,
} from '@dankai/contract'
import type { FlagDefinition } from '@dankai/flags'
import type { SdkInstance } from '@dankai/store'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, problemAnswer } from '../../http/route-parts.ts'
import { sdkForgottenAfterMs } from '../stream/stream-hub.ts'
import { exporters } from './flag-formats.ts'
import { flagEditors, flagParams } from './flag-routes.ts'
import { readFlag } from './write-flag.ts'

const flagRoute = createRoute({
  method: 'get',
  path: '/v1/flags/{key}/clients',
  tags: ['flags'],
  summary: 'Which clients that evaluate by themselves are given a flag, and why the others are not',
  request: { params: flagParams, query: scopeQuerySchema },
  responses: { 200: jsonAnswer('Each kind of client.', flagClientsSchema), ...problemAnswer },
})

const allRoute = createRoute({
  method: 'get',
  path: '/v1/flag-clients',
  tags: ['flags'],
  summary: 'How many SDKs serve the present flags, and which flags other clients are not given',
  request: { query: scopeQuerySchema },
  responses: { 200: jsonAnswer('Figures of all instances; flags by protocol.', servedClientsSchema), ...problemAnswer },
})

const sdksRoute = createRoute({
  method: 'get',
  path: '/v1/sdks',
  tags: ['flags'],
  summary: 'List the SDKs of an environment, and what each serves',
  request: { query: z.object({ ...pageQuerySchema.shape, ...scopeQuerySchema.shape }) },
  responses: { 200: jsonAnswer('A page of SDKs by their id.', sdkListSchema), ...problemAnswer },
})

/** Whoever asks the server is always given the true answer; these evaluate with formulas of their own. */
const evaluatingClients = ['launchdarkly', 'unleash', 'flagd'] as const
const refusedMax = 1_000

export function useFlagClients(api: Api, app: Application): void {
  api.openapi(flagRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const { key } = await readFlag(app, scope, c.req.valid('param').key)
    const definitions = (await app.environments.of(scope)).definitions()
    const strict = definitions.map(flag => (flag.key === key ? withoutPermission(flag) : flag))
    const clients = evaluatingClients.map(client => {
      const why = refusalBy(client, definitions, key)
      const ownBuckets = why === null && refusalBy(client, strict, key) !== null
      return { client, isServed: why === null, why, ownBuckets }
    })
    return c.json({ flag: key, clients }, 200)
  })

  api.openapi(allRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const environment = await app.environments.of(scope)
    const { version } = environment
    const { known, acknowledged } = await app.store.sdks.reach(scope, version, sdkForgottenAfterMs)
    const refused = evaluatingClients.map(client => {
      const leftOut = (exporters[client]?.(environment.definitions()).leftOut ?? []).toSorted(byFlag)
      return { client, flags: leftOut.slice(0, refusedMax).map(one => ({ ...one })), more: leftOut.length > refusedMax }
    })
    return c.json({ version, known, acknowledged, refused }, 200)
  })

  api.openapi(sdksRoute, async c => {
    requireKind(c.get('caller'), flagEditors)
    const { limit, cursor } = c.req.valid('query')
    const page = await app.store.sdks.list(requestScope(c), { limit, after: cursor ?? null })
    return c.json({ items: page.items.map(sdkOf), next: page.next }, 200)
  })
}

type EvaluatingClient = (typeof evaluatingClients)[number]

function refusalBy(client: EvaluatingClient, definitions: readonly FlagDefinition[], key: string): string | null {
  return exporters[client]?.(definitions).leftOut.find(({ flag }) => flag === key)?.why ?? null
}

function withoutPermission({ otherBuckets: _permitted, ...flag }: FlagDefinition): FlagDefinition {
  return flag
}

const byFlag = (one: { readonly flag: string }, other: { readonly flag: string }): number =>
  one.flag < other.flag ? -1 : 1

function sdkOf({ project: _project, environment: _environment, ...sdk }: SdkInstance) {
  return sdk
}
