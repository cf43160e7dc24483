import { createHash } from 'node:crypto'
import type {
  ExposureStore,
  FirstExposure,
  NewExposureBatch,
  VariantExposure,
  VariantHour,
  VariantOutcome,
} from '../exposure-ports.ts'
import type { Scope } from '../scope.ts'
import type { Database, Query } from './database.ts'
import * as sql from './exposure-statements.ts'
import { writeTogether } from './write-together.ts'

const batchesPerWrite = 100
const rowsMax = 10_000
const eventsMax = 1_000
/** Users forgotten by one statement, so that none is long. */
const usersAtOnce = 1_000

export function createExposures(database: Database): ExposureStore {
  const together = writeTogether<NewExposureBatch, { duplicate: boolean }>({
    // One statement cannot take two numbers of the same sender.
    keyOf: ({ project, environment, sdk }) => JSON.stringify([project, environment, sdk]),
    most: batchesPerWrite,
    write: async batches => {
      const now = await database.now()
      return database.transaction('write exposures', query => writeBatches(query, batches, now))
    },
  })
  const read = <Row extends object>(
    statement: Parameters<Query>[0],
    { project, environment }: Scope,
    ...values: unknown[]
  ) => database.query<Row>(statement, [project, environment, ...values])

  return {
    record: batch => together.add(batch),
    hours: (scope, flag, from, to) => read<VariantHour>(sql.readHours, scope, flag, from, to, rowsMax),
    variants: (scope, flag) => read<VariantExposure>(sql.readVariants, scope, flag),
    outcomes: (scope, flag, event) => read<VariantOutcome>(sql.readOutcomes, scope, flag, event),
    async events(scope, flag) {
      return (await read<{ event: string }>(sql.readEvents, scope, flag, eventsMax)).map(({ event }) => event)
    },
    async first(scope, flag, user) {
      return (await read<FirstExposure>(sql.readFirst, scope, flag, digestOf(scope, user)))[0] ?? null
    },
    async forget(scope, flag) {
      while ((await read(sql.forgetUsers, scope, flag, usersAtOnce)).length === usersAtOnce);
    },
  }
}

async function writeBatches(
  query: Query,
  batches: readonly NewExposureBatch[],
  now: number | null,
): Promise<readonly { duplicate: boolean }[]> {
  const columns = <Item>(items: readonly Item[], ...reads: ((item: Item) => unknown)[]): unknown[] =>
    reads.map(readOne => items.map(readOne))
  const senders = columns(
    batches,
    b => b.project,
    b => b.environment,
    b => b.sdk,
    b => b.no,
  )
  const accepted = await query<{ ordinal: number }>(sql.acceptNumbers, [now, ...senders])
  const taken = new Set(accepted.map(row => batches[row.ordinal - 1]!))
  const counted = batches.filter(batch => taken.has(batch))
  const exposures = counted.flatMap(batch => batch.exposures.map(item => ({ batch, item })))
  const outcomes = counted.flatMap(batch => batch.outcomes.map(item => ({ batch, item })))
  const head = [
    (row: { batch: NewExposureBatch }) => row.batch.project,
    (row: { batch: NewExposureBatch }) => row.batch.environment,
    (row: { batch: NewExposureBatch; item: { user: string } }) => digestOf(row.batch, row.item.user),
    (row: { item: { at: number } }) => row.item.at,
  ]
  if (exposures.length > 0)
    await query(
      sql.insertExposures,
      columns(
        exposures,
        ...head,
        ({ item }) => item.flag,
        ({ item }) => item.variant,
      ),
    )
  // After the exposures: an outcome counts when its user's first exposure is known.
  if (outcomes.length > 0)
    await query(
      sql.insertOutcomes,
      columns(
        outcomes,
        ...head,
        ({ item }) => item.event,
        ({ item }) => item.value,
      ),
    )
  return batches.map(batch => ({ duplicate: !taken.has(batch) }))
}

/** 128 bits: no two users of one environment meet by chance, and nobody's key can be read from it. */
function digestOf({ project, environment }: Scope, user: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([project, environment, user]))
    .digest()
    .subarray(0, 16)
}
