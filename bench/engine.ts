import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { deadAfterMs } from '@dankai/engine'
import pg from 'pg'
import type { BenchResult } from './bench-result.ts'
import { distributionOf } from './distribution.ts'
import { openFleet, untilFollowed } from './fleet/control-plane.ts'
import { readDatabase } from './fleet/database-figures.ts'
import { flagName, metricsOfService, reportEveryMs } from './fleet/fleet-plan.ts'
import { type HelperProcess, openHelper } from './fleet/helper-process.ts'
import { monotonicMs } from './fleet/monotonic.ts'
import type { ReaderWork } from './fleet/reader-process.ts'
import { type ServerProcess, startServer } from './fleet/server-process.ts'
import type { TrafficWork } from './fleet/traffic-process.ts'
import { numberOption } from './options.ts'
import { startTemporaryPostgres } from './temporary-postgres.ts'

interface Size {
  readonly releases: number
  readonly breaches: number
  readonly felt: number
  readonly kills: number
  readonly readers: number
  readonly idleMs: number
}

/** A breach every so often, whatever became of the one before. */
const breachEveryMs = 500
const feltEveryMs = 1_000
const feltWellMs = 5_000
const feltBadMs = 10_000
const feltRequestsPerSecond = 50
const loweredWithinMs = 60_000

/**
 * The whole product under a fleet: real server processes on the PostgreSQL they carry (fsync on); reports and SDKs in
 * other processes, open loop. From a bad sample at the door to a lowered flag in every SDK, from the first bad request
 * to the same, and from the death of an instance to a release lowered by another.
 */
