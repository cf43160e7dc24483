import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'
import { log } from '../process/log.ts'

const ISSUES_SHOWN = 10

export interface Problem {
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly title: string
  readonly detail?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

/** Leaves a route with an answer for the client; everything else that is thrown is a bug. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** Thrown when a part of the service is switched off; the client may come back later. */
export class ServiceUnavailableError extends ProblemError {
  constructor(message: string) {
    super({ status: 503, code: 'unavailable', title: 'Service unavailable', detail: message })
    this.name = 'ServiceUnavailableError'
  }
}

/** Problem details of RFC 9457. */
export function renderProblem(problem: Problem): string {
  return JSON.stringify({ type: `https://triptrip.com/problems/${problem.code}`, ...problem })
}

export function answerProblem(c: Context, problem: Problem): Response {
  return c.body(renderProblem(problem), problem.status, { 'content-type': 'application/problem+json' })
}

export function notFound(what: string): ProblemError {
  return new ProblemError({ status: 404, code: 'not-found', title: 'Not found', detail: what })
}

/** The value as the schema reads it, or a 400 that names each wrong field. */
export function checkInput<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const errors = checked.error.issues
    .slice(0, ISSUES_SHOWN)
    .map(issue => ({ path: issue.path.join('.'), message: issue.message }))
  throw new ProblemError({ status: 400, code: 'invalid-input', title: 'Invalid input', errors })
}

export async function checkBody<T extends z.ZodType>(schema: T, c: Context): Promise<z.infer<T>> {
  return checkInput(schema, await readJson(c))
}

async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch (error) {
    if (error instanceof HTTPException) throw error
    throw new ProblemError({
      status: 400,
      code: 'invalid-json',
      title: 'Invalid JSON',
      detail: 'Cannot read the body: expected JSON.',
    })
  }
}

export const answerError: ErrorHandler = (error, c) => {
  if (error instanceof ProblemError) return answerProblem(c, error.problem)
  if (error instanceof HTTPException)
    return answerProblem(c, { status: error.status as ContentfulStatusCode, code: 'http', title: error.message })
  log('error', 'Cannot answer a request', {
    method: c.req.method,
    path: c.req.path,
    cause: error.stack ?? String(error),
  })
  return answerProblem(c, { status: 500, code: 'internal', title: 'Internal error' })
}

export const answerNotFound: NotFoundHandler = c =>
  answerProblem(c, {
    status: 404,
    code: 'not-found',
    title: 'Not found',
    detail: `Cannot find "${c.req.method} ${c.req.path.slice(0, 200)}".`,
  })
