import type { MiddlewareHandler } from 'hono'
import { z } from 'zod'
import type { Environment, User } from './environment.ts'
import { checkInput, ProblemError } from './problem.ts'

const userHeaders = z.object({
  'x-user-id': z.string().min(1).max(128).optional(),
  'x-user-email': z.email().max(254).optional(),
  'x-user-plan': z.string().max(64).optional(),
  'x-user-country': z.string().max(64).optional(),
})

/** Every booking route speaks of one user: without an id there is none. */
export const requireUser: MiddlewareHandler<Environment> = async (c, next) => {
  c.set('user', readUser(c.req.header()))
  await next()
}

function readUser(headers: Record<string, string>): User {
  const found = checkInput(userHeaders, headers)
  const id = found['x-user-id']
  if (id === undefined)
    throw new ProblemError({
      status: 401,
      code: 'user-unknown',
      title: 'User unknown',
      detail: 'Cannot tell who asks: found no "x-user-id" header, expected a user id.',
    })
  return {
    id,
    email: found['x-user-email'] ?? null,
    plan: found['x-user-plan'] ?? null,
    country: found['x-user-country'] ?? null,
  }
}
