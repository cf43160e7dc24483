import { EvidenceFold } from '@dankai/analysis'
import { apply, decide, type Event, type ReleaseState, type ReleaseStatus, startRelease } from '@dankai/core'
import type { Commit, LoadedRelease } from '@dankai/engine'
import { type CompiledPlan, compilePlan, parsePlanDocuments } from '@dankai/plan'
import { createPostgresStore, type Store } from '@dankai/store'
import pg from 'pg'
import type { BenchResult } from './bench-result.ts'
import { distributionOf, quantileOf } from './distribution.ts'
import { startTemporaryPostgres } from './temporary-postgres.ts'

/** As many connections as the store keeps for ordinary work, so that neither side waits for one. */
const writers = 10
const rounds = 5
const writesPerRound = 200
const warmUpWrites = 30

/**
 * One event appended as the engine does it (a fenced transaction: release, event and status) against one bare INSERT of
 * the same bytes, in alternating rounds of the same run, both with fsync.
 */
export async function appendBench(): Promise<BenchResult> {
  const postgres = await startTemporaryPostgres()
  const store = await createPostgresStore({ url: postgres.url, poolSize: writers })
  const pool = new pg.Pool({ connectionString: postgres.url, max: writers })
  // PostgreSQL stops while these connections are still saying goodbye, and says so to each; nothing is lost by then.
  pool.on('connect', client => client.on('error', () => undefined))
  try {
    await pool.query('create table bare (id bigint generated always as identity primary key, body text not null)')
    const releases = await Promise.all(Array.from({ length: writers }, (_, index) => openRelease(store, index)))
    const bodies = releases.map(({ next }) => bytesOf(next()))
    const appendMs: number[] = []
    const insertMs: number[] = []
    let appendSeconds = 0
    let insertSeconds = 0
    await writeAll(warmUpWrites, index => releases[index]!.append())
    await writeAll(warmUpWrites, index => insert(pool, bodies[index]!))
    for (let round = 0; round < rounds; round++) {
      appendSeconds += await writeAll(writesPerRound, index => releases[index]!.append(), appendMs)
      insertSeconds += await writeAll(writesPerRound, index => insert(pool, bodies[index]!), insertMs)
    }
    return {
      bench: 'append',
      target: 'a fenced commit of one event: p99 within 5 times a bare INSERT of the same bytes, fsync on',
      figures: {
        ...distributionOf('append ms', appendMs),
        ...distributionOf('bare insert ms', insertMs),
        'append / bare insert p50': quantileOf(appendMs, 0.5) / quantileOf(insertMs, 0.5),
        'append / bare insert p99': quantileOf(appendMs, 0.99) / quantileOf(insertMs, 0.99),
        'events appended a second': appendMs.length / appendSeconds,
        'bare inserts a second': insertMs.length / insertSeconds,
        'bytes an append': bodies[0]!.length,
        writers,
      },
    }
  } finally {
    await pool.end()
    await store.close()
    await postgres.close()
  }
}

/** Every writer writes one after the other; all at the same time. Answers the seconds it took. */
async function writeAll(times: number, write: (writer: number) => Promise<void>, ms: number[] = []): Promise<number> {
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let count = 0; count < times; count++) {
        const before = performance.now()
        await write(writer)
        ms.push(performance.now() - before)
      }
    }),
  )
  return (performance.now() - startedAt) / 1_000
}

async function insert(pool: pg.Pool, body: string): Promise<void> {
  await pool.query({ name: 'bare', text: 'insert into bare (body) values ($1)', values: [body] })
}

function bytesOf({ events, state, status }: Commit): string {
  return JSON.stringify([events, state, status])
}

async function openRelease(store: Store, index: number) {
  const plan = smallPlan(`append-${index}`)
  const started = startRelease({
    plan,
    planDigest: 'bench',
    version: 'v1',
    strategy: null,
    labels: [],
    by: 'bench',
    exemption: null,
    now: Date.now(),
    supports: { verbs: [], hands: ['flag'], channels: ['*'] },
  })
  if (!started.ok) throw new Error(JSON.stringify(started.refusals))
  const { status } = decide({
    plan,
    state: started.state,
    evidence: EvidenceFold.start(plan),
    hands: {},
    results: [],
    completedPlans: [],
    now: Date.now(),
  })
  const events = started.events.map((body, at) => ({ seq: at + 1, at: Date.now(), body }))
  const created = await store.releases.createRelease({
    project: 'default',
    environment: 'production',
    plan,
    planDigest: 'bench',
    version: 'v1',
    events,
    state: started.state,
    status,
    wakeAt: null,
  })
  if (!created.ok) throw new Error(`${created.hand} is held`)
  const loaded = await store.releases.claim('bench', created.id)
  if (loaded === null) throw new Error('the release is gone')
  let state = loaded.state
  const next = (): Commit => commitOf(loaded, plan, state, status)
  return {
    next,
    async append() {
      const commit = next()
      if ((await store.releases.commit(commit)) !== 'committed') throw new Error('a commit was lost')
      state = commit.state
    },
  }
}

/** The commonest event of a quiet release: numbers of a criterion moved. */
function commitOf(
  { id, fence }: LoadedRelease,
  plan: CompiledPlan,
  state: ReleaseState,
  status: ReleaseStatus,
): Commit {
  const body = {
    type: 'VerdictChanged',
    criterion: 'promoteWhen.0',
    text: 'error_rate < 1%',
    met: state.seq % 2 === 0 ? 'yes' : 'no',
    verdict: null,
    value: 0.001 * (state.seq % 7),
    limit: 0.01,
    samples: 12_345,
  } as const
  const event: Event = { seq: state.seq + 1, at: Date.now(), body }
  return {
    releaseId: id,
    fence,
    expectedSeq: state.seq,
    events: [event],
    state: apply(plan, state, event),
    status,
    wakeAt: null,
    decidedAt: event.at,
    desired: null,
    commands: [],
    superseded: [],
    folded: [],
    evidence: null,
    plan: null,
    ended: false,
  }
}

function smallPlan(name: string): CompiledPlan {
  const text = `kind: ReleasePlan
name: ${name}
service: ${name}
exposure: [{ flag: ${name} }]
metrics: { error_rate: { ratio: bad / all } }
promoteWhen: [error_rate < 1%]
phases: [{ name: all, expose: 100%, hold: 7d }]
`
  const result = compilePlan(parsePlanDocuments([{ path: `${name}.yaml`, text }]), { plan: name })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.plan
}
