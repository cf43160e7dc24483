import { Hono } from 'hono'
import { z } from 'zod'
import type { Environment, Services } from '../environment.ts'
import { checkInput } from '../problem.ts'
import { page } from '../queries.ts'
import { suggestFor } from '../suggest-for.ts'
import type { RenderTrip } from '../trip-view.ts'
import { requireUser } from '../user.ts'

const query = z.object({ limit: page.limit })

export function suggestionRoutes(services: Services, renderTrip: RenderTrip): Hono<Environment> {
  const routes = new Hono<Environment>()
  routes.use(requireUser)
  routes.get('/', async c => {
    const { limit } = checkInput(query, c.req.query())
    return c.json({ suggestions: await suggestFor(services, renderTrip, c.get('user').id, limit) })
  })
  return routes
}