export async function engineBench(args: readonly string[]): Promise<BenchResult> {
  const breaches = numberOption(args, 'breaches', 100)
  const size: Size = {
    releases: numberOption(args, 'releases', 1_000),
    breaches,
    felt: Math.ceil(breaches / 4),
    kills: numberOption(args, 'kills', 20),
    readers: numberOption(args, 'readers', 100),
    idleMs: numberOption(args, 'idle-seconds', 60) * 1_000,
  }
  const loadBefore = loadavg()[0]!
  const folder = mkdtempSync(join(tmpdir(), 'dankai-bench-'))
  try {
    // Said as soon as it is known: the rest takes minutes, and may break off.
    const running = size.breaches === 0 ? {} : await benchRunning(size, folder)
    process.stderr.write(`${JSON.stringify({ loadAverage: loadavg()[0], ...running })}\n`)
    const takeOver = size.kills === 0 ? {} : await benchTakeOver(size, folder)
    return {
      bench: 'engine',
      target:
        'sample at the server -> lowered in every SDK: p99 <= 250 ms with 1,000 live releases; take-over p99 <= 8 s',
      figures: {
        'live releases': size.releases,
        'metrics a service': metricsOfService,
        SDKs: size.readers,
        'load average before': loadBefore,
        'load average after': loadavg()[0]!,
        ...running,
        ...takeOver,
      },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Figures = Record<string, number>

/** One server with its own PostgreSQL: what it costs to hold, and how fast it lowers. */
async function benchRunning(size: Size, folder: string): Promise<Figures> {
  const server = await startServer({ dataDir: mkdtempSync(join(folder, 'server-')) })
  const traffic = openHelper<TrafficWork>('traffic-process.ts')
  const readers = openHelper<ReaderWork>('reader-process.ts')
  try {
    const total = size.releases + size.breaches + size.felt
    const { figures, key } = await openFleet(server, total)
    await readers.do('open', { url: server.url, key, count: size.readers })
    await traffic.do('start', { url: server.url, key, first: 0, count: size.releases + size.breaches })
    // Windows of a minute are full after it, and every service has reported six times.
    await pause(size.releases > 100 ? 60_000 : reportEveryMs)
    await traffic.do('figures')
    Object.assign(figures, await benchIdle(server, size.idleMs))
    Object.assign(figures, await traffic.do('figures'))
    const breached = Array.from({ length: size.breaches }, (_, index) => size.releases + index)
    Object.assign(figures, await benchBreaches(server, traffic, readers, breached))
    const felt = Array.from({ length: size.felt }, (_, index) => size.releases + size.breaches + index)
    Object.assign(figures, await benchFelt(server, traffic, readers, felt))
    return figures
  } finally {
    await Promise.all([traffic.close(), readers.close()])
    await server.stop()
  }
}

/** Every service reports and nothing happens. */
async function benchIdle(server: ServerProcess, idleMs: number): Promise<Figures> {
  const before = await readDatabase(server.databaseUrl)
  const cpuBefore = server.cpuSeconds()
  await pause(idleMs)
  const after = await readDatabase(server.databaseUrl)
  const cpu = server.cpuSeconds() - cpuBefore
  const { rssMb, heapMb } = await server.memory()
  const seconds = (after.at - before.at) / 1_000
  const anHour = (change: number): number => (change / seconds) * 3_600
  return {
    'holding: server processor share': cpu / seconds,
    'holding: server rss MB': rssMb,
    'holding: server heap MB': heapMb,
    'holding: events an hour': anHour(after.events - before.events),
    'holding: database MB an hour': anHour(after.databaseMb - before.databaseMb),
    'holding: WAL MB an hour': anHour(after.walMb - before.walMb),
  }
}

type Traffic = HelperProcess<TrafficWork>
type Readers = HelperProcess<ReaderWork>

/** One batch that crosses a limit; the rule waits for nothing, so all of the time is Dankai's. */
async function benchBreaches(
  server: ServerProcess,
  traffic: Traffic,
  readers: Readers,
  indices: readonly number[],
): Promise<Figures> {
  const first: number[] = []
  const last: number[] = []
  const durable: number[] = []
  const missed = await inOpenLoop(indices, breachEveryMs, async index => {
    await readers.do('watch', flagName(index), server.url)
    const { leftAt, answeredAt } = await traffic.do('breach', index)
    const { firstAt, lastAt } = await readers.do('lowered', flagName(index), loweredWithinMs)
    durable.push(answeredAt - leftAt)
    first.push(firstAt - leftAt)
    last.push(lastAt - leftAt)
  })
  return {
    'breaches not lowered in 60 s': missed,
    ...distributionOf('sample -> durable ms', durable),
    ...distributionOf('sample -> lowered in the first SDK ms', first),
    ...distributionOf('sample -> lowered in every SDK ms', last),
  }
}

/** A service with the real SDK begins to fail: its second of summing up and the rule's ten seconds are in it. */
async function benchFelt(
  server: ServerProcess,
  traffic: Traffic,
  readers: Readers,
  indices: readonly number[],
): Promise<Figures> {
  const felt: number[] = []
  const missed = await inOpenLoop(indices, feltEveryMs, async index => {
    await readers.do('watch', flagName(index), server.url)
    const times = { wellMs: feltWellMs, badMs: feltBadMs, requestsPerSecond: feltRequestsPerSecond }
    const failing = traffic.do('fail', { index, ...times })
    const { lastAt } = await readers.do('lowered', flagName(index), loweredWithinMs)
    felt.push(lastAt - (await failing).failedAt)
  })
  const figures = distributionOf('first bad request -> lowered in every SDK ms', felt)
  return { 'failures not lowered in 60 s': missed, ...figures }
}

/**
 * Two servers on one PostgreSQL, one of which owns everything. It is killed, and a release begins to fail: the time from
 * the kill until the other server's SDKs have it off. Then the dead one comes back, its SDKs with it, and the other is
 * killed.
 */
async function benchTakeOver(size: Size, folder: string): Promise<Figures> {
  const postgres = await startTemporaryPostgres()
  const open = (port?: number): Promise<ServerProcess> =>
    startServer({
      dataDir: mkdtempSync(join(folder, 'server-')),
      databaseUrl: postgres.url,
      ...(port === undefined ? {} : { port }),
    })
  const traffic = openHelper<TrafficWork>('traffic-process.ts')
  const readers = openHelper<ReaderWork>('reader-process.ts')
  let owner = await open()
  let other = await open()
  try {
    const { key } = await openFleet(owner, size.releases + size.kills)
    const count = Math.ceil(size.readers / 2)
    for (const { url } of [owner, other]) await readers.do('open', { url, key, count })
    await traffic.do('start', { url: other.url, key, first: 0, count: size.releases })
    const lowered: number[] = []
    const owned: number[] = []
    let missed = 0
    for (let kill = 0; kill < size.kills; kill++) {
      const index = size.releases + kill
      await readers.do('watch', flagName(index), other.url)
      const killedAt = monotonicMs()
      await owner.kill()
      await traffic.do('breach', index)
      const end = await readers.do('lowered', flagName(index), loweredWithinMs).catch(() => null)
      if (end === null) missed++
      else lowered.push((end.lastAt - killedAt) / 1_000)
      owned.push((await untilOneOwns(postgres.url, killedAt)) / 1_000)
      const revived = await open(owner.port)
      await traffic.do('redirect', revived.url)
      owner = other
      other = revived
      await untilFollowed(revived.url, count)
    }
    return {
      'kills without lowering in 60 s': missed,
      ...distributionOf('kill -> lowered by another s', lowered),
      ...distributionOf('kill -> every release owned s', owned),
    }
  } finally {
    await Promise.all([traffic.close(), readers.close()])
    await Promise.all([owner.stop(), other.stop()])
    await postgres.close()
  }
}

/** Milliseconds from a kill until every live release is owned by an instance that beats. */
async function untilOneOwns(databaseUrl: string, killedAt: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (;;) {
      const { rows } = await client.query(
        `select count(*)::integer as orphans from dankai.release r where r.ended_at is null and not exists (
           select from dankai.instance i where i.id = r.owner and i.epoch = r.owner_epoch
             and i.seen_at > dankai.now_ms(null) - $1::bigint)`,
        [deadAfterMs],
      )
      if (rows[0].orphans === 0) return monotonicMs() - killedAt
      await pause(100)
    }
  } finally {
    await client.end()
  }
}

/** Begins each at its own moment, whatever became of those before, and waits for all. Answers how many failed. */
async function inOpenLoop(
  indices: readonly number[],
  everyMs: number,
  work: (index: number) => Promise<void>,
): Promise<number> {
  const ends = await Promise.allSettled(
    indices.map(async (index, place) => {
      await pause(place * everyMs)
      await work(index)
    }),
  )
  const failed = ends.filter(end => end.status === 'rejected')
  if (failed[0] !== undefined) process.stderr.write(`${failed.length} failed, the first with: ${failed[0].reason}\n`)
  return failed.length
}
