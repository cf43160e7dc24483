import type { Command } from '@dankai/core'
import { type ClaimedCommand, type CommandStore, deadAfterMs } from '@dankai/engine'
import type { Database, Statement } from './database.ts'
import type { Tell } from './hints.ts'
import type { Instances } from './instances.ts'

/**
 * The journal of effects on the outside.
 *
 *   planned ─▶ claimed ─▶ succeeded | failed | ambiguous
 *      │  ◀─ retry / recover (set, keyed) ─┤   └─▶ ambiguous (ask, owner died)
 *      │  ◀─ given back (never begun) ─────┘
 *      └─▶ superseded | expired
 *
 * 1. Claiming raises attempt and fence; a result counts only for the attempt and fence it was claimed with.
 * 2. What ends wakes its release in the same statement, so no result can be written and then forgotten.
 * 3. A result that comes too late is kept beside the command and never applied.
 * 4. The release is locked before its commands, as a commit does, so that the two never wait for each other.
 */
export function createCommands(database: Database, instances: Instances, tell: Tell): CommandStore {
  const tellWoken = (releaseIds: readonly string[] | null) =>
    tell((releaseIds ?? []).map(releaseId => ({ kind: 'wake', releaseId })))

  return {
    async claimCommands(owner, lane, limit) {
      const [now, epoch] = [await database.now(), await instances.epochOf(owner)]
      const rows = await database.query<ClaimedRow>(claimCommands, [now, owner, epoch, lane, limit])
      tellWoken(rows[0]!.woken)
      return rows[0]!.commands ?? []
    },
    async finishCommand(claimed, result) {
      const { outcome, detail, retryAt } = result
      const output = result.output === null ? null : JSON.stringify(result.output)
      const values = [
        await database.now(),
        claimed.id,
        claimed.attempt,
        claimed.fence,
        outcome,
        detail,
        output,
        retryAt,
      ]
      const rows = await database.query<FinishedRow>(finishCommand, values)
      tellWoken(rows[0]!.woken)
      return rows[0]!.applied ? 'applied' : 'late'
    },
    async giveBackCommands(owner, lane, held) {
      const [now, epoch] = [await database.now(), await instances.epochOf(owner)]
      const kept = held.map(({ id, fence }) => `${id} ${fence}`)
      const rows = await database.query<{ id: string }>(giveBackCommands, [now, owner, epoch, lane, kept])
      tell(rows.length === 0 ? [] : [{ kind: 'commands', lane }])
      return rows.length
    },
    async recoverCommands() {
      const rows = await database.query<RecoveredRow>(recoverCommands, [await database.now(), deadAfterMs])
      tellWoken(rows.filter(row => row.ended).map(row => row.releaseId))
      tell(rows.filter(row => !row.ended).map(({ lane }) => ({ kind: 'commands', lane })))
      return rows.length
    },
    async nextCommandAt() {
      const rows = await database.query<{ at: number | null }>(nextCommandAt, [])
      return rows[0]?.at ?? null
    },
  }
}

interface ClaimedRow {
  readonly woken: readonly string[] | null
  readonly commands: readonly ClaimedCommand[] | null
}

interface FinishedRow {
  readonly woken: readonly string[] | null
  readonly applied: boolean
}

interface RecoveredRow {
  readonly releaseId: string
  readonly lane: Command['lane']
  readonly ended: boolean
}

/** Wakes the releases of the CTE `ended (release_id)`. */
const wakeEnded = `woken as (
      update release r set wake_at = least(r.wake_at, clock.now)
      from clock, (select distinct release_id from ended) e where r.id = e.release_id returning r.id)`

