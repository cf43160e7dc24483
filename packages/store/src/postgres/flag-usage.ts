import type { FlagUsageStore, FlagUse } from '../flag-usage-ports.ts'
import type { Database, Statement } from './database.ts'

export function createFlagUsage(database: Database): FlagUsageStore {
  return {
    async add(uses) {
      if (uses.length === 0) return
      await database.query(addUses, [
        uses.map(use => use.project),
        uses.map(use => use.environment),
        uses.map(use => use.flag),
        uses.map(use => use.who ?? ''),
        uses.map(use => use.variant ?? ''),
        uses.map(use => Math.min(use.count, Number.MAX_SAFE_INTEGER)),
        uses.map(use => use.lastAt),
      ])
    },
    list: ({ project, environment }, flag) => database.query<FlagUse>(listUses, [project, environment, flag]),
    async last({ project, environment }) {
      const rows = await database.query<LastRow>(lastUses, [project, environment])
      const since = rows.reduce<number | null>((first, row) => Math.min(first ?? row.firstAt, row.firstAt), null)
      return { since, at: new Map(rows.map(({ flag, lastAt }) => [flag, lastAt])) }
    },
  }
}

interface LastRow {
  readonly flag: string
  readonly firstAt: number
  readonly lastAt: number
}

/**
 * Several instances add to the same rows, always in one order. A count stays a number that programs can read, whatever a
 * client in somebody's hands tells: one that is larger could never be read again.
 */
const addUses: Statement = {
  name: 'add-flag-usage',
  doing: 'count evaluations of flags',
  text: `insert into flag_usage as u (project, environment, flag, who, variant, count, first_at, last_at)
    select project, environment, flag, who, variant, least(sum(count), ${Number.MAX_SAFE_INTEGER})::bigint, min(at), max(at)
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
      as a (project, environment, flag, who, variant, count, at)
    group by project, environment, flag, who, variant order by project, environment, flag, who, variant
    on conflict (project, environment, flag, who, variant) do update set
      count = least(u.count + excluded.count, ${Number.MAX_SAFE_INTEGER}), first_at = least(u.first_at, excluded.first_at),
      last_at = greatest(u.last_at, excluded.last_at)`,
}

const listUses: Statement = {
  name: 'list-flag-usage',
  doing: 'read who evaluates a flag',
  text: `select project, environment, flag, nullif(who, '') as who, nullif(variant, '') as variant,
      least(count, ${Number.MAX_SAFE_INTEGER}) as count,
      last_at as "lastAt" from flag_usage
    where project = $1 and environment = $2 and flag = $3 order by last_at desc, who, variant limit 1000`,
}

const lastUses: Statement = {
  name: 'last-flag-usage',
  doing: 'read when flags were evaluated',
  text: `select flag, min(first_at) as "firstAt", max(last_at) as "lastAt" from flag_usage
    where project = $1 and environment = $2 group by flag`,
}
