import type { Statement } from './database.ts'

export const acceptNumbers: Statement = {
  name: 'accept-exposure-numbers',
  doing: 'note which exposures were sent',
  text: `with incoming as materialized (
      select * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
        with ordinality as incoming (project, environment, sdk, batch_no, ordinal)),
    accepted as (
      insert into exposure_sdk as known (project, environment, sdk, highest, seen_at)
      select project, environment, sdk, batch_no, now_ms($1) from incoming order by project, environment, sdk
      on conflict (project, environment, sdk) do update set highest = excluded.highest, seen_at = excluded.seen_at
      where excluded.highest > known.highest
      returning project, environment, sdk)
    select ordinal from incoming join accepted using (project, environment, sdk)`,
}

/** Rows are locked in order of their keys, because several instances write the same flags. */
export const insertExposures: Statement = {
  name: 'insert-exposures',
  doing: 'write exposures',
  text: `with given as materialized (
      select * from unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::text[])
        as given (project, environment, user_digest, at, flag, variant)),
    users as (
      select project, environment, user_digest, flag, (array_agg(variant order by at, variant))[1] as variant,
        min(at) as first_at, count(distinct variant) > 1 as switched
      from given group by project, environment, user_digest, flag),
    known_now as (
      insert into exposure_user as known (project, environment, user_digest, flag, variant, first_at, switched)
      select * from users order by project, environment, user_digest, flag
      on conflict (project, environment, user_digest, flag) do update set
        switched = known.switched or excluded.switched or excluded.variant <> known.variant,
        variant = case when excluded.first_at < known.first_at then excluded.variant else known.variant end,
        first_at = least(known.first_at, excluded.first_at)
      where excluded.first_at < known.first_at
        or (not known.switched and (excluded.switched or excluded.variant <> known.variant))
      returning project, environment, flag, variant, first_at, xmax = 0 as is_new),
    counts as (
      select project, environment, flag, variant, at - at % 3600000 as hour, 1 as exposures, 0 as users from given
      union all
      select project, environment, flag, variant, first_at - first_at % 3600000, 0, 1 from known_now where is_new)
    insert into exposure_hour as known (project, environment, flag, hour, variant, exposures, users)
    select project, environment, flag, hour, variant, sum(exposures), sum(users) from counts
    group by project, environment, flag, hour, variant order by project, environment, flag, hour, variant
    on conflict (project, environment, flag, hour, variant) do update
      set exposures = known.exposures + excluded.exposures, users = known.users + excluded.users`,
}

export const insertOutcomes: Statement = {
  name: 'insert-outcomes',
  doing: 'write outcomes',
  text: `with given as materialized (
      select * from unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::double precision[])
        as given (project, environment, user_digest, at, event, value))
    insert into exposure_outcome as known (project, environment, user_digest, flag, event, times, sum)
    select project, environment, user_digest, flag, event, count(*), sum(value)
    from given join exposure_user using (project, environment, user_digest) where at >= first_at
    group by project, environment, user_digest, flag, event order by project, environment, user_digest, flag, event
    on conflict (project, environment, user_digest, flag, event) do update
      set times = known.times + excluded.times, sum = known.sum + excluded.sum`,
}

export const readHours: Statement = {
  name: 'read-exposure-hours',
  doing: 'read exposures by hour',
  text: `select hour, variant, exposures, users from exposure_hour
    where project = $1 and environment = $2 and flag = $3 and hour >= $4 and hour < $5
    order by hour, variant collate "C" limit $6`,
}

export const readVariants: Statement = {
  name: 'read-exposed-variants',
  doing: 'read who was given which variant',
  text: `select variant, count(*) filter (where not switched) as users, count(*) filter (where switched) as switched,
      min(first_at) as "firstAt", max(first_at) as "lastAt"
    from exposure_user where project = $1 and environment = $2 and flag = $3 group by variant order by variant collate "C"`,
}

export const readOutcomes: Statement = {
  name: 'read-outcomes',
  doing: 'read the outcomes of a flag',
  text: `select variant, count(*) as users, count(o.sum) as converted, coalesce(sum(o.times), 0)::bigint as times,
      coalesce(sum(o.sum), 0) as sum, coalesce(sum(o.sum * o.sum), 0) as "sumOfSquares"
    from exposure_user u left join exposure_outcome o
      on o.project = u.project and o.environment = u.environment and o.user_digest = u.user_digest
        and o.flag = u.flag and o.event = $4
    where u.project = $1 and u.environment = $2 and u.flag = $3 and not u.switched
    group by variant order by variant collate "C"`,
}

export const readEvents: Statement = {
  name: 'read-outcome-events',
  doing: 'read the events of a flag',
  text: `select distinct event collate "C" as event from exposure_outcome
    where project = $1 and environment = $2 and flag = $3 order by event limit $4`,
}

export const readFirst: Statement = {
  name: 'read-first-exposure',
  doing: 'read the first exposure of a user',
  text: `select variant, first_at as at, switched from exposure_user
    where project = $1 and environment = $2 and flag = $3 and user_digest = $4`,
}

export const forgetUsers: Statement = {
  name: 'forget-exposed-users',
  doing: 'forget who was exposed to a flag',
  text: `with few as (
      select project, environment, user_digest, flag from exposure_user
      where project = $1 and environment = $2 and flag = $3 order by user_digest limit $4)
    delete from exposure_user u using few
    where u.project = few.project and u.environment = few.environment and u.user_digest = few.user_digest
      and u.flag = few.flag returning u.flag`,
}

const deleteOld = (table: string, key: string, column: string): string => `with old as (
      select ${key} from ${table} where ${column} < now_ms($1) - $2::bigint order by ${column} limit $3)
    delete from ${table} using old where (${prefixed(table, key)}) = (${prefixed('old', key)}) returning ${table}.project`

const prefixed = (table: string, key: string): string =>
  key
    .split(', ')
    .map(column => `${table}.${column}`)
    .join(', ')

/** By the age of what each table keeps; the outcomes of a user go with the user. */
export const deleteOldExposures: readonly {
  readonly statement: Statement
  readonly kept: 'exposureHoursMs' | 'exposedUsersMs' | 'sdksMs'
}[] = [
  {
    kept: 'exposureHoursMs',
    statement: {
      name: 'delete-old-exposure-hours',
      doing: 'remove old counts of exposures',
      text: deleteOld('exposure_hour', 'project, environment, flag, hour, variant', 'hour'),
    },
  },
  {
    kept: 'exposedUsersMs',
    statement: {
      name: 'delete-old-exposed-users',
      doing: 'forget users exposed long ago',
      text: deleteOld('exposure_user', 'project, environment, user_digest, flag', 'first_at'),
    },
  },
  {
    kept: 'sdksMs',
    statement: {
      name: 'delete-old-exposure-sdks',
      doing: 'forget SDKs that sent exposures',
      text: deleteOld('exposure_sdk', 'project, environment, sdk', 'seen_at'),
    },
  },
]
