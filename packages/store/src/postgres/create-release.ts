import type { Command } from '@dankai/core'
import type { NewRelease } from '@dankai/engine'
import type { Hint } from '../hint-ports.ts'
import { commandsOf, flagKeysOf, newId, shareOf } from '../release-row.ts'
import type { Database, Query, Statement } from './database.ts'
import type { Tell } from './hints.ts'

type Created = { ok: true; id: string } | { ok: false; hand: string; holder: string }

/**
 * All of a release is there, or none. The claims go first: of two releases that want the same hand at the same moment
 * one waits for the other's transaction and then finds the claim taken.
 */
export async function createRelease(database: Database, release: NewRelease, tell: Tell): Promise<Created> {
  const created = await insertWhole(database, release)
  if (created.ok) tell(hintsOf(created.id, release))
  return created
}

function hintsOf(releaseId: string, { project, environment, state, events }: NewRelease): readonly Hint[] {
  return [
    { kind: 'events', releaseId, project, environment, seq: state.seq },
    { kind: 'wake', releaseId },
    { kind: 'hands', releaseId, direction: 'same' },
    ...lanesOf(commandsOf(events)).map(lane => ({ kind: 'commands', lane }) as const),
  ]
}

export function lanesOf(commands: readonly Command[]): readonly Command['lane'][] {
  return [...new Set(commands.map(command => command.lane))]
}

async function insertWhole(database: Database, release: NewRelease): Promise<Created> {
  const id = newId()
  const now = await database.now()
  return database.transaction('start a release', async query => {
    const conflict = await claimHands(query, id, release)
    // Nothing was written yet but claims of this release; they are taken back in the same transaction.
    if (conflict !== null) return { ok: false, ...conflict }
    await query(insertRelease, releaseValues(id, release, now))
    await query(insertParts, partValues(id, release, now))
    return { ok: true, id }
  })
}

async function claimHands(
  query: Query,
  id: string,
  release: NewRelease,
): Promise<{ hand: string; holder: string } | null> {
  const { project, environment, plan } = release
  let missing = plan.hands.map(hand => hand.id).toSorted()
  for (;;) {
    const claimed = await query<{ hand: string }>(insertClaims, [project, environment, id, missing])
    const got = new Set(claimed.map(row => row.hand))
    missing = missing.filter(hand => !got.has(hand))
    if (missing.length === 0) return null
    const holders = await query<{ hand: string; holder: string }>(readHolders, [project, environment, missing])
    if (holders[0] === undefined) continue
    await query(deleteClaims, [id])
    return holders[0]
  }
}

function releaseValues(id: string, release: NewRelease, now: number | null): readonly unknown[] {
  const { plan, state } = release
  return [
    id,
    release.project,
    release.environment,
    plan.name,
    plan.title,
    plan.service,
    release.version,
    state.revision,
    release.planDigest,
    state.startedBy,
    state.startedAt,
    state.lifecycle.kind,
    shareOf(state),
    release.wakeAt,
    state.at,
    state.seq,
    JSON.stringify(state),
    JSON.stringify(release.status),
    now,
  ]
}

function partValues(id: string, release: NewRelease, now: number | null): readonly unknown[] {
  const { plan, state } = release
  const { desired, generation, changedAt } = state.exposure
  return [
    id,
    now,
    JSON.stringify(release.events),
    JSON.stringify(plan),
    release.planDigest,
    state.revision,
    JSON.stringify(plan.hands),
    JSON.stringify(desired),
    generation,
    changedAt,
    JSON.stringify(commandsOf(release.events).map(toCommandRow)),
    release.project,
    release.environment,
    flagKeysOf(plan.hands),
  ]
}

/** What the journal needs beside the command itself. */
export function toCommandRow(command: Command): { readonly id: string; readonly command: Command } {
  return { id: newId(), command }
}

const insertClaims: Statement = {
  name: 'insert-hand-claims',
  doing: 'claim the hands of a release',
  text: `insert into hand_claim (project, environment, hand_id, release_id)
    select $1, $2, hand_id, $3::uuid from unnest($4::text[]) as hand_id order by hand_id
    on conflict do nothing returning hand_id as hand`,
}

const readHolders: Statement = {
  name: 'read-hand-holders',
  doing: 'read which releases hold hands',
  text: `select hand_id as hand, release_id as holder from hand_claim
    where project = $1 and environment = $2 and hand_id = any ($3::text[]) order by hand_id`,
}

const deleteClaims: Statement = {
  name: 'delete-hand-claims',
  doing: 'give claims on hands back',
  text: 'delete from hand_claim where release_id = $1::uuid',
}

const insertRelease: Statement = {
  name: 'insert-release',
  doing: 'store a release',
  text: `insert into release (id, project, environment, plan, plan_title, service, version, revision, plan_digest,
      started_by, started_at, lifecycle, share, wake_at, decided_at, seq, state, status)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, least($15::bigint, now_ms($19)), $16, $17, $18)`,
}

const insertParts: Statement = {
  name: 'insert-release-parts',
  doing: 'store the hands, events and plan of a release',
  text: `with events as (
      insert into release_event (release_id, seq, at, type, body)
      select $1::uuid, (event ->> 'seq')::integer, (event ->> 'at')::bigint, event -> 'body' ->> 'type', event -> 'body'
      from json_array_elements($3::json) as event),
    plan as (
      insert into release_plan (release_id, revision, digest, plan) values ($1::uuid, $6::integer, $5, $4::json)),
    hands as (
      insert into hand (release_id, hand_id, position, hand, desired, generation, direction, desired_at)
      select $1::uuid, hand ->> 'id', position, hand, $8::json, $9::bigint, 'same', $10::bigint
      from json_array_elements($7::json) with ordinality as listed (hand, position)),
    commands as (
      insert into command (id, release_id, slot, lane, effect_class, command, status, planned_at, not_before, expires_at)
      select (planned ->> 'id')::uuid, $1::uuid, planned -> 'command' ->> 'slot', planned -> 'command' ->> 'lane',
        planned -> 'command' ->> 'effectClass', planned -> 'command', 'planned', now_ms($2), now_ms($2),
        (planned -> 'command' ->> 'expiresAt')::bigint
      from json_array_elements($11::json) as planned
      on conflict (release_id, slot) do nothing),
    wanted as materialized (
      select key from flag where project = $12 and environment = $13 and key = any ($14::text[]) order by key for update),
    flags as (
      update flag f set held_by = $1::uuid, generation = 0
      from wanted where f.project = $12 and f.environment = $13 and f.key = wanted.key)
    select`,
}
