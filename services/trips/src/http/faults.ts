import { setTimeout as delay } from 'node:timers/promises'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { hitsError, noFaults } from '../core/faults.ts'
import type { FaultState } from './environment.ts'
import { answerError, answerNotFound, answerProblem, checkBody, ProblemError } from './problem.ts'

const LATENCY_MAX_MS = 60_000

/** What is not named is off: a set of faults replaces the one before. */
export const faultsSchema = z.strictObject({
  errors: z.number().min(0).max(1).default(0),
  latencyMs: z.number().int().min(0).max(LATENCY_MAX_MS).default(0),
  crash: z.boolean().default(false),
  unhealthy: z.boolean().default(false),
})

/** Stands before the routes of users; the health route has a fault of its own, so that a bug in a route is not a dead process. */
export function applyFaults(state: FaultState): MiddlewareHandler {
  return async (c, next) => {
    const { current } = state
    if (current.crash) state.crash()
    if (current.latencyMs > 0) await delay(current.latencyMs)
    if (hitsError(current, state.random))
      return answerProblem(c, { status: 500, code: 'internal', title: 'Internal error' })
    return next()
  }
}

/**
 * The door at which faults are switched. It listens by itself, apart from the port of users: the gateway forwards any
 * path, and no user may reach this one.
 */
export function createFaultDoor(state: FaultState): Hono {
  const door = new Hono()
  door.onError(answerError)
  door.notFound(answerNotFound)
  door.use(requireLoopback)
  door.get('/faults', c => c.json(state.current))
  door.put('/faults', async c => {
    requireJson(c.req.header('content-type'))
    state.current = await checkBody(faultsSchema, c)
    return c.json(state.current)
  })
  door.delete('/faults', c => {
    state.current = noFaults
    return c.json(state.current)
  })
  return door
}

export const requireLoopback: MiddlewareHandler = async (c, next) => {
  const { address } = getConnInfo(c).remote
  if (address !== '127.0.0.1' && address !== '::1' && address !== '::ffff:127.0.0.1') {
    return answerProblem(c, { status: 403, code: 'loopback-only', title: 'Only from this machine' })
  }
  return next()
}

/** A page in a browser of this machine can send a form here, but never JSON without being asked first. */
export function requireJson(contentType: string | undefined): void {
  if (contentType?.startsWith('application/json')) return
  throw new ProblemError({
    status: 415,
    code: 'json-only',
    title: 'Send JSON',
    detail: 'Cannot read the body: expected content-type "application/json".',
  })
}
