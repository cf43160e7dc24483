import type { SampleBatch, SeriesSample } from '@dankai/engine'
import {
  finestMs,
  groupByHour,
  hourMs,
  nameOfKey,
  type PackedHour,
  packSamples,
  type SampleHour,
  type SampleHourKey,
  sampleRetention,
  unpackHour,
} from '../sample-hour.ts'
import type { SampleHistoryQuery } from '../sample-ports.ts'
import type { Database, Query, Statement } from './database.ts'
import { ensurePartitions } from './sample-writer.ts'

/**
 * The packed hours: read, changed and written by one instance at a time (an advisory lock), so that adding to a row is
 * safe.
 *
 * 1. The cursor moves in the transaction that adds, so no batch is added twice.
 * 2. What is packed together is of few services: a row of a series is written once a run, however many services there
 *    are.
 * 3. A step is small, because a decision may be waiting for this process.
 */
const batchesPerRun = 20_000
const batchesPerStep = 50
/** An hour of one series is some hundred kilobytes with its sketches, to be read, added to and written: a few milliseconds. */
const hoursPerStep = 4
const hoursPerPass = 20
export const historyMax = 20_000

export async function compactSamples(database: Database): Promise<{ readonly batches: number }> {
  for (let total = 0; ; ) {
    const batches = await database.transaction('pack samples', compactOnce)
    total += batches
    if (batches < batchesPerRun) return { batches: total }
  }
}

async function compactOnce(query: Query): Promise<number> {
  const [lock] = await query<{ locked: boolean }>(tryLock, [])
  if (!lock?.locked) return 0
  const unpacked = await query<{ id: number }>(findUnpacked, [batchesPerRun])
  if (unpacked.length === 0) return 0
  const ids = unpacked.map(({ id }) => id)
  for (let from = 0; from < ids.length; from += batchesPerStep) {
    const batches = await query<SampleBatch>(readUnpacked, [ids.slice(from, from + batchesPerStep)])
    const hours = [...groupByHour(batches).values()]
    for (let at = 0; at < hours.length; at += hoursPerStep) await addToHours(query, hours.slice(at, at + hoursPerStep))
  }
  await query(moveCursor, [ids.reduce((newest, id) => Math.max(newest, id), 0)])
  return ids.length
}

interface StoredHour extends SampleHourKey {
  readonly resolutionMs: number
  readonly body: PackedHour
}

async function addToHours(query: Query, hours: readonly SampleHour[]): Promise<void> {
  const stored = await query<StoredHour>(readHours, keyColumns(hours.map(hour => hour.key)))
  const before = new Map(stored.map(row => [nameOfKey(row), row]))
  const added = hours.map(({ key, samples }) => {
    const row = before.get(nameOfKey(key))
    const resolutionMs = row?.resolutionMs ?? finestMs
    const known = row === undefined ? [] : unpackHour(key, row.body)
    return { ...key, resolutionMs, body: packSamples([...known, ...samples], key.hour, resolutionMs) }
  })
  await writeHours(query, added)
}

async function writeHours(query: Query, rows: readonly StoredHour[]): Promise<void> {
  if (rows.length === 0) return
  const bodies = rows.map(row => JSON.stringify(row.body))
  await query(writePackedHours, [...keyColumns(rows), rows.map(row => row.resolutionMs), bodies])
}

function keyColumns(keys: readonly SampleHourKey[]): readonly unknown[] {
  return [
    keys.map(key => key.project),
    keys.map(key => key.environment),
    keys.map(key => key.service),
    keys.map(key => key.series),
    keys.map(key => key.hour),
    keys.map(key => key.variant),
  ]
}

export async function pruneSamples(database: Database): Promise<void> {
  const now = await database.now()
  await ensurePartitions(database)
  for (const [index, { resolutionMs, keptMs }] of sampleRetention.entries()) {
    const coarser = sampleRetention[index + 1]?.resolutionMs
    if (coarser === undefined) await database.query(dropHours, [now, keptMs])
    else while (await coarsen(database, { now, resolutionMs, keptMs, coarser }));
  }
  await database.query(dropDays, [now, sampleRetention[0].keptMs])
  await database.query(forgetSenders, [now, sampleRetention[0].keptMs])
}

interface Coarsening {
  readonly now: number | null
  readonly resolutionMs: number
  readonly keptMs: number
  readonly coarser: number
}

