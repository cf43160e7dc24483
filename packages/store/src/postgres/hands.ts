import type { HandRow, HandStore } from '@dankai/engine'
import type { Database, Query, Statement } from './database.ts'
import type { Tell } from './hints.ts'

/**
 * Hands: where exposure should be, and where it was last read.
 *
 * 1. A reading counts only for the present generation, so a late answer never says "reached" of something newer.
 * 2. The release is locked before its hands, as a commit does, so that the two never wait for each other.
 * 3. A reading wakes the release when it says something new; readings that repeat do not.
 */
export function createHands(database: Database, tell: Tell): HandStore {
  return {
    handsOf: releaseId => readHandsOf(database.urgent, releaseId),
    async handsDue(observeAfterMs, limit) {
      const rows = await database.query<{ id: string }>(handsDue, [await database.now(), observeAfterMs, limit])
      return rows.map(row => row.id)
    },
    async recordReading(releaseId, handId, reading) {
      const values = [await database.now(), releaseId, handId, reading.generation, JSON.stringify(reading)]
      const woken = await database.urgent(recordReading, [...values, reading.reached, reading.at])
      if (woken.length > 0) tell([{ kind: 'wake', releaseId }])
    },
  }
}

export function readHandsOf(query: Query, releaseId: string): Promise<HandRow[]> {
  return query<HandRow>(handsOf, [releaseId])
}

const handsOf: Statement = {
  name: 'hands-of-release',
  doing: 'read the hands of a release',
  text: `select h.release_id as "releaseId", r.project, r.environment, h.hand, h.position - 1 as position, h.desired,
      h.generation, h.direction, h.reading, h.desired_at as "desiredAt"
    from hand h join release r on r.id = h.release_id where h.release_id = $1::uuid order by h.position`,
}

const handsDue: Statement = {
  name: 'hands-due',
  doing: 'find hands to move or read',
  text: `select release_id as id from hand
    where live and (not reached or read_at <= now_ms($1) - $2::bigint)
    group by release_id order by min(case direction when 'lower' then 0 else 1 end), min(coalesce(read_at, 0)), release_id
    limit $3`,
}

/** `readings` counts repetitions: only that there is a second one matters ("reached its floor twice"). */
const recordReading: Statement = {
  name: 'record-hand-reading',
  doing: 'write the reading of a hand',
  text: `with locked as materialized (select r.id from release r where r.id = $2::uuid for update),
    before as (
      select h.reading from locked join hand h on h.release_id = locked.id
      where h.hand_id = $3 and h.generation = $4::bigint for update of h),
    recorded as (
      update hand h set reading = $5::json, reached = $6, read_at = $7
      from before where h.release_id = $2::uuid and h.hand_id = $3
      returning before.reading is null
        or (before.reading ->> 'reached') is distinct from ($5::json ->> 'reached')
        or (before.reading ->> 'share') is distinct from ($5::json ->> 'share')
        or (before.reading ->> 'problem') is distinct from ($5::json ->> 'problem')
        or (before.reading ->> 'generation') is distinct from ($5::json ->> 'generation')
        or least((before.reading ->> 'readings')::integer, 2) is distinct from least(($5::json ->> 'readings')::integer, 2)
        as is_news),
    woken as (
      update release r set wake_at = least(r.wake_at, now_ms($1))
      from recorded where recorded.is_news and r.id = $2::uuid returning r.id)
    select id from woken`,
}
