/**
 * What LaunchDarkly's SDKs ask for: server SDKs get rules and evaluate, clients for browsers and telephones get values.
 * Browsers send their key in the path, telephones in the header.
 */
import { readLaunchDarklyContext } from '@dankai/flag-formats'
import type { EvaluationContext } from '@dankai/flags'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { audienceOf, requestScope, requireKind } from '../../http/caller.ts'
import { isKnownTag } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { parseJson, readJson } from '../../http/json-body.ts'
import type { ServedView } from '../../serving/served-view.ts'
import type { OpenedStream } from '../../streaming/protocol-streams.ts'
import { evaluatedFlags } from './evaluated-flags.ts'
import { createEventIntake } from './launchdarkly-events.ts'
import { LaunchDarklyHub } from './launchdarkly-hub.ts'

/** One transparent point, which is what a page expects of an image. */
const emptyImage = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

/** A context in a path; longer ones are sent as the body of REPORT. */
const contextTextMax = 16_384

const evaluators = ['sdk-server', 'admin'] as const
const readers = ['sdk-client', ...evaluators] as const

const forPages = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, REPORT, OPTIONS',
  // By name as well, for browsers that take the star for a name.
  'access-control-allow-headers':
    '*, Authorization, Cache-Control, Content-Type, X-LaunchDarkly-User-Agent, X-LaunchDarkly-Wrapper, X-LaunchDarkly-Tags, X-LaunchDarkly-Event-Schema, X-LaunchDarkly-Payload-ID',
  // Clients read the time of the server from it.
  'access-control-expose-headers': 'Date',
  'access-control-max-age': '300',
}

export function useLaunchDarklySdks(api: Api, app: Application): void {
  const hub = new LaunchDarklyHub(app)
  const events = createEventIntake(app)

  api.get('/launchdarkly/sdk/latest-all', async c => {
    requireKind(c.get('caller'), evaluators)
    const { environment, data } = await hub.feed(requestScope(c))
    const { etag } = environment
    if (isKnownTag(c.req.header('if-none-match'), etag)) return c.body(null, 304, { etag })
    return c.body(data, 200, { etag, 'content-type': 'application/json' })
  })

  api.get('/launchdarkly/all', async c => {
    requireKind(c.get('caller'), evaluators)
    const feed = await hub.feed(requestScope(c))
    hub.followRules(feed, c.env.outgoing, streamOf(c))
    return RESPONSE_ALREADY_SENT
  })

  api.post('/launchdarkly/bulk', async c => {
    requireKind(c.get('caller'), evaluators)
    await events.take(await viewFor(c), c.req.header('x-launchdarkly-payload-id'), await readJson(c))
    return c.body(null, 202)
  })
  api.post('/launchdarkly/diagnostic', c => c.body(null, 202))

  /** Read before the answer begins, so that a database that is away is a 503 and not an empty stream. */
  const viewFor = (c: HttpContext): Promise<ServedView> => {
    const caller = c.get('caller')
    requireKind(caller, readers)
    return app.environments.viewFor(audienceOf(caller), requestScope(c))
  }
  const values = async (c: HttpContext): Promise<Response> => {
    return c.json(evaluatedFlags(await viewFor(c), await contextIn(c), asksForReasons(c)), 200, forPages)
  }
  const follow = async (c: HttpContext): Promise<Response> => {
    const asked = { context: await contextIn(c), withReasons: asksForReasons(c) }
    hub.followValues(await viewFor(c), c.env.outgoing, streamOf(c, forPages), asked)
    return RESPONSE_ALREADY_SENT
  }
  const followPings = async (c: HttpContext): Promise<Response> => {
    hub.followPings(await viewFor(c), c.env.outgoing, streamOf(c, forPages))
    return RESPONSE_ALREADY_SENT
  }
  const takeEvents = async (c: HttpContext): Promise<Response> => {
    await events.take(await viewFor(c), c.req.header('x-launchdarkly-payload-id'), await readJson(c))
    return c.body(null, 202, forPages)
  }
  for (const prefix of ['sdk/evalx/:key', 'msdk/evalx'])
    for (const path of ['contexts/:context?', 'users/:context?', 'context', 'user'])
      api.on(['GET', 'REPORT'], `/launchdarkly/${prefix}/${path}`, values)
  for (const path of ['eval/:key/:context?', 'meval/:context?'])
    api.on(['GET', 'REPORT'], `/launchdarkly/${path}`, follow)
  for (const path of ['ping/:key', 'mping']) api.get(`/launchdarkly/${path}`, followPings)
  for (const path of ['events/bulk/:key', 'mobile', 'mobile/events', 'mobile/events/bulk'])
    api.post(`/launchdarkly/${path}`, takeEvents)
  for (const path of ['events/diagnostic/:key', 'mobile/events/diagnostic'])
    api.post(`/launchdarkly/${path}`, c => c.body(null, 202, forPages))
  // Old browsers may not send to another site, but load an image from there.
  api.get('/launchdarkly/a/:image', async c => {
    await events.take(await viewFor(c), undefined, eventsIn(c.req.query('d') ?? ''))
    return c.body(emptyImage, 200, { ...forPages, 'content-type': 'image/gif', 'cache-control': 'no-store' })
  })
  // Pages and clicks to count, which are not kept here.
  api.get('/launchdarkly/sdk/goals/:key', c => c.json([], 200, forPages))
  api.options('/launchdarkly/*', c => c.body(null, 204, forPages))
}

function streamOf(c: HttpContext, headers: Readonly<Record<string, string>> = {}): OpenedStream {
  const name = c.req.header('user-agent')?.slice(0, 200) ?? 'LaunchDarkly SDK'
  const caller = c.get('caller')
  return { name, kind: audienceOf(caller), keyId: caller.keyId, headers }
}

const asksForReasons = (c: HttpContext): boolean => c.req.query('withReasons') === 'true'

async function contextIn(c: HttpContext): Promise<EvaluationContext> {
  refuseHash(c.req.query('h'))
  const encoded = c.req.param('context') ?? ''
  const given = encoded === '' ? await readJson(c) : parseJson(decode(encoded))
  const read = readLaunchDarklyContext(given)
  if (read.ok) return read.context
  throw new HttpProblem('malformed', `Cannot evaluate flags: ${read.why}.`)
}

/** Whoever sends one believes that contexts of others are refused (secure mode), so it may not pass unread. */
function refuseHash(hash: string | undefined): void {
  if (hash === undefined) return
  throw new HttpProblem(
    'forbidden',
    'Cannot verify the hash of the context: found one, expected none, as Dankai keeps no key from which it could be made. Leave out the option "hash" (secure mode).',
  )
}

/** Both alphabets of base64 are in use. */
const fromBase64 = (encoded: string): string => Buffer.from(encoded, 'base64url').toString('utf8')

function decode(encoded: string): string {
  if (encoded.length <= contextTextMax) return fromBase64(encoded)
  throw new HttpProblem(
    'malformed',
    `Cannot read the context: found more than ${contextTextMax} characters. Use REPORT.`,
  )
}

/** Whoever asks for an image is not told what is wrong with its name. */
function eventsIn(encoded: string): unknown {
  try {
    return parseJson(fromBase64(encoded))
  } catch {
    return null
  }
}
