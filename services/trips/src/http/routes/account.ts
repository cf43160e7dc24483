import { Hono } from 'hono'
import { z } from 'zod'
import { defaultNotificationSettings, isAnyPushOn, withAllPushes } from '../../core/notification-settings.ts'
import { isEmailVerified, type UserRow } from '../../core/rows.ts'
import type { Environment, Services, User } from '../environment.ts'
import { checkBody } from '../problem.ts'
import { requireUser } from '../user.ts'

const ways = z.strictObject({ push: z.boolean(), email: z.boolean() })
const hour = z.number().int().min(0).max(23)
const fineSettings = z.strictObject({
  bookings: ways,
  prices: ways,
  shares: ways,
  quietHours: z.strictObject({ from: hour, to: hour }).nullable(),
})
const oneSwitch = z.strictObject({ enabled: z.boolean() })

export function accountRoutes(services: Services): Hono<Environment> {
  const { store, features } = services
  const settingsOf = async (userId: string) => (await store.notificationSettings(userId)) ?? defaultNotificationSettings
  const routes = new Hono<Environment>()
  routes.use(requireUser)

  routes.get('/', async c => c.json(renderUser(await knownUser(services, c.get('user')))))

  routes.post('/verify-email', async c => {
    const user = await knownUser(services, c.get('user'))
    const verified = { ...user, is_verified: true, ...(features.newBookingFlow ? { email_verified: true } : {}) }
    await store.saveUser(verified)
    return c.json(renderUser(verified))
  })

  routes.get('/notification-settings', async c => {
    const settings = await settingsOf(c.get('user').id)
    return c.json(features.fineNotificationSettings ? settings : { enabled: isAnyPushOn(settings) })
  })

  routes.put('/notification-settings', async c => {
    const { id } = c.get('user')
    const chosen = features.fineNotificationSettings
      ? await checkBody(fineSettings, c)
      : withAllPushes(await settingsOf(id), (await checkBody(oneSwitch, c)).enabled)
    await store.saveNotificationSettings(id, chosen)
    return c.body(null, 204)
  })

  return routes
}

async function knownUser({ store }: Services, { id, email }: User): Promise<UserRow> {
  const known = await store.user(id)
  if (known) return known
  const user: UserRow = { id, email, is_verified: false, email_verified: null }
  await store.saveUser(user)
  return user
}

function renderUser(user: UserRow) {
  return { id: user.id, email: user.email, emailVerified: isEmailVerified(user) }
}
