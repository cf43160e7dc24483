import {
  type DueDecision,
  type FlagChange,
  type FlagChangeStore,
  plannedChangesMax,
  type StoredFlag,
} from '../flag-ports.ts'
import { pageOf } from '../page-of.ts'
import { plannedReason } from '../planned-reason.ts'
import { pageLimit } from '../scope.ts'
import type { Database, Query, Statement } from './database.ts'
import { type FlagRow, flagColumns, flagOf, insertFlag, updateFlag } from './flags.ts'

/**
 * Changes of flags at a time.
 *
 * 1. A change ends once: its row is locked until the flag is written and the end is noted and audited, in one
 *    transaction.
 * 2. An instance that comes to a change another one is ending takes the next.
 * 3. A flag that a live release moves is not written; the change has failed then.
 */
export function createFlagChanges(database: Database): FlagChangeStore {
  return {
    async plan({ project, environment, key, at, patch, seenVersion, anyway, by, why }) {
      const values = [project, environment, key, at, JSON.stringify(patch), seenVersion, anyway, by, why]
      const rows = await database.query<FlagChange>(planChange, [await database.now(), ...values, plannedChangesMax])
      return rows[0] ?? null
    },
    async list({ project, environment }, { key = null, ...request }) {
      const limit = pageLimit(request)
      const values = [project, environment, key, request.after ?? null, limit + 1]
      return pageOf(await database.query<FlagChange>(listChanges, values), limit, ({ id }) => id)
    },
    async cancel({ project, environment }, id, detail) {
      const values = [await database.now(), project, environment, id, detail]
      return (await database.query<FlagChange>(cancelChange, values))[0] ?? null
    },
    async endNextDue(decide) {
      const now = await database.now()
      const due = await database.query<{ id: string }>(peekDue, [now])
      if (due.length === 0) return null
      return database.transaction('end a planned change', query => endNext(query, now, decide))
    },
  }
}

async function endNext(
  query: Query,
  now: number | null,
  decide: (change: FlagChange, flag: StoredFlag | null) => DueDecision,
): Promise<FlagChange | null> {
  const [change] = await query<FlagChange>(takeDue, [now])
  if (change === undefined) return null
  const { id, project, environment, key } = change
  const [row] = await query<FlagRow>(lockFlag, [project, environment, key])
  const flag = row === undefined ? null : flagOf(row)
  const end = await carryOut(query, now, change, flag, decide(change, flag))
  return (await query<FlagChange>(endChange, [now, id, end.state, end.detail]))[0] ?? null
}

type End = Pick<FlagChange, 'state' | 'detail'>

async function carryOut(
  query: Query,
  now: number | null,
  change: FlagChange,
  flag: StoredFlag | null,
  decision: DueDecision,
): Promise<End> {
  if ('state' in decision) return decision
  const { project, environment, key, by } = change
  const why = plannedReason(change)
  const values = [now, project, environment, key, JSON.stringify(decision.definition), by, why, null]
  const seen = flag?.version ?? 0
  const [written] = await query<{ version: number }>(
    flag === null ? insertFlag : updateFlag,
    flag === null ? values : [...values, seen, false],
  )
  if (written === undefined)
    return { state: 'failed', detail: flag?.heldBy == null ? 'made by another' : `moved by release ${flag.heldBy}` }
  await query(followVersion, [project, environment, key, seen, written.version])
  return { state: 'done', detail: `version ${written.version}` }
}

const columns = `c.id, c.project, c.environment, c.key, c.at, c.patch, c.seen_version as "seenVersion", c.anyway, c.by,
  c.why, c.made_at as "madeAt", c.state, c.ended_at as "endedAt", c.detail`

const planChange: Statement = {
  name: 'plan-flag-change',
  doing: 'plan a change of a flag',
  text: `insert into flag_change as c (project, environment, key, at, patch, seen_version, anyway, by, why, made_at)
    select $2, $3, $4, $5, $6, $7, $8, $9, $10, now_ms($1)
    where (select count(*) from flag_change where project = $2 and environment = $3 and key = $4 and state = 'planned') < $11::integer
    returning ${columns}`,
}

const listChanges: Statement = {
  name: 'list-flag-changes',
  doing: 'list planned changes of flags',
  text: `select ${columns} from flag_change c
    where c.project = $1 and c.environment = $2 and ($3::text is null or c.key = $3)
      and ($4::uuid is null or (c.made_at, c.id) < (select b.made_at, b.id from flag_change b where b.id = $4))
    order by c.made_at desc, c.id desc limit $5`,
}

const cancelChange: Statement = {
  name: 'cancel-flag-change',
  doing: 'cancel a planned change of a flag',
  text: `update flag_change c set state = 'cancelled', ended_at = now_ms($1), detail = $5
    where c.project = $2 and c.environment = $3 and c.id = $4::uuid and c.state = 'planned' returning ${columns}`,
}

const peekDue: Statement = {
  name: 'peek-due-flag-change',
  doing: 'look for changes of flags that are due',
  text: `select id from flag_change where state = 'planned' and at <= now_ms($1) limit 1`,
}

const takeDue: Statement = {
  name: 'take-due-flag-change',
  doing: 'take a change of a flag that is due',
  text: `select ${columns} from flag_change c where c.state = 'planned' and c.at <= now_ms($1)
    order by c.at, c.made_at, c.id limit 1 for update skip locked`,
}

const lockFlag: Statement = {
  name: 'lock-flag',
  doing: 'lock a flag',
  text: `select ${flagColumns} from flag f where f.project = $1 and f.environment = $2 and f.key = $3 for update`,
}

const endChange: Statement = {
  name: 'end-flag-change',
  doing: 'note the end of a planned change',
  text: `with ended as (
      update flag_change set state = $3, ended_at = now_ms($1), detail = $4 where id = $2::uuid returning *),
    audited as (
      insert into audit (project, environment, at, by, action, subject, why, detail)
      select project, environment, now_ms($1), by, 'planned flag change ' || state, key, why,
        json_build_object('id', id, 'detail', detail) from ended)
    select ${columns} from ended c`,
}

const followVersion: Statement = {
  name: 'follow-flag-version',
  doing: 'let planned changes follow the flag',
  text: `update flag_change set seen_version = $5
    where project = $1 and environment = $2 and key = $3 and state = 'planned' and seen_version = $4`,
}
