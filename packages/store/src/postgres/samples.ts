import type { SampleBatch } from '@dankai/engine'
import type { Hint } from '../hint-ports.ts'
import type { SampleLog } from '../sample-ports.ts'
import type { Database, Statement } from './database.ts'
import type { HintExchange } from './hints.ts'
import { compactSamples, pruneSamples, readHistory } from './sample-hours.ts'
import { createSampleWriter } from './sample-writer.ts'

export function createSamples(database: Database, hints: HintExchange): SampleLog {
  return {
    ...createSampleWriter(database, hints.tell),
    async read(afterId, filter, limit) {
      const { project = null, environment = null, services = null } = filter ?? {}
      const values = [afterId, project, environment, services, limit]
      const rows = await database.query<SampleBatch & { head: number }>(readBatches, values)
      const batches = rows.filter(row => row.id !== null).map(({ head: _, ...batch }) => batch)
      const head = rows[0]?.head ?? 0
      // A full page ends at its last batch; a page that is not full ends where the log ended when it was read.
      const cursor = batches.length >= limit ? batches.at(-1)!.id : Math.max(afterId, head)
      return { batches, cursor }
    },
    async head() {
      const rows = await database.query<{ id: number }>(readHead, [])
      return rows[0]!.id
    },
    async idBefore(receivedAt) {
      const rows = await database.query<{ id: number }>(readIdBefore, [receivedAt])
      return rows[0]?.id ?? 0
    },
    subscribe: listener => hints.subscribe(hint => isOfSamples(hint) && listener(hint)),
    compact: () => compactSamples(database),
    prune: () => pruneSamples(database),
    history: query => readHistory(database, query),
  }
}

function isOfSamples(hint: Hint): hint is Extract<Hint, { kind: 'samples' | 'reconnected' }> {
  return hint.kind === 'samples' || hint.kind === 'reconnected'
}

/** The newest id is read in the same snapshot, so that the cursor moves past batches of other services safely. */
const readBatches: Statement = {
  name: 'read-sample-batches',
  doing: 'read samples',
  text: `with head as materialized (select coalesce(max(id), 0) as head from sample_batch),
    found as (
      select id, project, environment, service, received_at, trusted, samples from sample_batch
      where id > $1 and ($2::text is null or project = $2 and environment = $3 and service = any ($4::text[]))
      order by id limit $5)
    select head.head, id, project, environment, service, received_at as "receivedAt", trusted, samples
    from head left join found on true order by id`,
}

const readHead: Statement = {
  name: 'read-sample-head',
  doing: 'read the head of the sample log',
  text: 'select coalesce(max(id), 0) as id from sample_batch',
}

const readIdBefore: Statement = {
  name: 'read-sample-id-before',
  doing: 'find a place in the sample log',
  text: 'select id from sample_batch where received_at < $1::bigint order by received_at desc, id desc limit 1',
}
