import type { AuditEntry, AuditLog, SettingStore } from '../document-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit } from '../scope.ts'
import type { Database, Statement } from './database.ts'

/** Who did what. The table refuses changes and deletions itself. */
export function createAudit(database: Database): AuditLog {
  return {
    async append({ project, environment, by, action, subject, why, detail }) {
      const values = [await database.now(), project, environment, by, action, subject, why, JSON.stringify(detail)]
      return (await database.query<AuditEntry>(appendEntry, values))[0]!
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const before = request.after == null ? null : Number(request.after)
      const { project = null, environment = null } = scope ?? {}
      const values = [project, environment, request.subject ?? null, before, limit + 1]
      return pageOf(await database.query<AuditEntry>(listEntries, values), limit, entry => String(entry.id))
    },
  }
}

export function createSettings(database: Database): SettingStore {
  return {
    async get({ project, environment }, name) {
      const rows = await database.query<{ value: unknown }>(readSetting, [project, environment, name])
      return rows[0]?.value ?? null
    },
    async put({ project, environment }, name, value) {
      await database.query(writeSetting, [project, environment, name, JSON.stringify(value)])
    },
  }
}

const appendEntry: Statement = {
  name: 'append-audit-entry',
  doing: 'write the audit log',
  text: `insert into audit (at, project, environment, by, action, subject, why, detail)
    values (now_ms($1), $2, $3, $4, $5, $6, $7, $8)
    returning id, project, environment, at, by, action, subject, why, detail`,
}

const listEntries: Statement = {
  name: 'list-audit-entries',
  doing: 'read the audit log',
  text: `select id, project, environment, at, by, action, subject, why, detail from audit
    where ($1::text is null or project = $1 and environment = $2) and ($3::text is null or subject = $3)
      and ($4::bigint is null or id < $4)
    order by id desc limit $5`,
}

const readSetting: Statement = {
  name: 'read-setting',
  doing: 'read a setting',
  text: 'select value from setting where project = $1 and environment = $2 and name = $3',
}

const writeSetting: Statement = {
  name: 'write-setting',
  doing: 'write a setting',
  text: `insert into setting (project, environment, name, value) values ($1, $2, $3, $4)
    on conflict (project, environment, name) do update set value = excluded.value`,
}
