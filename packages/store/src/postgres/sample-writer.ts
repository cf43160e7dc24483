import type { Hint } from '../hint-ports.ts'
import { type AddedBatch, addUpBatches } from '../sample-hour.ts'
import type { AppendResult, NewSampleBatch } from '../sample-ports.ts'
import { StoreError } from '../store-error.ts'
import type { Database, Query, Statement } from './database.ts'
import type { Tell } from './hints.ts'
import { writeTogether } from './write-together.ts'

/**
 * Writes batches of samples, together when they arrive together.
 *
 * 1. Ids rise in commit order: writers of all instances take turns (an advisory lock, taken before an id is and held
 *    until the commit), so a reader that has seen an id never misses a smaller one. One write carries all that arrived
 *    during the one before.
 * 2. A number of an SDK is taken once. The last 62 numbers are remembered exactly; older ones count as taken, which is
 *    right for senders that send in order.
 * 3. Samples of the same bucket and label set that are written together are added up first: a thousand senders of one
 *    service cost its readers little more than one.
 * 4. A call resolves when its batch is durable, and never before.
 */
export interface SampleWriter {
  append(batch: NewSampleBatch): Promise<AppendResult>
}

/** More waiting than this is overload: the caller answers 429 and the SDK comes again. */
const waitingMax = 5_000
const batchesPerWrite = 250
const dayMs = 86_400_000

export function createSampleWriter(database: Database, tell: Tell): SampleWriter {
  const together = writeTogether({
    // One statement cannot take two numbers of the same sender.
    keyOf: ({ project, environment, sdk }: NewSampleBatch) => JSON.stringify([project, environment, sdk]),
    most: batchesPerWrite,
    write,
  })

  async function write(batches: readonly NewSampleBatch[]): Promise<readonly AppendResult[]> {
    const now = await database.now()
    const attempt = () => database.transaction('write samples', query => writeBatches(query, batches, now))
    const { results, hints } = await attempt().catch(async error => {
      if (!lacksPartition(error)) throw error
      await ensurePartitions(database)
      return attempt()
    })
    tell(hints)
    return results
  }

  return {
    async append(batch) {
      if (together.waiting >= waitingMax) return { refused: 'too many samples are waiting to be written' }
      return together.add(batch)
    },
  }
}

interface Written {
  readonly results: readonly AppendResult[]
  readonly hints: readonly Hint[]
}

async function writeBatches(query: Query, batches: readonly NewSampleBatch[], now: number | null): Promise<Written> {
  const accepted = await query<{ ordinal: number }>(acceptNumbers, [now, ...senderColumns(batches)])
  const taken = new Set(accepted.map(row => batches[row.ordinal - 1]!))
  const rows = addUpBatches(batches.filter(batch => taken.has(batch)))
  const written = rows.length === 0 ? [] : await query<{ id: number }>(insertBatches, [now, ...rowColumns(rows)])
  const newest = Math.max(0, ...written.map(row => row.id))
  const results = batches.map((batch): AppendResult => {
    if (!taken.has(batch)) return { duplicate: true }
    return { id: batch.services.length === 0 ? 0 : newest }
  })
  return { results, hints: rows.map(hintOf) }
}

function hintOf({ project, environment, service }: AddedBatch): Hint {
  return { kind: 'samples', project, environment, service }
}

function senderColumns(batches: readonly NewSampleBatch[]): readonly unknown[] {
  return [
    batches.map(batch => batch.project),
    batches.map(batch => batch.environment),
    batches.map(batch => batch.sdk),
    batches.map(batch => batch.no),
  ]
}

function rowColumns(rows: readonly AddedBatch[]): readonly unknown[] {
  return [
    rows.map(row => row.project),
    rows.map(row => row.environment),
    rows.map(row => row.service),
    rows.map(row => row.trusted),
    rows.map(row => JSON.stringify(row.samples)),
  ]
}

function lacksPartition(error: unknown): boolean {
  const cause =
    error instanceof StoreError ? (error.cause as { code?: string; message?: string } | undefined) : undefined
  return cause?.code === '23514' && (cause.message ?? '').includes('no partition')
}

/** Today's and the next two days' partitions. Attaching takes a weaker lock than creating one in place. */
export async function ensurePartitions(database: Database): Promise<void> {
  const [row] = await database.query<{ now: number }>(readClock, [await database.now()])
  const today = Math.floor(row!.now / dayMs)
  for (const day of [today, today + 1, today + 2]) await database.query(ensurePartition, [day])
}

const readClock: Statement = { name: 'read-clock', doing: 'read the clock', text: 'select now_ms($1) as now' }

const ensurePartition: Statement = {
  name: 'ensure-sample-partition',
  doing: 'prepare a day of samples',
  text: 'select ensure_sample_day($1::bigint)',
}

/** The window of an SDK: bit n says whether `highest - n` was taken. 62 bits, so that the sign is never touched. */
const acceptNumbers: Statement = {
  name: 'accept-sample-numbers',
  doing: 'note which samples were sent',
  text: `with incoming as materialized (
      select * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
        with ordinality as incoming (project, environment, sdk, batch_no, ordinal)),
    accepted as (
      insert into sample_sdk as known (project, environment, sdk, highest, recent, seen_at)
      select project, environment, sdk, batch_no, 1, now_ms($1) from incoming order by project, environment, sdk
      on conflict (project, environment, sdk) do update set
        highest = greatest(known.highest, excluded.highest),
        recent = case
          when excluded.highest - known.highest > 61 then 1
          when excluded.highest > known.highest
            then ((known.recent << (excluded.highest - known.highest)::integer) & ((1::bigint << 62) - 1)) | 1
          else known.recent | (1::bigint << (known.highest - excluded.highest)::integer) end,
        seen_at = excluded.seen_at
      where excluded.highest > known.highest
        or (known.highest - excluded.highest <= 61
          and known.recent & (1::bigint << (known.highest - excluded.highest)::integer) = 0)
      returning project, environment, sdk)
    select ordinal from incoming join accepted using (project, environment, sdk)`,
}

/** A writer that hangs with the lock held would stop all ingest: its transaction is ended after a second. */
const insertBatches: Statement = {
  name: 'insert-sample-batches',
  doing: 'write samples',
  text: `with turn as materialized (
      select pg_advisory_xact_lock(hashtext(current_schema() || ' samples')) is null as taken,
        set_config('idle_in_transaction_session_timeout', '1000', true) as bounded)
    insert into sample_batch (received_at, project, environment, service, trusted, samples)
    select now_ms($1), project, environment, service, trusted, samples::json
    from turn, unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[])
      as rows (project, environment, service, trusted, samples)
    returning id`,
}
