import { StoreError } from '@dankai/store'
import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ZodError } from 'zod'
import { type Caller, requirePlaceName } from './caller.ts'
import { describeIssue } from './describe-issue.ts'
import { fieldsOf } from './fields.ts'
import { HttpProblem, problemResponse } from './http-problem.ts'
import type { Logger } from './log.ts'
import { type Protocols, protocolOf } from './protocol.ts'

export interface HttpEnvironment {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    caller: Caller
    log: Logger
    /** Of the request's path, packed or not. */
    bodyBytesMax: number
  }
}

export type Api = OpenAPIHono<HttpEnvironment>
export type HttpContext = Context<HttpEnvironment>

/** An API whose every answer that is not the one asked for is problem+json, or what a protocol says in its place. */
export function createApi(log: Logger, protocols: Protocols = []): Api {
  const answer = (c: HttpContext, problem: HttpProblem): Response =>
    (protocolOf(protocols, c.req.path)?.problem ?? problemResponse)(problem, requestIdOf(c), c.req.path)
  const api = new OpenAPIHono<HttpEnvironment>({
    defaultHook: result => {
      if (result.success) return
      // The validator hands on what it was given; its type does not say so.
      const { data } = result as { readonly data?: unknown }
      if (result.target === 'query') requirePlaceNames(result.error, data)
      throw invalid(result.error, data)
    },
  })
  api.notFound(c =>
    answer(
      c,
      new HttpProblem(
        'not-found',
        `Cannot find "${c.req.path.slice(0, 200)}": found no such route, expected one of /openapi.json.`,
      ),
    ),
  )
  api.onError((error, c) => {
    const problem = asProblem(error)
    if (problem.status >= 500) (c.get('log') ?? log).error({ err: error, requestId: requestIdOf(c) }, 'request failed')
    return answer(c, problem)
  })
  return api
}

const requestIdOf = (c: HttpContext): string => c.get('requestId') ?? ''

/** A place that is badly named is refused in one way, whether the route describes its query or not. */
function requirePlaceNames({ issues }: ZodError, query: unknown): void {
  for (const what of ['project', 'environment'] as const)
    if (issues.some(({ path }) => path[0] === what)) requirePlaceName(what, fieldsOf(query)[what])
}

export function invalid(error: ZodError, given: unknown): HttpProblem {
  const errors = error.issues.slice(0, 100).map(issue => describeIssue(issue, given))
  const { path, message } = errors[0] ?? { path: '', message: 'found something else than expected' }
  const more = errors.length > 1 ? ' See errors.' : ''
  return new HttpProblem('invalid', `Cannot use the request: ${path === '' ? '' : `at "${path}" `}${message}.${more}`, {
    errors,
  })
}

/** What the client may know: the problem itself, or that something broke. The log has the rest. */
export function asProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (error instanceof HTTPException) return problemOfStatus(error)
  if (isDatabaseAway(error))
    return new HttpProblem(
      'unavailable',
      'Cannot answer at the moment: found no database, expected one. Try again in a few seconds.',
      {},
      { 'retry-after': '2' },
    )
  return new HttpProblem(
    'internal',
    'Cannot answer: something broke inside Dankai. The log has it under this request id.',
  )
}

function problemOfStatus(error: HTTPException): HttpProblem {
  const said = error.message || 'the request cannot be read'
  if (error.status === 415)
    return new HttpProblem('unsupported-media-type', 'Cannot read the request: expected content-type application/json.')
  return new HttpProblem(error.status >= 500 ? 'internal' : 'malformed', `Cannot read the request: ${said}.`)
}

/** The store has already translated what the driver and PostgreSQL say. */
export function isDatabaseAway(error: unknown): boolean {
  return (
    error instanceof StoreError &&
    (error.code === 'unreachable' || error.code === 'slow' || error.code === 'contention')
  )
}
