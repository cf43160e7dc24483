import { type Context, Hono } from 'hono'
import { z } from 'zod'
import {
  type BookingDecision,
  type BookingQuestion,
  decideLegacyBooking,
  decideNewBooking,
} from '../../core/booking.ts'
import type { FlagUser } from '../../core/booking-flags.ts'
import { type Day, dayOf } from '../../core/day.ts'
import { type RankingVariant, rankingVariantOf, rankPlans } from '../../core/ranking.ts'
import type { BookingRow, TripPlanRow } from '../../core/rows.ts'
import type { Environment, Services, User } from '../environment.ts'
import { authorizePayment } from '../payment-service.ts'
import { checkBody, checkInput, notFound, ProblemError, ServiceUnavailableError } from '../problem.ts'
import { day, page, searchText } from '../queries.ts'
import { likedPlans } from '../suggest-for.ts'
import type { RenderTrip } from '../trip-view.ts'
import { requireUser } from '../user.ts'

const createBody = z.strictObject({ planId: z.uuid(), date: day, travellers: z.number().int().min(1).max(10) })
const searchQuery = z.object({ ...page, q: searchText, date: day })

export function bookingRoutes(services: Services, renderTrip: RenderTrip): Hono<Environment> {
  const { flags, analytics } = services
  const routes = new Hono<Environment>()
  routes.use(requireUser)

  routes.post('/create', async c => {
    const isNew = await flags.usesNewBookingFlow(flagUserOf(c.get('user')))
    return isNew ? handleNewBookingFlow(c, services) : handleLegacyBookingFlow(c, services)
  })

  routes.get('/search', async c => {
    const user = c.get('user')
    const { variant, inExperiment } = await flags.searchVariant({ key: user.id })
    analytics.track('search_performed', { userId: user.id, searchAlgorithmVariant: variant, inExperiment })
    return c.json(
      await searchBookable(
        services,
        renderTrip,
        user,
        rankingVariantOf(variant),
        checkInput(searchQuery, c.req.query()),
      ),
    )
  })

  return routes
}

async function handleNewBookingFlow(c: Context<Environment>, services: Services): Promise<Response> {
  const question = await readQuestion(c, services)
  const { draft, confirmation } = accepted(decideNewBooking(question))
  const id = services.newId()
  const paymentId = await processPayment({ id, totalYen: draft.total_yen }, flagUserOf(c.get('user')), services)
  const booking = await saveBooking(services, { ...draft, id, payment_id: paymentId, created_at: createdAt(services) })
  return c.json({ booking: renderBooking(booking), confirmation }, 201)
}

/** The old flow is paid on the spot, so it asks for no payment. */
async function handleLegacyBookingFlow(c: Context<Environment>, services: Services): Promise<Response> {
  const { draft } = accepted(decideLegacyBooking(await readQuestion(c, services)))
  const booking = await saveBooking(services, {
    ...draft,
    id: services.newId(),
    payment_id: null,
    created_at: createdAt(services),
  })
  return c.json({ booking: renderBooking(booking) }, 201)
}

async function processPayment(
  booking: { id: string; totalYen: number },
  user: FlagUser,
  { flags }: Services,
): Promise<string> {
  if (!(await flags.isPaymentEnabled(user)))
    throw new ServiceUnavailableError('Payment processing is temporarily disabled')
  return authorizePayment(booking)
}

async function readQuestion(c: Context<Environment>, { store, now }: Services): Promise<BookingQuestion> {
  const request = await checkBody(createBody, c)
  const plan = await store.plan(request.planId)
  if (!plan) throw notFound(`Cannot book: found no plan "${request.planId}".`)
  const bookedSeats = await store.bookedSeats(plan.id, request.date)
  return { request, plan, bookedSeats, userId: c.get('user').id, today: dayOf(now()) }
}

function accepted(decision: BookingDecision): Extract<BookingDecision, { kind: 'accepted' }> {
  if (decision.kind === 'accepted') return decision
  const status = decision.code === 'sold-out' ? 409 : 422
  throw new ProblemError({ status, code: decision.code, title: 'Cannot book', detail: decision.detail })
}

/** The seats may have gone while the payment was made: the store has the last word. */
async function saveBooking({ store }: Services, booking: BookingRow): Promise<BookingRow> {
  if ((await store.saveBooking(booking)) === 'saved') return booking
  throw new ProblemError({
    status: 409,
    code: 'sold-out',
    title: 'Cannot book',
    detail: 'The last seats were taken a moment ago.',
  })
}

function createdAt({ now }: Services): string {
  return new Date(now()).toISOString()
}

function renderBooking(booking: BookingRow) {
  return {
    id: booking.id,
    planId: booking.plan_id,
    date: booking.travel_date,
    travellers: booking.travellers,
    totalYen: booking.total_yen,
    flow: booking.flow,
    paymentId: booking.payment_id,
    createdAt: booking.created_at,
  }
}

function flagUserOf(user: User): FlagUser {
  const custom = {
    ...(user.plan === null ? {} : { plan: user.plan }),
    ...(user.country === null ? {} : { country: user.country }),
  }
  return { key: user.id, ...(user.email === null ? {} : { email: user.email }), custom }
}

async function searchBookable(
  services: Services,
  renderTrip: RenderTrip,
  user: User,
  variant: RankingVariant,
  query: z.infer<typeof searchQuery>,
): Promise<object> {
  const { plans, total } = services.search({
    text: query.q,
    categoryId: null,
    limit: query.limit,
    offset: query.offset,
  })
  const free = await freeSeatsOf(services, plans, query.date)
  const likedCategoryIds = new Set((await likedPlans(services.store, user.id)).flatMap(plan => plan.category_id ?? []))
  const ranked = rankPlans(plans, variant, { freeSeats: plan => free.get(plan.id) ?? 0, likedCategoryIds })
  return {
    algorithm: variant,
    total,
    results: ranked.map(plan => ({ ...renderTrip(plan), freeSeats: free.get(plan.id) ?? 0 })),
  }
}

async function freeSeatsOf(
  { store }: Services,
  plans: readonly TripPlanRow[],
  date: Day,
): Promise<ReadonlyMap<string, number>> {
  const free = plans.map(
    async plan => [plan.id, plan.seats_per_day - (await store.bookedSeats(plan.id, date))] as const,
  )
  return new Map(await Promise.all(free))
}
