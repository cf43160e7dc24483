import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { requireKind } from '../../http/caller.ts'

/** Longer than a busy database takes, shorter than a load balancer waits. */
const databaseWithinMs = 2_000

export function useHealth(api: Api, app: Application): void {
  api.get('/healthz', c => c.json({ status: 'ok' }))

  api.get('/readyz', async c => {
    const problem = await databaseProblem(app)
    return problem === null ? c.json({ status: 'ready' }) : c.json({ status: 'not ready', problem }, 503)
  })

  api.get('/metrics', async c => {
    requireKind(c.get('caller'), ['admin', 'ci'])
    const text = await app.metrics.registry.metrics()
    return c.body(text, 200, { 'content-type': app.metrics.registry.contentType })
  })
}

async function databaseProblem(app: Application): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve(`the database did not answer within ${databaseWithinMs} ms`), databaseWithinMs)
  })
  const asked = app.store.clock.now().then(
    () => null,
    () => 'the database is away',
  )
  const problem = await Promise.race([asked, late])
  clearTimeout(timer)
  return problem
}
