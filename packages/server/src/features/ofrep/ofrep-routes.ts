/**
 * `/ofrep/v1/evaluate/flags/{key}`, `/ofrep/v1/evaluate/flags` and `/ofrep/v1/events/{ticket}`: evaluation by the server,
 * for every OpenFeature provider of the protocol.
 *
 *  1. These are mounted apart from the API and its middleware: they are asked for every page and every request of others'
 *     services, and have their own key check, bounds and figures.
 *  2. A context is at most 256 KB, and so many bodies are read at once; beyond, providers hear 400 or 429.
 *  3. A tag stands for what is served and the context together, so 304 means that every value is as it was.
 */
import { hash } from 'node:crypto'
import type { EvaluationContext } from '@dankai/flags'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Application } from '../../application.ts'
import { allowAsking, allowPages } from '../../http/allow-pages.ts'
import type { Api, HttpContext } from '../../http/api.ts'
import { type Caller, type KeyKind, requireKind, scopeFor } from '../../http/caller.ts'
import { isKnownTag } from '../../http/etag.ts'
import { HttpProblem } from '../../http/http-problem.ts'
import { checkLocalRequest } from '../../http/local-request.ts'
import { ChangeBroadcast } from '../../serving/change-broadcast.ts'
import type { ServedEnvironment } from '../../serving/served-environment.ts'
import { eventFrame } from '../stream/event-frame.ts'
import { createEventTickets } from './event-ticket.ts'
import { type AnswerableFlag, answerableFlag, ofrepAnswer } from './ofrep-answer.ts'
import type { OfrepErrorCode } from './ofrep-protocol.ts'
import { readBody } from './read-body.ts'

/** A context that names a user and his device is below 2 kB; an object of a whole cart below 100. */
const bodyBytesMax = 262_144
const bodiesMax = 1_000
/** How long a hidden page keeps its stream. */
const inactivityDelaySec = 120

const plainHeaders = { 'content-type': 'application/json; charset=utf-8' }
const pageHeaders = { ...plainHeaders, ...allowPages }

/** Pages say where they are from; for all others the answer is shorter. */
const headersFor = ({ env }: HttpContext) => (env.incoming.headers.origin === undefined ? plainHeaders : pageHeaders)

export function useOfrep(api: Api, app: Application, isLocal: boolean): void {
  const tickets = createEventTickets(app.settings.secretKey)
  const broadcast = new ChangeBroadcast(app, { first: refetchFrame, change: refetchFrame })
  let bodies = 0

  // Headers are read from the request of Node: making a web object of them all costs more than an evaluation.
  const callerOf = async ({ env }: HttpContext): Promise<Caller> => {
    const { authorization, 'x-api-key': key, host, origin } = env.incoming.headers
    const given = authorization ?? (typeof key === 'string' ? `Bearer ${key}` : null)
    if (isLocal && given === null) checkLocalRequest(host ?? null, origin ?? null)
    const caller = await app.authenticator.authenticate(given)
    requireKind(caller, callerKinds)
    return caller
  }

  const read = async (c: HttpContext): Promise<string | null> => {
    if (bodies >= bodiesMax) throw tooBusy()
    bodies++
    try {
      return await readBody(c.env.incoming, bodyBytesMax)
    } finally {
      bodies--
    }
  }

  const environmentOf = (c: HttpContext, caller: Caller): ServedEnvironment | Promise<ServedEnvironment> => {
    const scope = scopeFor(caller, placesIn(c))
    const known = app.environments.known(scope)
    return known?.isRead ? known : app.environments.of(scope)
  }

  /** Their own, as the middleware that counts for the others is not theirs. */
  const observe = (route: string, startedAt: number, response: Response): Response => {
    app.metrics.requestSeconds.observe(
      { method: 'POST', route, status: response.status },
      (performance.now() - startedAt) / 1_000,
    )
    return response
  }

  api.options('/ofrep/v1/*', () => allowAsking('GET, POST, OPTIONS'))

  api.post('/ofrep/v1/evaluate/flags/:key', async c => {
    const startedAt = performance.now()
    const caller = await callerOf(c)
    const key = c.req.param('key')
    const context = contextIn(await read(c))
    if (typeof context === 'string') return observe(singlePath, startedAt, refusal(context, key))
    const environment = await environmentOf(c, caller)
    const flag = environment.flags.find(key)
    if (flag === undefined) return observe(singlePath, startedAt, refusal('FLAG_NOT_FOUND', key))
    const { status, json } = ofrepAnswer(answerableFlag(flag), context)
    return observe(singlePath, startedAt, new Response(json, { status, headers: headersFor(c) }))
  })

  api.post('/ofrep/v1/evaluate/flags', async c => {
    const startedAt = performance.now()
    const caller = await callerOf(c)
    const body = await read(c)
    const context = contextIn(body)
    if (typeof context === 'string') return observe(bulkPath, startedAt, refusal(context))
    const environment = await environmentOf(c, caller)
    await catchUp(environment, hasQuery(c) ? c.req.query('flagConfigEtag') : undefined)
    const ticket = tickets.ticketFor(environment.scope)
    const etag = `"${hash('sha1', `${environment.etag}\n${ticket}\n${body}`, 'base64url')}"`
    if (isKnownTag(c.env.incoming.headers['if-none-match'], etag))
      return observe(bulkPath, startedAt, new Response(null, { status: 304, headers: { ...allowPages, etag } }))
    const headers = { ...headersFor(c), etag }
    return observe(bulkPath, startedAt, new Response(bulkJson(environment, context, ticket), { headers }))
  })

  api.get('/ofrep/v1/events/:ticket', async c => {
    const scope = tickets.scopeOf(c.req.param('ticket'))
    if (scope === null)
      throw new HttpProblem('unauthorized', 'Cannot follow changes: found a ticket that was not given out here.')
    broadcast.requireRoom()
    const environment = await app.environments.of(scope)
    c.env.outgoing.setHeader('access-control-allow-origin', '*')
    broadcast.join(environment, c.env.outgoing, 'client', c.req.header('last-event-id') === idOf(environment))
    return RESPONSE_ALREADY_SENT as never
  })
}

