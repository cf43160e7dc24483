import { Hono } from 'hono'
import type { FaultState, Services } from '../environment.ts'

const STORE_TIMEOUT_MS = 1_000

/** The health check that rollback decisions read: 200 only when the process can reach its store. */
export function healthRoutes({ version, track, store, now }: Services, faults: FaultState): Hono {
  const startedAt = now()
  const routes = new Hono()
  routes.get('/health', async c => {
    const checks = {
      process: faults.current.unhealthy ? 'failing' : 'ok',
      store: await checkStore(() => store.plans()),
    }
    const isHealthy = Object.values(checks).every(check => check === 'ok')
    const body = {
      status: isHealthy ? 'healthy' : 'unhealthy',
      version,
      track,
      checks,
      uptimeSeconds: Math.floor((now() - startedAt) / 1_000),
    }
    return c.json(body, isHealthy ? 200 : 503)
  })
  return routes
}

async function checkStore(read: () => Promise<readonly unknown[]>): Promise<'ok' | 'failing'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'failing'>(resolve => {
    timer = setTimeout(resolve, STORE_TIMEOUT_MS, 'failing')
  })
  const answer = read().then(
    rows => (rows.length > 0 ? ('ok' as const) : ('failing' as const)),
    () => 'failing' as const,
  )
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
