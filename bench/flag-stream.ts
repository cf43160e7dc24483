import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { BenchResult } from './bench-result.ts'
import { distributionOf } from './distribution.ts'
import type { FollowerWork } from './flag-stream/follower-process.ts'
import { writeLargeEnvironment } from './flag-stream/large-environment.ts'
import type { StalledWork } from './flag-stream/stalled-process.ts'
import { openFleet } from './fleet/control-plane.ts'
import { type HelperProcess, openHelper } from './fleet/helper-process.ts'
import { monotonicMs } from './fleet/monotonic.ts'
import { adminKey, type ServerProcess, startServer } from './fleet/server-process.ts'
import type { TrafficWork } from './fleet/traffic-process.ts'
import { numberOption } from './options.ts'

interface Size {
  readonly sdks: number
  readonly stalled: number
  readonly processes: number
  readonly releases: number
  readonly changes: number
  readonly largeFlags: number
}

type Figures = Record<string, number>
type Follower = HelperProcess<FollowerWork>

/** A change every so often, whatever became of the one before. */
const changeEveryMs = 1_000
const appliedWithinMs = 30_000
/** Connecting a thousand SDKs is a load of its own, and not the one that is measured. */
const calmMs = 10_000
const largeSdks = 5

/**
 * A flag is changed over HTTP on a server with its own PostgreSQL (fsync on) until every SDK has applied it. The SDKs
 * live in other processes; some connections never read; live releases with their metrics keep the engine at work.
 */