const callerKinds: readonly KeyKind[] = ['sdk-client', 'sdk-server', 'admin']

const hasQuery = ({ env }: HttpContext): boolean => env.incoming.url?.includes('?') === true

/** Where a key of several places wants to act: as everywhere, in the query or in headers. */
function placesIn(c: HttpContext): { readonly project?: string; readonly environment?: string } {
  const isQueried = hasQuery(c)
  const place = (name: 'project' | 'environment') => {
    const header = c.env.incoming.headers[`dankai-${name}`]
    const asked = (isQueried ? c.req.query(name) : undefined) ?? (typeof header === 'string' ? header : '')
    return asked === '' || asked.length > 100 ? undefined : { [name]: asked }
  }
  return { ...place('project'), ...place('environment') }
}

const singlePath = '/ofrep/v1/evaluate/flags/{key}'
const bulkPath = '/ofrep/v1/evaluate/flags'

const idOf = ({ etag }: ServedEnvironment): string => etag.replaceAll('"', '')

/** Whoever hears it asks again; the id lets one that comes back see whether it missed anything. */
function refetchFrame(environment: ServedEnvironment): Buffer {
  const data = JSON.stringify({ type: 'refetchEvaluation', etag: idOf(environment) })
  return eventFrame({ name: 'message', id: idOf(environment), data })
}

function tooBusy(): HttpProblem {
  return new HttpProblem(
    'too-many-requests',
    `Cannot evaluate at the moment: found ${bodiesMax} requests being read, expected fewer. Try again in a second.`,
    {},
    { 'retry-after': '1' },
  )
}

/** What another instance has told of may not have been read here yet. */
async function catchUp(environment: ServedEnvironment, told: string | undefined): Promise<void> {
  if (told !== undefined && told !== idOf(environment)) await environment.refresh()
}

/** The context, or what is wrong with the body. */
function contextIn(body: string | null): EvaluationContext | OfrepErrorCode {
  if (body === null) return 'INVALID_CONTEXT'
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    return 'PARSE_ERROR'
  }
  if (!isObject(request)) return 'PARSE_ERROR'
  const { context = {} } = request
  return isObject(context) ? context : 'INVALID_CONTEXT'
}

const isObject = (found: unknown): found is Readonly<Record<string, unknown>> =>
  typeof found === 'object' && found !== null && !Array.isArray(found)

const details: Readonly<Record<OfrepErrorCode, string>> = {
  PARSE_ERROR: 'Cannot read the request: found no JSON object, expected {"context": {…}}.',
  INVALID_CONTEXT: `Cannot read the context: found none of at most ${bodyBytesMax} bytes, expected an object.`,
  FLAG_NOT_FOUND: 'Cannot find the flag: found none of this key in this environment.',
  TARGETING_KEY_MISSING: 'Cannot evaluate: found no targetingKey.',
  GENERAL: 'Cannot evaluate.',
}

function refusal(errorCode: OfrepErrorCode, key?: string): Response {
  const named = key === undefined ? {} : { key: key.slice(0, 256) }
  // A body that was not read to its end leaves the connection of no use.
  const end = errorCode === 'INVALID_CONTEXT' ? { connection: 'close' } : {}
  return new Response(JSON.stringify({ ...named, errorCode, errorDetails: details[errorCode] }), {
    status: errorCode === 'FLAG_NOT_FOUND' ? 404 : 400,
    headers: { ...pageHeaders, ...end },
  })
}

interface BulkParts {
  readonly of: string
  readonly flags: readonly AnswerableFlag[]
  /** What comes after the flags. */
  readonly rest: string
}

const bulkParts = new WeakMap<ServedEnvironment, BulkParts>()

/** Everything of an answer for all flags that is the same whoever asks. */
function partsOf(environment: ServedEnvironment, ticket: string): BulkParts {
  const known = bulkParts.get(environment)
  if (known?.of === environment.etag) return known
  const stream = { type: 'sse', endpoint: { requestUri: `/ofrep/v1/events/${ticket}` }, inactivityDelaySec }
  const rest = JSON.stringify({ metadata: { version: environment.version }, eventStreams: [stream] }).slice(1)
  const parts = { of: environment.etag, flags: environment.flags.all().map(answerableFlag), rest }
  bulkParts.set(environment, parts)
  return parts
}

function bulkJson(environment: ServedEnvironment, context: EvaluationContext, ticket: string): string {
  const { flags, rest } = partsOf(environment, ticket)
  let json = ''
  for (let index = 0; index < flags.length; index++)
    json += (index === 0 ? '' : ',') + ofrepAnswer(flags[index]!, context).json
  return `{"flags":[${json}],${rest}`
}
