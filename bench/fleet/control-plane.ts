import pg from 'pg'
import { flagName, fleetPlanText, serviceName } from './fleet-plan.ts'
import { adminKey } from './server-process.ts'

const filesPerRequest = 100
const startsAtOnce = 4

/** What a person does before a release runs, over HTTP: apply the plans, make a key, start. */
export async function askServer<Answer>(url: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`)
  return (await response.json()) as Answer
}

export async function createSdkKey(url: string): Promise<string> {
  const key = { kind: 'sdk-server', principal: 'bench', name: 'bench' }
  return (await askServer<{ secret: string }>(url, 'POST', '/v1/keys', key)).secret
}

export async function applyPlans(url: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += filesPerRequest) {
    const indices = Array.from({ length: Math.min(filesPerRequest, count - first) }, (_, index) => first + index)
    const files = indices.map(index => ({ file: `${serviceName(index)}.yaml`, text: fleetPlanText(index) }))
    await askServer(url, 'POST', '/v1/plans', { files })
  }
}

/** Starts a release of each of the first `count` services. */
export async function startReleases(url: string, count: number): Promise<void> {
  let next = 0
  const startOn = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      await askServer(url, 'POST', '/v1/releases', { plan: serviceName(index), version: `v-${index}` })
    }
  }
  await Promise.all(Array.from({ length: startsAtOnce }, startOn))
}

/** Until every hand of a live release was read where it should be: the releases hold. */
export async function untilHolding(databaseUrl: string, withinMs: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const until = Date.now() + withinMs; ; ) {
      const { rows } = await client.query(
        `select count(*)::integer as waiting from dankai.release where ended_at is null and lifecycle <> 'running'
           or exists (select from dankai.hand h where h.release_id = release.id and h.live and not h.reached)`,
      )
      if (rows[0].waiting === 0) return
      if (Date.now() > until) throw new Error(`${rows[0].waiting} releases do not hold after ${withinMs} ms`)
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  } finally {
    await client.end()
  }
}

export { flagName, serviceName }
