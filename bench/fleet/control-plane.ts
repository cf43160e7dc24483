import pg from 'pg'
import { fleetPlanText, serviceName } from './fleet-plan.ts'
import { monotonicMs } from './monotonic.ts'
import { adminKey, type ServerProcess } from './server-process.ts'

const filesPerRequest = 100
const startsAtOnce = 4
const holdingWithinMs = 300_000
const followedWithinMs = 60_000

/** What a person does before a release runs, over HTTP: apply the plans, make a key, start. */
async function askServer<Answer>(url: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`)
  return (await response.json()) as Answer
}

async function createSdkKey(url: string): Promise<string> {
  const key = { kind: 'sdk-server', principal: 'bench', name: 'bench' }
  return (await askServer<{ secret: string }>(url, 'POST', '/v1/keys', key)).secret
}

async function applyPlans(url: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += filesPerRequest) {
    const indices = Array.from({ length: Math.min(filesPerRequest, count - first) }, (_, index) => first + index)
    const files = indices.map(index => ({ file: `${serviceName(index)}.yaml`, text: fleetPlanText(index) }))
    await askServer(url, 'POST', '/v1/plans', { files })
  }
}

/** Starts a release of each of the first `count` services. */
async function startReleases(url: string, count: number): Promise<void> {
  let next = 0
  const startOn = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      await askServer(url, 'POST', '/v1/releases', { plan: serviceName(index), version: `v-${index}` })
    }
  }
  await Promise.all(Array.from({ length: startsAtOnce }, startOn))
}

/** Until every hand of a live release was read where it should be: the releases hold. */
async function untilHolding(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const until = Date.now() + holdingWithinMs; ; ) {
      const { rows } = await client.query(
        `select count(*)::integer as waiting from dankai.release where ended_at is null and lifecycle <> 'running'
           or exists (select from dankai.hand h where h.release_id = release.id and h.live and not h.reached)`,
      )
      if (rows[0].waiting === 0) return
      if (Date.now() > until) throw new Error(`${rows[0].waiting} releases do not hold after ${holdingWithinMs} ms`)
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  } finally {
    await client.end()
  }
}

/**
 * Until so many SDKs follow a server. An SDK calls itself fresh for a while after its server has died, and comes back to it in
 * its own time, so only the server knows.
 */
export async function untilFollowed(url: string, count: number): Promise<void> {
  for (const until = Date.now() + followedWithinMs; ; ) {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminKey}` } })
    const clients = Number(/^dankai_stream_clients\{protocol="dankai"\} (\d+)/m.exec(await response.text())?.[1])
    if (clients >= count) return
    if (Date.now() > until) throw new Error(`${clients} of ${count} SDKs follow ${url} after ${followedWithinMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** A release of each of so many services, all of them holding; and a key for SDKs. */
export async function openFleet(
  { url, databaseUrl }: Pick<ServerProcess, 'url' | 'databaseUrl'>,
  count: number,
): Promise<{ readonly figures: Record<string, number>; readonly key: string }> {
  const key = await createSdkKey(url)
  const startedAt = monotonicMs()
  await applyPlans(url, count)
  const appliedAt = monotonicMs()
  await startReleases(url, count)
  await untilHolding(databaseUrl)
  const figures = {
    'plans applied s': (appliedAt - startedAt) / 1_000,
    'releases started a second': count / ((monotonicMs() - appliedAt) / 1_000),
  }
  return { figures, key }
}
