import { Hono } from 'hono'
import { z } from 'zod'
import type { SearchQuery } from '../../core/search.ts'
import type { Environment, Services } from '../environment.ts'
import { checkInput } from '../problem.ts'
import { page, searchText, yesOrNo } from '../queries.ts'
import { suggestFor } from '../suggest-for.ts'
import type { RenderTrip } from '../trip-view.ts'
import { requireUser } from '../user.ts'

const SUGGESTIONS_SHOWN = 5

/** `suggestions` is the optional parameter that v1.6.0 added; v1.5.0 ignores it as it ignores any unknown one. */
const searchQuery = z.object({ ...page, q: searchText, categoryId: z.uuid().optional(), suggestions: yesOrNo })

export function searchRoutes(services: Services, renderTrip: RenderTrip): Hono<Environment> {
  const { features, search } = services
  const routes = new Hono<Environment>()
  routes.use(requireUser)
  routes.get('/', async c => {
    const query = checkInput(searchQuery, c.req.query())
    const { plans, total } = search(searchQueryOf(query, features.tripCategories))
    const answer = { results: plans.map(renderTrip), total }
    if (!query.suggestions || !features.aiTripSuggestions) return c.json(answer)
    return c.json({
      ...answer,
      suggestions: await suggestFor(services, renderTrip, c.get('user').id, SUGGESTIONS_SHOWN),
    })
  })
  return routes
}

function searchQueryOf(query: z.infer<typeof searchQuery>, knowsCategories: boolean): SearchQuery {
  const categoryId = knowsCategories ? (query.categoryId ?? null) : null
  return { text: query.q, categoryId, limit: query.limit, offset: query.offset }
}
