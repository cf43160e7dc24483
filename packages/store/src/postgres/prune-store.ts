import type { SdkStore } from '../flag-ports.ts'
import { retention } from '../retention.ts'
import type { SampleLog } from '../sample-ports.ts'
import type { Database, Statement } from './database.ts'
import { deleteOldExposures } from './exposure-statements.ts'

/** Housekeeping, cut into small statements, because a long one would hold others up. */
const rowsAtOnce = 1_000

export async function pruneStore(database: Database, samples: SampleLog, sdks: SdkStore): Promise<void> {
  await samples.prune()
  await sdks.forget(retention.sdksMs)
  const now = await database.now()
  await deleteAll(database, deleteOldCommands, [now, retention.commandsMs, rowsAtOnce])
  await deleteAll(database, deleteOldFlagVersions, [now, retention.flagVersionsMs, rowsAtOnce])
  await deleteAll(database, deleteOldFlagUsage, [now, retention.flagVersionsMs, rowsAtOnce])
  await deleteAll(database, deleteOldFlagChanges, [now, retention.flagVersionsMs, rowsAtOnce])
  for (const { statement, kept } of deleteOldExposures)
    await deleteAll(database, statement, [now, retention[kept], rowsAtOnce])
  await deleteAll(database, deleteOldReleases, [now, retention.releasesMs, rowsAtOnce])
}

async function deleteAll(database: Database, statement: Statement, values: readonly unknown[]): Promise<void> {
  while ((await database.query(statement, values)).length === rowsAtOnce);
}

const deleteOldCommands: Statement = {
  name: 'delete-old-commands',
  doing: 'remove old commands',
  text: `with old as (
      select c.id from command c join release r on r.id = c.release_id
      where r.ended_at < now_ms($1) - $2::bigint and r.wake_at is null and c.ended_at is not null and c.folded limit $3)
    delete from command c using old where c.id = old.id returning c.id`,
}

/** The newest version of a flag stays, however old: it is what the flag is. */
const deleteOldFlagVersions: Statement = {
  name: 'delete-old-flag-versions',
  doing: 'remove old versions of flags',
  text: `with old as (
      select v.project, v.environment, v.key, v.version from flag_version v
      where v.at < now_ms($1) - $2::bigint and exists (select from flag_version newer
        where newer.project = v.project and newer.environment = v.environment and newer.key = v.key
          and newer.version > v.version)
      limit $3)
    delete from flag_version v using old
    where v.project = old.project and v.environment = old.environment and v.key = old.key and v.version = old.version
    returning v.version`,
}

const deleteOldFlagUsage: Statement = {
  name: 'delete-old-flag-usage',
  doing: 'forget old evaluations of flags',
  text: `with old as (select ctid from flag_usage where last_at < now_ms($1) - $2::bigint limit $3)
    delete from flag_usage u using old where u.ctid = old.ctid returning u.flag`,
}

const deleteOldFlagChanges: Statement = {
  name: 'delete-old-flag-changes',
  doing: 'remove old planned changes of flags',
  text: `with old as (select id from flag_change where ended_at < now_ms($1) - $2::bigint limit $3)
    delete from flag_change c using old where c.id = old.id returning c.id`,
}

const deleteOldReleases: Statement = {
  name: 'delete-old-releases',
  doing: 'remove old releases',
  text: `with old as (
      select id from release where ended_at < now_ms($1) - $2::bigint and wake_at is null order by ended_at limit $3)
    delete from release r using old where r.id = old.id returning r.id`,
}
