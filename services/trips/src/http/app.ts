import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { FaultState, Services } from './environment.ts'
import { applyFaults } from './faults.ts'
import { answerError, answerNotFound, answerProblem } from './problem.ts'
import { accountRoutes } from './routes/account.ts'
import { appVersionRoutes } from './routes/app-version.ts'
import { bookingRoutes } from './routes/booking.ts'
import { favouriteRoutes } from './routes/favourites.ts'
import { healthRoutes } from './routes/health.ts'
import { searchRoutes } from './routes/search.ts'
import { suggestionRoutes } from './routes/suggestions.ts'
import { tripRoutes } from './routes/trips.ts'
import { createRenderTrip } from './trip-view.ts'

const BODY_MAX_BYTES = 16 * 1024

export async function createApp(services: Services, faults: FaultState): Promise<Hono> {
  const { version, features, store } = services
  const renderTrip = createRenderTrip(features, await store.categories(), await store.regions())
  const app = new Hono()
  app.onError(answerError)
  app.notFound(answerNotFound)
  app.use(async (c, next) => {
    await next()
    c.header('x-served-version', version)
  })
  app.route('/', healthRoutes(services, faults))
  app.use(
    '/api/*',
    applyFaults(faults),
    bodyLimit({ maxSize: BODY_MAX_BYTES, onError: c => answerProblem(c, tooLarge) }),
  )
  app.route('/api/v1/app', appVersionRoutes(services))
  app.route('/api/v1/bookings', bookingRoutes(services, renderTrip))
  app.route('/api/v1/search', searchRoutes(services, renderTrip))
  app.route('/api/v1/trips', tripRoutes(services, renderTrip))
  app.route('/api/v1/favourites', favouriteRoutes(services, renderTrip))
  app.route('/api/v1/me', accountRoutes(services))
  if (features.aiTripSuggestions) app.route('/api/v1/suggestions', suggestionRoutes(services, renderTrip))
  return app
}

const tooLarge = {
  status: 413,
  code: 'body-too-large',
  title: 'Body too large',
  detail: `Cannot read the body: expected at most ${BODY_MAX_BYTES} bytes.`,
} as const
