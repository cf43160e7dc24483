/**
 * What every request goes through, in this order: an id and a log line, headers, a bound on its body, a key, its JSON.
 *
 * Open without a key are only /healthz and /readyz. On a loopback address a request without a key is checked for coming
 * from this machine's own programs and pages (`checkLocalRequest`).
 */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Api, HttpContext, HttpEnvironment } from './api.ts'
import type { Authenticator } from './authenticator.ts'
import type { Caller } from './caller.ts'
import { HttpProblem } from './http-problem.ts'
import { readJson } from './json-body.ts'
import { checkLocalRequest } from './local-request.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { type Protocols, protocolOf } from './protocol.ts'
import { requestIdOf } from './request-id.ts'
import { tooLarge } from './unpacked-body.ts'

type Middleware = MiddlewareHandler<HttpEnvironment>

const megabyte = 1_048_576
/** A batch of 2,000 samples is about 400 kB; a folder of plans 200 kB; an OTLP request of a large service 2 MB. */
const bodyLimits: readonly (readonly [prefix: string, bytes: number])[] = [
  ['/v1/samples', megabyte],
  ['/v1/plans', 16 * megabyte],
  // What another system exports of all its flags.
  ['/v1/flags/import', 16 * megabyte],
  ['/otlp/', 4 * megabyte],
  ['/', megabyte],
]

const openPaths = new Set(['/healthz', '/readyz'])
/** Asked many times a second: their lines would hide the others. */
const quietPaths = new Set([
  '/v1/samples',
  '/v1/acknowledgements',
  '/v1/acknowledgements/goodbye',
  '/v1/exposures',
  '/otlp/v1/metrics',
  '/healthz',
  '/readyz',
  '/metrics',
])

export function useMiddleware(
  api: Api,
  parts: {
    readonly log: Logger
    readonly metrics: Metrics
    readonly authenticator: Authenticator
    readonly isLocal: boolean
    readonly protocols?: Protocols
  },
): void {
  const { protocols = [] } = parts
  api.use(identify(parts.log, parts.metrics, protocols))
  api.use(boundBody(protocols))
  api.use(authenticate(parts.authenticator, parts.isLocal, protocols))
  api.use('/v1/*', readOwnJson)
}

function identify(log: Logger, metrics: Metrics, protocols: Protocols): Middleware {
  return async (c, next) => {
    const requestId = requestIdOf(c.req.header('x-request-id'))
    const startedAt = performance.now()
    c.set('requestId', requestId)
    c.set('log', log.child({ requestId }))
    await next()
    const ms = performance.now() - startedAt
    const { method } = c.req
    const { status } = c.res
    if (!c.res.headers.has('x-hono-already-sent')) {
      c.res.headers.set('x-request-id', requestId)
      c.res.headers.set('x-content-type-options', 'nosniff')
    }
    metrics.requestSeconds.observe({ method, route: c.req.routePath, status }, ms / 1_000)
    const { path } = c.req
    const protocol = protocolOf(protocols, path)
    const level = quietPaths.has(path) || protocol?.isQuiet?.(path) ? 'debug' : 'info'
    // Without the query, which may have what is known of users as well.
    const shown = protocol?.shownPath?.(path) ?? path
    c.get('log')[level]({ method, path: shown, status, ms: Math.round(ms) }, 'request')
  }
}

function limiterOf(prefix: string, maxSize: number) {
  const onError = (): never => {
    throw tooLarge(maxSize)
  }
  const limitStream = bodyLimit({ maxSize, onError })
  const limit: Middleware = (c, next) => {
    c.set('bodyBytesMax', maxSize)
    const announced = announcedBytes(c)
    if (announced === null) return limitStream(c, next)
    return announced > maxSize ? onError() : next()
  }
  return { prefix, limit }
}

/**
 * Node reads no more of a body than was announced, so that one is judged by its header; to look at the body itself makes
 * a web stream of it, which costs more than most answers. Null: it comes in chunks of which nobody knows how many.
 */
function announcedBytes({ env }: HttpContext): number | null {
  const { 'transfer-encoding': encoding, 'content-length': length } = env.incoming.headers
  return encoding === undefined ? Number(length ?? 0) : null
}

function boundBody(protocols: Protocols): Middleware {
  const ofProtocols = protocols.map(({ prefix, bodyBytesMax = megabyte }) => limiterOf(prefix, bodyBytesMax))
  const limiters = [...ofProtocols, ...bodyLimits.map(([prefix, maxSize]) => limiterOf(prefix, maxSize))]
  return (c, next) => {
    const limiter = limiters.find(({ prefix }) => c.req.path.startsWith(prefix))
    return limiter === undefined ? next() : limiter.limit(c, next)
  }
}

/**
 * What routes describe is validated by the framework, which reads JSON in its own way: it is given what was read in ours.
 * Protocols of others read theirs by themselves, as some of their bodies are no JSON.
 */
const readOwnJson: Middleware = async (c, next) => {
  if (hasBody(c) && /json/i.test(c.req.header('content-type') ?? '')) {
    const body = await readJson(c)
    c.req.json = async <T>() => body as T
  }
  await next()
}

function hasBody(c: HttpContext): boolean {
  const isRead = c.req.method !== 'GET' && c.req.method !== 'HEAD'
  return isRead && announcedBytes(c) !== 0
}

function authenticate(authenticator: Authenticator, isLocal: boolean, protocols: Protocols): Middleware {
  return async (c, next) => {
    const { path } = c.req
    if (openPaths.has(path)) return next()
    const inPath = protocolOf(protocols, path)?.keyInPath?.(path) ?? null
    if (inPath !== null) {
      // A page asks whether it may ask (CORS) without any key.
      if (c.req.method === 'OPTIONS') return next()
      c.set('caller', await publicCaller(authenticator, inPath))
      return next()
    }
    const authorization = authorizationOf(c)
    if (isLocal && authorization === null)
      checkLocalRequest(c.req.header('host') ?? null, c.req.header('origin') ?? null)
    c.set('caller', await authenticator.authenticate(authorization, c.env.incoming.socket))
    await next()
  }
}

/** Clients that cannot set Authorization send the key as X-API-Key. */
function authorizationOf(c: HttpContext): string | null {
  const key = c.req.header('x-api-key')
  return c.req.header('authorization') ?? (key === undefined ? null : `Bearer ${key}`)
}

async function publicCaller(authenticator: Authenticator, key: string): Promise<Caller> {
  const caller = await authenticator.authenticate(`Bearer ${key}`)
  if (caller.kind === 'sdk-client') return caller
  throw new HttpProblem(
    'forbidden',
    `Cannot use this key in a path: found one of kind "${caller.kind}", expected "sdk-client". Revoke it, as paths are not secret, and make another.`,
  )
}
