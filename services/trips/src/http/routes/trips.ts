import { Hono } from 'hono'
import { z } from 'zod'
import { dayOf } from '../../core/day.ts'
import { listPrice, realTimePrice } from '../../core/pricing.ts'
import { byPopularity } from '../../core/search.ts'
import type { Services } from '../environment.ts'
import { checkInput, notFound } from '../problem.ts'
import { day, page } from '../queries.ts'
import type { RenderTrip } from '../trip-view.ts'

const listQuery = z.object({ ...page, categoryId: z.uuid().optional() })
const priceQuery = z.object({ date: day, travellers: z.coerce.number().int().min(1).max(10).default(1) })

export function tripRoutes(services: Services, renderTrip: RenderTrip): Hono {
  const { store, features, now } = services
  const routes = new Hono()

  routes.get('/', async c => {
    const { categoryId, limit, offset } = checkInput(listQuery, c.req.query())
    const wanted = features.tripCategories ? categoryId : undefined
    const found = (await store.plans())
      .filter(plan => wanted === undefined || plan.category_id === wanted)
      .sort(byPopularity)
    return c.json({ trips: found.slice(offset, offset + limit).map(renderTrip), total: found.length })
  })

  if (features.tripCategories) routes.get('/categories', async c => c.json({ categories: await store.categories() }))

  routes.get('/:id/price', async c => {
    const { date, travellers } = checkInput(priceQuery, c.req.query())
    const plan = await store.plan(c.req.param('id'))
    if (!plan) throw notFound(`Cannot price a trip: found no plan "${c.req.param('id').slice(0, 64)}".`)
    if (!features.realTimePricing) return c.json({ ...listPrice(plan, travellers), isRealTime: false })
    const bookedSeats = await store.bookedSeats(plan.id, date)
    const price = realTimePrice({ plan, travelDay: date, today: dayOf(now()), travellers, bookedSeats })
    return c.json({ ...price, isRealTime: true })
  })

  return routes
}
