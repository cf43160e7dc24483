import { flagClientsSchema, scopeQuerySchema } from '@dankai/contract'
import { createRoute } from '@hono/zod-openapi'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { jsonAnswer, problemAnswer } from '../../http/route-parts.ts'
import { exporters } from './flag-formats.ts'
import { flagEditors, flagParams } from './flag-routes.ts'
import { readFlag } from './write-flag.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/flags/{key}/clients',
  tags: ['flags'],
  summary: 'Which clients that evaluate by themselves are given a flag, and why the others are not',
  request: { params: flagParams, query: scopeQuerySchema },
  responses: { 200: jsonAnswer('Each kind of client.', flagClientsSchema), ...problemAnswer },
})

/** Whoever asks the server is always given the true answer; these evaluate with formulas of their own. */
const evaluatingClients = ['launchdarkly', 'unleash', 'flagd'] as const

export function useFlagClients(api: Api, app: Application): void {
  api.openapi(route, async c => {
    requireKind(c.get('caller'), flagEditors)
    const scope = requestScope(c)
    const { key } = await readFlag(app, scope, c.req.valid('param').key)
    const definitions = (await app.environments.of(scope)).definitions()
    const clients = evaluatingClients.map(client => {
      const refusal = exporters[client]?.(definitions).leftOut.find(({ flag }) => flag === key)
      return { client, isServed: refusal === undefined, why: refusal?.why ?? null }
    })
    return c.json({ flag: key, clients }, 200)
  })
}