/** True while there is more to do. */
function coarsen(database: Database, { now, resolutionMs, keptMs, coarser }: Coarsening): Promise<boolean> {
  return database.transaction('pack old samples', async query => {
    const [lock] = await query<{ locked: boolean }>(tryLock, [])
    if (!lock?.locked) return false
    const rows = await query<StoredHour>(readOldHours, [now, keptMs, resolutionMs, hoursPerPass])
    const packed = rows.map(row => {
      return { ...row, resolutionMs: coarser, body: packSamples(unpackHour(row, row.body), row.hour, coarser) }
    })
    await writeHours(query, packed)
    return rows.length === hoursPerPass
  })
}

export async function readHistory(
  database: Database,
  { project, environment, service, series, from, to }: SampleHistoryQuery,
): Promise<readonly (SeriesSample & { readonly trusted: boolean })[]> {
  const firstHour = Math.floor(from / hourMs) * hourMs
  const rows = await database.query<StoredHour>(readSeries, [project, environment, service, series, firstHour, to])
  const samples = rows.flatMap(row => unpackHour(row, row.body)).filter(({ start }) => start >= from && start < to)
  return samples.sort((one, other) => one.start - other.start).slice(0, historyMax)
}

const tryLock: Statement = {
  name: 'lock-sample-hours',
  doing: 'take turns packing samples',
  text: `select pg_try_advisory_xact_lock(hashtext(current_schema() || ' sample hours')) as locked`,
}

/** The oldest that are not packed, those of a service together. */
const findUnpacked: Statement = {
  name: 'find-unpacked-batches',
  doing: 'find samples to pack',
  text: `select id from (
      select id, project, environment, service from sample_batch
      where id > (select cursor from sample_compaction) order by id limit $1) oldest
    order by project, environment, service, id`,
}

const readUnpacked: Statement = {
  name: 'read-unpacked-batches',
  doing: 'read samples to pack',
  text: `select id, project, environment, service, received_at as "receivedAt", trusted, samples from sample_batch
    where id = any ($1::bigint[]) order by project, environment, service, id`,
}

const moveCursor: Statement = {
  name: 'move-sample-cursor',
  doing: 'note which samples are packed',
  text: 'update sample_compaction set cursor = $1',
}

const hourColumns = `h.project, h.environment, h.service, h.series, h.hour, h.variant,
  h.resolution_ms as "resolutionMs", h.body`

const readHours: Statement = {
  name: 'read-sample-hours',
  doing: 'read packed samples',
  text: `select ${hourColumns}
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
      as wanted (project, environment, service, series, hour, variant)
    join sample_hour h using (project, environment, service, series, hour, variant)`,
}

const writePackedHours: Statement = {
  name: 'write-sample-hours',
  doing: 'write packed samples',
  text: `insert into sample_hour (project, environment, service, series, hour, variant, resolution_ms, body)
    select project, environment, service, series, hour, variant, resolution_ms, body::json
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::integer[], $8::text[])
      as packed (project, environment, service, series, hour, variant, resolution_ms, body)
    on conflict (project, environment, service, series, hour, variant)
    do update set resolution_ms = excluded.resolution_ms, body = excluded.body`,
}

const readOldHours: Statement = {
  name: 'read-old-sample-hours',
  doing: 'read old packed samples',
  text: `select ${hourColumns} from sample_hour h
    where h.hour < now_ms($1) - $2::bigint and h.resolution_ms = $3 order by h.hour limit $4`,
}

const dropHours: Statement = {
  name: 'drop-sample-hours',
  doing: 'drop packed samples that are too old',
  text: 'delete from sample_hour where hour < now_ms($1) - $2::bigint',
}

const dropDays: Statement = {
  name: 'drop-sample-days',
  doing: 'drop days of samples',
  text: 'select drop_sample_days(now_ms($1) - $2::bigint)',
}

const forgetSenders: Statement = {
  name: 'forget-sample-senders',
  doing: 'forget senders of samples',
  text: 'delete from sample_sdk where seen_at < now_ms($1) - $2::bigint',
}

/** Bounded by hours and label sets; the caller cuts what is left. */
const readSeries: Statement = {
  name: 'read-sample-series',
  doing: 'read the history of a series',
  text: `select ${hourColumns} from sample_hour h
    where h.project = $1 and h.environment = $2 and h.service = $3 and h.series = $4 and h.hour >= $5 and h.hour < $6
    order by h.hour, h.variant limit 20000`,
}
