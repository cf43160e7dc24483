import { Hono } from 'hono'
import { assessAppVersion, versionConfig } from '../../core/app-version.ts'
import { parseVersion } from '../../core/version.ts'
import { createQuietLog } from '../../process/log.ts'
import type { Services } from '../environment.ts'

const LOG_EVERY_MS = 60_000

export function appVersionRoutes({ now }: Services): Hono {
  const logOddVersion = createQuietLog(LOG_EVERY_MS, now)
  const routes = new Hono()
  routes.get('/version-check', c => {
    const clientVersion = c.req.header('X-App-Version')
    if (clientVersion === undefined || !parseVersion(clientVersion)) {
      logOddVersion('An app sent no readable X-App-Version; it is let through', {
        found: clientVersion?.slice(0, 40) ?? null,
      })
    }
    return c.json(assessAppVersion(clientVersion, c.req.header('X-Platform'), versionConfig))
  })
  return routes
}
