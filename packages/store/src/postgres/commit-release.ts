import type { Commit } from '@dankai/engine'
import type { Hint } from '../hint-ports.ts'
import { changesNothingButTime, shareOf } from '../release-row.ts'
import type { Scope } from '../scope.ts'
import { lanesOf, toCommandRow } from './create-release.ts'
import type { Database, Statement } from './database.ts'
import type { Tell } from './hints.ts'

/**
 * The fenced transaction, as one statement and one round trip: everything hangs on the first update, which touches
 * nothing unless seq and fence are what the decision was made from.
 *
 * 1. Parts see the rows as they were before the statement, so a rollback that plans its own commands while it
 *    supersedes "all" does not supersede those.
 * 2. An end is final: no later commit gives a release its hands back.
 */
export async function commitRelease(database: Database, commit: Commit, tell: Tell): Promise<'committed' | 'lost'> {
  if (changesNothingButTime(commit)) {
    const rows = await database.query(commitQuietly, quietValues(commit))
    return rows.length > 0 ? 'committed' : 'lost'
  }
  const now = await database.now()
  // Lowering exposure has connections of its own: ordinary work must not be able to delay it.
  const send = commit.desired?.direction === 'lower' || commit.superseded === 'all' ? database.urgent : database.query
  const rows = await send<Scope>(commitFully, [...quietValues(commit), ...changeValues(commit, now)])
  if (rows[0] === undefined) return 'lost'
  tell(hintsOf(commit, rows[0]))
  return 'committed'
}

function hintsOf(
  { releaseId, events, desired, commands, state }: Commit,
  { project, environment }: Scope,
): readonly Hint[] {
  const hints: Hint[] = lanesOf(commands).map(lane => ({ kind: 'commands', lane }))
  if (desired !== null) hints.unshift({ kind: 'hands', releaseId, direction: desired.direction })
  if (events.length > 0) hints.push({ kind: 'events', releaseId, project, environment, seq: state.seq })
  return hints
}

function quietValues(commit: Commit): readonly unknown[] {
  const { releaseId, fence, expectedSeq, status, wakeAt, decidedAt } = commit
  return [releaseId, fence, expectedSeq, JSON.stringify(status), wakeAt, decidedAt]
}

function changeValues(commit: Commit, now: number | null): readonly unknown[] {
  const { state, events, desired, evidence, plan, superseded } = commit
  return [
    now,
    state.seq,
    events.length === 0 ? null : JSON.stringify(state),
    state.lifecycle.kind,
    shareOf(state),
    commit.ended,
    JSON.stringify(events),
    JSON.stringify(commit.commands.map(toCommandRow)),
    superseded === 'all',
    superseded === 'all' ? [] : superseded,
    commit.folded,
    desired === null ? null : JSON.stringify(desired.exposure),
    desired?.generation ?? null,
    desired?.direction ?? null,
    evidence === null ? null : JSON.stringify(evidence.checkpoint),
    evidence?.cursor ?? null,
    plan === null ? null : JSON.stringify(plan.plan),
    plan?.digest ?? null,
    state.revision,
  ]
}

const commitQuietly: Statement = {
  name: 'commit-release-quietly',
  doing: 'write a decision that changes nothing',
  text: `update release r set status = $4, decided_at = $6, wake_at = $5
    where id = $1::uuid and fence = $2 and seq = $3 returning 1 as committed`,
}

const commitFully: Statement = {
  name: 'commit-release',
  doing: 'write a decision',
  text: `with updated as (
      update release r set status = $4, decided_at = $6, wake_at = $5,
        seq = $8, state = coalesce($9::json, r.state), lifecycle = $10, share = $11,
        ended_at = case when $12::boolean then coalesce(r.ended_at, now_ms($7)) else r.ended_at end,
        revision = case when $23::json is null then r.revision else $25::integer end,
        plan_digest = coalesce($24::text, r.plan_digest)
      where id = $1::uuid and fence = $2 and seq = $3
      returning id, project, environment),
    events as (
      insert into release_event (release_id, seq, at, type, body)
      select updated.id, (event ->> 'seq')::integer, (event ->> 'at')::bigint, event -> 'body' ->> 'type', event -> 'body'
      from updated, json_array_elements($13::json) as event),
    superseded as (
      update command c set status = 'superseded', ended_at = now_ms($7), folded = true
      from updated where c.release_id = updated.id and c.status = 'planned' and ($15::boolean or c.slot = any ($16::text[]))),
    folded as (
      update command c set folded = true
      from updated where c.release_id = updated.id and c.ended_at is not null and c.slot = any ($17::text[])),
    planned as (
      insert into command (id, release_id, slot, lane, effect_class, command, status, planned_at, not_before, expires_at)
      select (item ->> 'id')::uuid, updated.id, item -> 'command' ->> 'slot', item -> 'command' ->> 'lane',
        item -> 'command' ->> 'effectClass', item -> 'command', 'planned', now_ms($7), now_ms($7),
        (item -> 'command' ->> 'expiresAt')::bigint
      from updated, json_array_elements($14::json) as item
      on conflict (release_id, slot) do nothing),
    moved as (
      update hand h set live = h.live and not $12::boolean,
        desired = coalesce($18::json, h.desired), generation = coalesce($19::bigint, h.generation),
        direction = coalesce($20, h.direction), desired_at = case when $18::json is null then h.desired_at else now_ms($7) end,
        reached = h.reached and $18::json is null
      from updated where h.release_id = updated.id and ($18::json is not null or $12::boolean)),
    evidence as (
      insert into evidence (release_id, cursor, checkpoint, written_at)
      select updated.id, $22::bigint, $21::json, $6::bigint from updated where $21::json is not null
      on conflict (release_id) do update
        set cursor = excluded.cursor, checkpoint = excluded.checkpoint, written_at = excluded.written_at),
    amended as (
      insert into release_plan (release_id, revision, digest, plan)
      select updated.id, $25::integer, $24::text, $23::json from updated where $23::json is not null
      on conflict (release_id, revision) do update set digest = excluded.digest, plan = excluded.plan),
    given_back as (
      delete from hand_claim using updated where hand_claim.release_id = updated.id and $12::boolean),
    held as materialized (
      select f.project, f.environment, f.key from updated join flag f on f.held_by = updated.id
      where $12::boolean order by f.project, f.environment, f.key for update of f),
    freed as (
      update flag f set held_by = null
      from held where f.project = held.project and f.environment = held.environment and f.key = held.key)
    select project, environment from updated`,
}