/** What expired before anybody took it ends here: whoever claims looks at the lane anyway. */
const claimCommands: Statement = {
  name: 'claim-commands',
  doing: 'claim commands',
  text: `with clock as materialized (select now_ms($1) as now),
    overdue as (
      select c.id from command c join release r on r.id = c.release_id, clock
      where c.status = 'planned' and c.expires_at <= clock.now
      order by c.id limit 100 for update of r, c skip locked),
    ended as (
      update command c set status = 'expired', ended_at = clock.now, detail = 'expired before it was started'
      from overdue, clock where c.id = overdue.id returning c.release_id),
    ${wakeEnded},
    due as (
      select c.id from command c, clock
      where c.status = 'planned' and c.lane = $4 and c.not_before <= clock.now
        and (c.expires_at is null or c.expires_at > clock.now)
      order by c.not_before, c.id limit $5 for update of c skip locked),
    claimed as (
      update command c set status = 'claimed', owner = $2, owner_epoch = $3, attempt = c.attempt + 1, fence = c.fence + 1
      from due where c.id = due.id returning c.*)
    select (select json_agg(id) from woken) as woken,
      (select json_agg(json_build_object('id', c.id, 'releaseId', c.release_id, 'project', r.project,
          'environment', r.environment, 'command', c.command, 'attempt', c.attempt, 'fence', c.fence)
          order by c.not_before, c.id)
        from claimed c join release r on r.id = c.release_id) as commands`,
}

const finishCommand: Statement = {
  name: 'finish-command',
  doing: 'write the result of a command',
  text: `with clock as materialized (select now_ms($1) as now),
    locked as materialized (
      select r.id from command c join release r on r.id = c.release_id where c.id = $2::uuid for update of r),
    finished as (
      update command c set
        status = case when $8::bigint is null then $5::text else 'planned' end,
        not_before = coalesce($8::bigint, c.not_before),
        ended_at = case when $8::bigint is null then clock.now end,
        detail = $6::text, output = $7::json, owner = null, owner_epoch = null
      from clock, locked
      where c.id = $2::uuid and c.release_id = locked.id and c.attempt = $3 and c.fence = $4 and c.status = 'claimed'
      returning c.release_id, c.ended_at),
    ended as (select release_id from finished where ended_at is not null),
    ${wakeEnded},
    late as (
      update command c set late = c.late || jsonb_build_object(
        'attempt', $3::integer, 'outcome', $5::text, 'detail', $6::text, 'at', clock.now)
      from clock where c.id = $2::uuid and not exists (select from finished) and jsonb_array_length(c.late) < 10)
    select exists (select from finished) as applied, (select json_agg(id) from woken) as woken`,
}

/** Nobody has begun these attempts, so they do not count. */
const giveBackCommands: Statement = {
  name: 'give-back-commands',
  doing: 'give back commands whose claim was not heard of',
  text: `with clock as materialized (select now_ms($1) as now),
    lost as (
      select c.id from command c
      where c.status = 'claimed' and c.owner = $2 and c.owner_epoch = $3 and c.lane = $4
        and not (c.id::text || ' ' || c.fence::text = any($5::text[]))
      order by c.id limit 500 for update of c skip locked)
    update command c set status = 'planned', owner = null, owner_epoch = null, attempt = c.attempt - 1, fence = c.fence + 1,
      not_before = least(c.not_before, clock.now)
    from lost, clock where c.id = lost.id returning c.id`,
}

const recoverCommands: Statement = {
  name: 'recover-commands',
  doing: 'recover commands of dead instances',
  text: `with clock as materialized (select now_ms($1) as now),
    orphan as (
      select c.id from command c join release r on r.id = c.release_id, clock
      where c.status = 'claimed' and not exists (select from instance i
        where i.id = c.owner and i.epoch = c.owner_epoch and i.seen_at > clock.now - $2::bigint)
      order by c.id limit 500 for update of r, c skip locked),
    recovered as (
      update command c set
        status = case when c.effect_class = 'ask' then 'ambiguous' else 'planned' end,
        ended_at = case when c.effect_class = 'ask' then clock.now end,
        detail = 'the instance that ran it died; what came of it is not known',
        fence = c.fence + 1, owner = null, owner_epoch = null,
        not_before = case when c.effect_class = 'ask' then c.not_before else clock.now end
      from orphan, clock where c.id = orphan.id returning c.release_id, c.ended_at, c.lane),
    ended as (select release_id from recovered where ended_at is not null),
    ${wakeEnded}
    select release_id as "releaseId", lane, ended_at is not null as ended from recovered`,
}

const nextCommandAt: Statement = {
  name: 'next-command-at',
  doing: 'read when the next command is due',
  text: `select min(least(not_before, expires_at)) as at from command where status = 'planned'`,
}
