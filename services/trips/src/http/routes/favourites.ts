import { Hono } from 'hono'
import { z } from 'zod'
import { dayOf, daysAfter } from '../../core/day.ts'
import { FAVOURITES_PER_USER } from '../../store/trip-store.ts'
import type { Environment, Services } from '../environment.ts'
import { checkInput, notFound, ProblemError } from '../problem.ts'
import type { RenderTrip } from '../trip-view.ts'
import { requireUser } from '../user.ts'

const SHARED_DAYS = 30
const planId = z.uuid()

export function favouriteRoutes(services: Services, renderTrip: RenderTrip): Hono<Environment> {
  const { store, features } = services
  const routes = new Hono<Environment>()
  routes.use(requireUser)

  routes.get('/', async c =>
    c.json({ favourites: await tripsOf(services, renderTrip, await store.favouritesOf(c.get('user').id)) }),
  )

  routes.put('/:planId', async c => {
    const id = checkInput(planId, c.req.param('planId'))
    if (!(await store.plan(id))) throw notFound(`Cannot mark a favourite: found no plan "${id}".`)
    if ((await store.addFavourite(c.get('user').id, id)) !== 'full') return c.body(null, 204)
    const detail = `Cannot mark "${id}": found ${FAVOURITES_PER_USER} favourites, expected fewer. Remove one first.`
    throw new ProblemError({ status: 409, code: 'favourites-full', title: 'Too many favourites', detail })
  })

  routes.delete('/:planId', async c => {
    await store.removeFavourite(c.get('user').id, checkInput(planId, c.req.param('planId')))
    return c.body(null, 204)
  })

  if (features.favouriteSharing) addSharing(routes, services, renderTrip)
  return routes
}

/** Friends see what was marked at the time of sharing, for 30 days, and never who shared it. */
function addSharing(routes: Hono<Environment>, services: Services, renderTrip: RenderTrip): void {
  const { store, now, newId } = services
  routes.post('/share', async c => {
    const owner = c.get('user').id
    const planIds = await store.favouritesOf(owner)
    if (planIds.length === 0)
      throw new ProblemError({ status: 409, code: 'nothing-to-share', title: 'No favourites to share' })
    const today = dayOf(now())
    const share = {
      token: newId(),
      owner_id: owner,
      plan_ids: planIds,
      created_at: today,
      expires_at: daysAfter(today, SHARED_DAYS),
    }
    await store.saveShare(share)
    return c.json({ token: share.token, expiresAt: share.expires_at, count: planIds.length }, 201)
  })

  routes.get('/shared/:token', async c => {
    const share = await store.share(c.req.param('token'))
    if (!share || share.expires_at < dayOf(now()))
      throw notFound('Cannot show shared favourites: found no such link, or it has expired.')
    return c.json({ favourites: await tripsOf(services, renderTrip, share.plan_ids), expiresAt: share.expires_at })
  })
}

async function tripsOf({ store }: Services, renderTrip: RenderTrip, ids: readonly string[]) {
  const plans = await Promise.all(ids.map(id => store.plan(id)))
  return plans.filter(plan => plan !== null).map(renderTrip)
}
