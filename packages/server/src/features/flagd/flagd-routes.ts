/**
 * `GET /flagd/flags.json` for flagd and its in-process providers that poll a file over HTTP, and `GET /flagd/stream`,
 * which sends the same file with each change.
 */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { requestScope, requireKind } from '../../http/caller.ts'
import { eventIdOf, isKnownTag } from '../../http/etag.ts'
import { ChangeBroadcast } from '../../serving/change-broadcast.ts'
import { createRefusals } from '../../serving/refusals.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { FlagdFiles } from './flagd-file.ts'

export function useFlagd(api: Api, app: Application): void {
  const files = new FlagdFiles(createRefusals('flagd clients', app.log))
  const frameOf = (environment: ServedEnvironment): Buffer => files.of(environment).frame
  const broadcast = new ChangeBroadcast<ServedEnvironment>(app, 'flagd', {
    first: (environment, lastEventId) => (lastEventId === eventIdOf(environment) ? null : frameOf(environment)),
    change: frameOf,
  })
  const environmentOf = (c: HttpContext): Promise<ServedEnvironment> => {
    requireKind(c.get('caller'), ['sdk-server', 'admin'])
    return app.environments.of(requestScope(c))
  }

  api.get('/flagd/flags.json', async c => {
    const { body, etag } = files.of(await environmentOf(c))
    const headers = { etag, 'cache-control': 'no-cache' }
    if (isKnownTag(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
    return c.body(body, 200, { ...headers, 'content-type': 'application/json; charset=utf-8' })
  })

  api.get('/flagd/stream', async c => {
    const environment = await environmentOf(c)
    const { keyId } = c.get('caller')
    broadcast.join(environment, c.env.outgoing, { kind: 'server', keyId }, c.req.header('last-event-id') ?? null)
    return RESPONSE_ALREADY_SENT as never
  })
}
