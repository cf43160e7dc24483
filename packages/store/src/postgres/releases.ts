import type { EvidenceCheckpoint } from '@dankai/analysis'
import type { HandReading, ReleaseState, ReleaseStatus } from '@dankai/core'
import {
  deadAfterMs,
  type EndedCommand,
  type LoadedRelease,
  lateAfterMs,
  type ReleaseInbox,
  type ReleaseStore,
  type ReleaseTouch,
} from '@dankai/engine'
import type { CompiledPlan } from '@dankai/plan'
import { commitRelease } from './commit-release.ts'
import { createRelease } from './create-release.ts'
import type { Database, Statement } from './database.ts'
import type { Tell } from './hints.ts'
import type { Instances } from './instances.ts'

/**
 * Releases and who decides them.
 *
 * 1. A claim raises the fence; every write names the fence and seq it was decided from, and writes nothing when either
 *    moved on. So of two instances that believe they own a release, the one that claimed last wins.
 * 2. An owner is an instance and its epoch; it is alive while it beats.
 * 3. Whoever locks several releases does so in the order of their ids.
 * 4. A release is live until it ended and nothing will wake it any more (a follow-up may still be due).
 */
export function createReleases(database: Database, instances: Instances, tell: Tell): ReleaseStore {
  return {
    createRelease: release => createRelease(database, release, tell),
    commit: commit => commitRelease(database, commit, tell),
    async claimDue(owner, limit) {
      const [now, epoch] = [await database.now(), await instances.epochOf(owner)]
      const rows = await database.query<LoadedRow>(claimDue, [now, owner, epoch, limit, deadAfterMs, lateAfterMs])
      return rows.map(toLoaded)
    },
    async claim(owner, releaseId) {
      const rows = await database.query<LoadedRow>(claimOne, [owner, await instances.epochOf(owner), releaseId])
      return rows[0] === undefined ? null : toLoaded(rows[0])
    },
    async inbox(releases) {
      const rows = await database.query<InboxRow>(readInbox, columnsOf(releases))
      return rows.map(
        row =>
          ({ id: row.id, seq: row.seq, results: row.results ?? [], hands: row.hands ?? {} }) satisfies ReleaseInbox,
      )
    },
    async touch(touches) {
      if (touches.length === 0) return []
      const rows = await database.query<{ id: string }>(touchReleases, touchColumns(touches))
      const touched = new Set(rows.map(row => row.id))
      return touches.filter(touch => !touched.has(touch.releaseId)).map(touch => touch.releaseId)
    },
    async readPlan(releaseId) {
      const rows = await database.urgent<{ plan: CompiledPlan }>(readPlan, [releaseId])
      return rows[0]?.plan ?? null
    },
    async nextWakeAt() {
      const rows = await database.query<{ at: number | null }>(nextWakeAt, [])
      return rows[0]?.at ?? null
    },
    async wake(releaseIds) {
      if (releaseIds.length === 0) return
      const rows = await database.query<{ id: string }>(wakeReleases, [await database.now(), releaseIds])
      tell(rows.map(({ id }) => ({ kind: 'wake', releaseId: id })))
    },
    async completedPlans(project, environment) {
      const rows = await database.query<{ plan: string }>(completedPlans, [project, environment])
      return rows.map(row => row.plan)
    },
  }
}

interface LoadedRow {
  readonly id: string
  readonly project: string
  readonly environment: string
  readonly fence: number
  readonly decidedAt: number
  readonly state: ReleaseState
  readonly status: ReleaseStatus
  readonly plan: CompiledPlan
  readonly cursor: number | null
  readonly writtenAt: number | null
  readonly checkpoint: EvidenceCheckpoint | null
  readonly results: readonly EndedCommand[] | null
  readonly hands: Readonly<Record<string, HandReading>> | null
}

interface InboxRow {
  readonly id: string
  readonly seq: number
  readonly results: readonly EndedCommand[] | null
  readonly hands: Readonly<Record<string, HandReading>> | null
}

function toLoaded(row: LoadedRow): LoadedRelease {
  const { cursor, writtenAt, checkpoint, results, hands, ...release } = row
  return {
    ...release,
    evidence: cursor === null ? null : { cursor, checkpoint, writtenAt: writtenAt ?? 0 },
    results: results ?? [],
    hands: hands ?? {},
  }
}

function columnsOf(releases: readonly { readonly id: string; readonly fence: number }[]): readonly unknown[] {
  return [releases.map(release => release.id), releases.map(release => release.fence)]
}

function touchColumns(touches: readonly ReleaseTouch[]): readonly unknown[] {
  return [
    touches.map(touch => touch.releaseId),
    touches.map(touch => touch.fence),
    touches.map(touch => touch.wakeAt),
    touches.map(touch => touch.decidedAt),
    touches.map(touch => (touch.status === null ? null : JSON.stringify(touch.status))),
  ]
}