export async function flagStreamBench(args: readonly string[]): Promise<BenchResult> {
  const total = numberOption(args, 'sdks', 1_000)
  const stalled = Math.round(total / 100)
  const size: Size = {
    sdks: total - stalled,
    stalled,
    processes: numberOption(args, 'processes', 4),
    releases: numberOption(args, 'releases', 100),
    changes: numberOption(args, 'changes', 100),
    largeFlags: numberOption(args, 'flags', 10_000),
  }
  const loadBefore = loadavg()[0]!
  const folder = mkdtempSync(join(tmpdir(), 'dankai-bench-'))
  const server = await startServer({ dataDir: folder })
  try {
    const figures = await benchChanges(server, size)
    const large = await benchLarge(server, size.largeFlags)
    return {
      bench: 'flag-stream',
      target:
        'flag change, commit -> applied in all of 1,000 SDKs with 1 % stalled and the engine loaded: p99 <= 50 ms',
      figures: {
        'SDKs that read': size.sdks,
        'connections that do not read': size.stalled,
        'SDK processes': size.processes,
        'live releases': size.releases,
        'load average before': loadBefore,
        ...figures,
        ...large,
      },
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchChanges(server: ServerProcess, size: Size): Promise<Figures> {
  const { url } = server
  const traffic = openHelper<TrafficWork>('traffic-process.ts')
  const stalled = openHelper<StalledWork>('../flag-stream/stalled-process.ts')
  const followers = openFollowers(size.processes)
  try {
    const { key } = await openFleet(server, size.releases)
    await traffic.do('start', { url, key, first: 0, count: size.releases })
    const before = await server.memory()
    await stalled.do('open', { url, key, count: size.stalled })
    const readyMs = await Promise.all(
      shares(size).map((count, index) => followers[index]!.do('open', { url, key, count })),
    )
    await pause(calmMs)
    const after = await server.memory()
    const cpuBefore = server.cpuSeconds()
    const startedAt = monotonicMs()
    const changes = await benchEach(url, followers, size.changes)
    const cpu = (server.cpuSeconds() - cpuBefore) / ((monotonicMs() - startedAt) / 1_000)
    const fresh = await Promise.all(followers.map(follower => follower.do('fresh')))
    const connections = size.sdks + size.stalled
    const perConnection = (change: number): number => (change * 1_024) / connections
    return {
      'all SDKs ready ms': Math.max(...readyMs),
      ...changes,
      'SDKs fresh at the end': fresh.reduce((sum, count) => sum + count, 0),
      'server processor share while changing': cpu,
      'server KB of rss a connection': perConnection(after.rssMb - before.rssMb),
      'server KB of heap a connection': perConnection(after.heapMb - before.heapMb),
    }
  } finally {
    await Promise.all([traffic, stalled, ...followers].map(helper => helper.close()))
  }
}

function shares({ sdks, processes }: Size): readonly number[] {
  return Array.from({ length: processes }, (_, index) => Math.floor((sdks + index) / processes))
}

const openFollowers = (count: number): readonly Follower[] =>
  Array.from({ length: count }, () => openHelper<FollowerWork>('../flag-stream/follower-process.ts'))

/** From the moment the request left, the commit included, and from the moment the server said that it was done. */
async function benchEach(url: string, followers: readonly Follower[], count: number): Promise<Figures> {
  const written: number[] = []
  const first: number[] = []
  const all: number[] = []
  const afterAnswer: number[] = []
  let refused = 0
  let next = monotonicMs()
  for (let change = 0; change < count; change++) {
    await pause(Math.max(0, next - monotonicMs()))
    next += changeEveryMs
    const leftAt = monotonicMs()
    const version = await changeFlag(url, change)
    const answeredAt = monotonicMs()
    if (version === null) {
      refused++
      continue
    }
    const applied = await Promise.all(followers.map(follower => follower.do('applied', version, appliedWithinMs)))
    const lastAt = Math.max(...applied.map(({ lastAt }) => lastAt))
    written.push(answeredAt - leftAt)
    first.push(Math.min(...applied.map(({ firstAt }) => firstAt)) - leftAt)
    all.push(lastAt - leftAt)
    afterAnswer.push(Math.max(0, lastAt - answeredAt))
  }
  return {
    ...distributionOf('request -> answered ms', written),
    ...distributionOf('request -> applied in the first SDK ms', first),
    ...distributionOf('request -> applied in every SDK ms', all),
    ...distributionOf('answered -> applied in every SDK ms', afterAnswer),
    'changes refused': refused,
  }
}

interface FlagAnswer {
  readonly flag: { readonly version: number }
}

/** Each change has a flag of its own, so that none needs to know what became of the one before. Null: refused. */
async function changeFlag(url: string, change: number): Promise<number | null> {
  const body = { flag: { exposure: { share: (change % 100) / 100, cohorts: [], shadow: false } } }
  const answer = await askServer<FlagAnswer>(`${url}/v1/flags/bench-${change}`, 'PUT', body)
  return answer?.flag.version ?? null
}

/** Null when the server is too busy, which a machine that others use as well can make it. */
async function askServer<Answer>(url: string, method: string, body: object): Promise<Answer | null> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.ok) return (await response.json()) as Answer
  const text = (await response.text()).slice(0, 500)
  if (response.status === 503) return null
  throw new Error(`${method} ${url}: ${response.status} ${text}`)
}

/** What so many flags cost the server that serves them, and each SDK that follows them. */
async function benchLarge(server: ServerProcess, flags: number): Promise<Figures> {
  const environment = 'large'
  const keyBody = { kind: 'sdk-server', principal: 'bench', name: 'large', environment }
  const created = await askServer<{ secret: string }>(`${server.url}/v1/keys`, 'POST', keyBody)
  if (created === null) return {}
  const { secret } = created
  await writeLargeEnvironment(server.databaseUrl, environment, flags)
  const follower = openHelper<FollowerWork>('../flag-stream/follower-process.ts')
  try {
    const serverBefore = await server.memory()
    const before = await follower.do('heapMb')
    const readyMs = await follower.do('open', { url: server.url, key: secret, count: largeSdks })
    const after = await follower.do('heapMb')
    const serverAfter = await server.memory()
    await follower.do('end')
    const perTenThousand = (mb: number): number => (mb * 10_000) / flags
    return {
      'large environment: flags': flags,
      [`large environment: ${largeSdks} SDKs ready ms`]: readyMs,
      'SDK MB of heap per 10,000 flags': perTenThousand((after - before) / largeSdks),
      'server MB of heap per 10,000 flags': perTenThousand(serverAfter.heapMb - serverBefore.heapMb),
      'server MB of rss per 10,000 flags': perTenThousand(serverAfter.rssMb - serverBefore.rssMb),
    }
  } finally {
    await follower.close()
  }
}
