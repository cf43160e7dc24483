import type { Event } from '@dankai/core'
import type { CompiledPlan } from '@dankai/plan'
import { pageOf } from '../page-of.ts'
import { pageLimit } from '../scope.ts'
import type { CommandSummary, FeedEntry, ReleaseDetail, ReleaseReader, ReleaseSummary } from '../server-ports.ts'
import type { Database, Statement } from './database.ts'
import { readHandsOf } from './hands.ts'

/**
 * What people and dashboards read. Every list is bounded.
 *
 * The feed gives numbers to events after they are visible, one reader at a time: so its order is the order in which
 * events became visible, whoever wrote them, and no writer waits for it.
 */
export function createReleaseReader(database: Database): ReleaseReader {
  return {
    async list(query) {
      const limit = pageLimit(query)
      const { project = null, environment = null, plan = null, service = null, live = null, after = null } = query
      const values = [project, environment, plan, service, live, after, limit + 1]
      return pageOf(await database.query<ReleaseSummary>(listReleases, values), limit, release => release.id)
    },
    async get(id) {
      const rows = await database.query<Omit<ReleaseDetail, 'hands'>>(readRelease, [id])
      return rows[0] === undefined ? null : { ...rows[0], hands: await readHandsOf(database.query, id) }
    },
    events: (id, afterSeq, limit) => database.query<Event>(readEvents, [id, afterSeq, Math.min(limit, eventsMax)]),
    async feed(afterFeedId, scope, limit) {
      await numberNewEvents(database)
      const { project = null, environment = null } = scope ?? {}
      const values = [afterFeedId, project, environment, Math.min(limit, eventsMax)]
      const rows = await database.query<FeedEntry & { head: number }>(readFeed, values)
      const entries = rows.filter(row => row.feedId !== null).map(({ head: _, ...entry }) => entry)
      const isFull = entries.length >= Math.min(limit, eventsMax)
      return { entries, cursor: isFull ? entries.at(-1)!.feedId : Math.max(afterFeedId, rows[0]?.head ?? 0) }
    },
    async feedHead() {
      await numberNewEvents(database)
      const rows = await database.query<{ head: number }>(readFeedHead, [])
      return rows[0]!.head
    },
    async commands(id, request) {
      const limit = pageLimit(request)
      const rows = await database.query<CommandSummary>(listCommands, [id, request.after ?? null, limit + 1])
      return pageOf(rows, limit, command => command.id)
    },
    async planAt(id, revision) {
      return (await database.query<{ plan: CompiledPlan }>(readPlanAt, [id, revision]))[0]?.plan ?? null
    },
    async holders({ project, environment }) {
      const rows = await database.query<{ hand: string; holder: string }>(readHolders, [project, environment])
      return Object.fromEntries(rows.map(row => [row.hand, row.holder]))
    },
  }
}

const eventsMax = 1_000
const numberedAtOnce = 5_000

async function numberNewEvents(database: Database): Promise<void> {
  const rows = await database.query(findUnfed, [])
  if (rows.length > 0) await database.query(numberEvents, [numberedAtOnce])
}

const summaryColumns = `r.id, r.project, r.environment, r.plan, r.plan_title as "planTitle", r.service, r.version,
  r.lifecycle as stage, r.share, r.seq, r.revision, r.started_at as "startedAt", r.started_by as "startedBy",
  r.ended_at as "endedAt", r.decided_at as "decidedAt", r.wake_at as "wakeAt", r.status`

const listReleases: Statement = {
  name: 'list-releases',
  doing: 'list releases',
  text: `select ${summaryColumns} from release r
    where ($1::text is null or r.project = $1) and ($2::text is null or r.environment = $2)
      and ($3::text is null or r.plan = $3) and ($4::text is null or r.service = $4)
      and ($5::boolean is null or (r.ended_at is null) = $5)
      and ($6::uuid is null or (r.started_at, r.id) < (select b.started_at, b.id from release b where b.id = $6))
    order by r.started_at desc, r.id desc limit $7`,
}

const readRelease: Statement = {
  name: 'read-release',
  doing: 'read a release',
  text: `select ${summaryColumns}, p.plan as "compiledPlan", r.plan_digest as "planDigest", r.state, r.owner, r.fence
    from release r join release_plan p on p.release_id = r.id and p.revision = r.revision where r.id = $1::uuid`,
}

const readEvents: Statement = {
  name: 'read-release-events',
  doing: 'read the events of a release',
  text: 'select seq, at, body from release_event where release_id = $1::uuid and seq > $2 order by seq limit $3',
}

const findUnfed: Statement = {
  name: 'find-unfed-events',
  doing: 'read the feed',
  text: 'select 1 as found from release_event where feed_id is null limit 1',
}

/** Another reader may have numbered some of the pending ones while this one waited for the head: those are left. */
const numberEvents: Statement = {
  name: 'number-feed-events',
  doing: 'number events for the feed',
  text: `with locked as materialized (select head from feed_head for update),
    pending as materialized (
      select e.release_id, e.seq, row_number() over (order by e.at, e.release_id, e.seq) as position
      from release_event e where e.feed_id is null order by e.at, e.release_id, e.seq limit $1),
    numbered as (
      update release_event e set feed_id = locked.head + pending.position from pending, locked
      where e.release_id = pending.release_id and e.seq = pending.seq and e.feed_id is null)
    update feed_head set head = locked.head + (select count(*) from pending) from locked`,
}

const readFeed: Statement = {
  name: 'read-feed',
  doing: 'read the feed',
  text: `with found as (
      select e.feed_id as "feedId", e.release_id as "releaseId", r.project, r.environment, r.plan, r.version,
        json_build_object('seq', e.seq, 'at', e.at, 'body', e.body) as event
      from release_event e join release r on r.id = e.release_id
      where e.feed_id > $1 and ($2::text is null or r.project = $2 and r.environment = $3)
      order by e.feed_id limit $4)
    select feed_head.head, found.* from feed_head left join found on true order by found."feedId"`,
}

const readFeedHead: Statement = { name: 'read-feed-head', doing: 'read the feed', text: 'select head from feed_head' }

const listCommands: Statement = {
  name: 'list-commands',
  doing: 'list the commands of a release',
  text: `select id, slot, command, status, attempt, planned_at as "plannedAt", not_before as "notBefore",
      ended_at as "endedAt", detail, output, late
    from command where release_id = $1::uuid and ($2::uuid is null or id > $2) order by id limit $3`,
}

const readPlanAt: Statement = {
  name: 'read-release-plan-at',
  doing: 'read the plan of a release',
  text: 'select plan from release_plan where release_id = $1::uuid and revision = $2',
}

const readHolders: Statement = {
  name: 'read-all-hand-holders',
  doing: 'read which releases hold hands',
  text: `select hand_id as hand, release_id as holder from hand_claim
    where project = $1 and environment = $2 order by hand_id limit 10000`,
}