const isAlive = `exists (select from instance i
  where i.id = r.owner and i.epoch = r.owner_epoch and i.seen_at > clock.now - $5::bigint)`

const unfoldedResults = `(select json_agg(json_build_object(
    'slot', c.slot, 'outcome', c.status, 'detail', c.detail, 'output', c.output, 'at', c.ended_at) order by c.ended_at, c.slot)
  from command c where c.release_id = r.id and c.ended_at is not null and not c.folded)`

const handReadings = `(select json_object_agg(h.hand_id, h.reading)
  from hand h where h.release_id = r.id and h.reading is not null)`

const loadedColumns = `r.id, r.project, r.environment, r.fence, r.decided_at as "decidedAt", r.state, r.status,
  (select plan from release_plan p where p.release_id = r.id and p.revision = r.revision) as plan,
  e.cursor, e.checkpoint, e.written_at as "writtenAt", ${unfoldedResults} as results, ${handReadings} as hands`

/**
 * Candidates are found without locks and locked only if nobody claimed them since (the same fence); rows another
 * instance is just claiming are skipped, not waited for.
 */
const claimDue: Statement = {
  name: 'claim-due-releases',
  doing: 'claim releases that are due',
  text: `with clock as materialized (select now_ms($1) as now),
    unattended as (
      select r.id, r.fence, r.wake_at from release r, clock
      where (r.ended_at is null or r.wake_at is not null) and r.owner is not null
        and (r.owner, r.owner_epoch) is distinct from ($2, $3::integer) and not ${isAlive}
      order by r.wake_at nulls last limit $4),
    waiting as (
      select r.id, r.fence, r.wake_at from release r, clock
      where r.wake_at <= clock.now
        and (r.owner is null
          or r.wake_at <= clock.now - $6::bigint and (r.owner, r.owner_epoch) is distinct from ($2, $3::integer))
      order by r.wake_at limit $4),
    candidate as (select * from unattended union select * from waiting),
    locked as (
      select r.id from release r join candidate c on c.id = r.id and c.fence = r.fence
      order by c.wake_at nulls last limit $4 for update of r skip locked),
    claimed as (
      update release r set owner = $2, owner_epoch = $3, fence = r.fence + 1
      from locked where locked.id = r.id returning r.*)
    select ${loadedColumns} from claimed r left join evidence e on e.release_id = r.id order by r.wake_at nulls last, r.id`,
}

const claimOne: Statement = {
  name: 'claim-release',
  doing: 'claim a release',
  text: `with claimed as (
      update release r set owner = $1, owner_epoch = $2, fence = r.fence + 1 where r.id = $3::uuid returning r.*)
    select ${loadedColumns} from claimed r left join evidence e on e.release_id = r.id`,
}

const readInbox: Statement = {
  name: 'read-release-inbox',
  doing: 'read what arrived for releases',
  text: `select r.id, r.seq, ${unfoldedResults} as results, ${handReadings} as hands
    from unnest($1::uuid[], $2::bigint[]) as asked (id, fence) join release r on r.id = asked.id and r.fence = asked.fence`,
}

const touchReleases: Statement = {
  name: 'touch-releases',
  doing: 'write when releases are decided next',
  text: `with touch as materialized (
      select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
        as touch (id, fence, wake_at, decided_at, status)),
    locked as materialized (
      select r.id from release r where r.id = any ($1::uuid[]) order by r.id for update)
    update release r set
      decided_at = greatest(r.decided_at, touch.decided_at),
      status = coalesce(touch.status::json, r.status),
      wake_at = touch.wake_at
    from touch join locked on locked.id = touch.id
    where r.id = touch.id and r.fence = touch.fence returning r.id`,
}

const readPlan: Statement = {
  name: 'read-release-plan',
  doing: 'read the plan of a release',
  text: `select p.plan from release r join release_plan p on p.release_id = r.id and p.revision = r.revision
    where r.id = $1::uuid`,
}

const nextWakeAt: Statement = {
  name: 'next-wake-at',
  doing: 'read when the next release is due',
  text: 'select min(wake_at) as at from release where wake_at is not null',
}

const wakeReleases: Statement = {
  name: 'wake-releases',
  doing: 'wake releases',
  text: `with locked as materialized (
      select id from release where id = any ($2::uuid[]) order by id for update),
    woken as (
      update release r set wake_at = least(r.wake_at, now_ms($1)) from locked where r.id = locked.id returning r.id)
    select id from woken`,
}

const completedPlans: Statement = {
  name: 'completed-plans',
  doing: 'read which plans are completed',
  text: `select plan from (
      select distinct on (plan) plan, lifecycle from release where project = $1 and environment = $2
      order by plan, started_at desc, id desc) newest
    where lifecycle = 'completed' order by plan limit 1000`,
}
