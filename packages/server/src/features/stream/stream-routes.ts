import { acknowledgementSchema, goodbyeSchema } from '@dankai/contract'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { audienceOf, requestScope, requireKind } from '../../http/caller.ts'
import { isKnownTag } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { jsonAnswer, jsonBody, problemAnswer } from '../../http/route-parts.ts'

const streamRoute = createRoute({
  method: 'get',
  path: '/v1/stream',
  tags: ['sdk'],
  summary: 'Follow the flags of an environment as server-sent events',
  request: {
    headers: z.object({
      'dankai-sdk': z.string().max(300).optional().describe('INSTANCE-UUID; name=NAME'),
      'last-event-id': z.string().max(20).optional().describe('Version to go on from.'),
    }),
  },
  responses: {
    200: {
      description:
        'Events: flags (the full set), change, version (of a flag that this key does not read), ping (after 3 s without another).',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...problemAnswer,
  },
})

const acknowledgeRoute = createRoute({
  method: 'post',
  path: '/v1/acknowledgements',
  tags: ['sdk'],
  summary: 'Say which version of the flags an SDK serves',
  request: { body: jsonBody(acknowledgementSchema) },
  responses: { 202: { description: 'Heard.' }, ...problemAnswer },
})

const goodbyeRoute = createRoute({
  method: 'post',
  path: '/v1/acknowledgements/goodbye',
  tags: ['sdk'],
  summary: 'Say that an SDK has ended, so that nobody waits for it',
  request: { body: jsonBody(goodbyeSchema) },
  responses: { 202: { description: 'Forgotten.' }, ...problemAnswer },
})

const bootstrapRoute = createRoute({
  method: 'get',
  path: '/v1/bootstrap',
  tags: ['sdk'],
  summary: 'The flags an SDK may begin with while Dankai cannot be reached',
  responses: {
    200: jsonAnswer('What the stream begins with.', z.object({ version: z.int(), flags: z.array(z.unknown()) })),
    304: { description: 'As the tag says.' },
    ...problemAnswer,
  },
})

export function useStream(api: Api, app: Application): void {
  const streams = app.streams.protocol('dankai', { isBeaten: false })

  api.openapi(streamRoute, async c => {
    const caller = c.get('caller')
    requireKind(caller, ['sdk-server', 'sdk-client', 'admin'])
    const scope = requestScope(c)
    const { 'dankai-sdk': header, 'last-event-id': lastEventId } = c.req.valid('header')
    const { sdk, name } = parseSdkHeader(header)
    const lastVersion = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : null
    const stream = { sdk, name, kind: audienceOf(caller), keyId: caller.keyId }
    await app.hub.connect(scope, stream.kind, lastVersion, onEnd => streams.open(c.env.outgoing, stream, onEnd))
    return RESPONSE_ALREADY_SENT as never
  })

  api.openapi(acknowledgeRoute, c => {
    requireKind(c.get('caller'), ['sdk-server', 'sdk-client', 'admin'])
    app.hub.acknowledge(requestScope(c), c.req.valid('json'))
    return c.body(null, 202)
  })

  api.openapi(bootstrapRoute, async c => {
    requireKind(c.get('caller'), ['sdk-server', 'sdk-client', 'admin'])
    const view = await app.environments.viewFor(audienceOf(c.get('caller')), requestScope(c))
    const { version, etag } = view
    c.header('etag', etag)
    if (isKnownTag(c.req.header('if-none-match'), etag)) return c.body(null, 304)
    return c.json({ version, flags: [...view.definitions()] }, 200)
  })

  api.openapi(goodbyeRoute, async c => {
    requireKind(c.get('caller'), ['sdk-server', 'sdk-client', 'admin'])
    await app.hub.sayGoodbye(requestScope(c), c.req.valid('json').sdk)
    return c.body(null, 202)
  })
}

/** `<instance uuid>; name=<name>`. The id must be the SDK's own, or acknowledgements could not be told apart. */
export function parseSdkHeader(header: string | undefined): { readonly sdk: string; readonly name: string } {
  const [sdk = '', ...parameters] = (header ?? '').split(';').map(part => part.trim())
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(sdk))
    throw new HttpProblem(
      'malformed',
      `Cannot open the stream: found header Dankai-Sdk "${(header ?? '').slice(0, 60)}", expected "UUID; name=NAME".`,
    )
  const name = parameters.find(parameter => parameter.startsWith('name='))?.slice('name='.length) ?? ''
  return { sdk: sdk.toLowerCase(), name: decodeName(name).slice(0, 200) || 'unnamed' }
}

/** Header values are Latin-1; an SDK may percent-encode a name outside it. */
function decodeName(name: string): string {
  const bare = name.replace(/^"(.*)"$/, '$1')
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}
