import type {
  AppliedDocument,
  DocumentApply,
  DocumentStore,
  DocumentVersion,
  StoredDocument,
} from '../document-ports.ts'
import { digestOf, documentCursor, parseDocumentCursor } from '../document-row.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit } from '../scope.ts'
import type { Database, Query, Statement } from './database.ts'

/** Documents as they were applied, with every version. Applying the same text again changes nothing. */
export function createDocuments(database: Database): DocumentStore {
  return {
    async apply(apply) {
      const now = await database.now()
      return database.transaction('apply documents', async query => {
        const changes = await compareAll(query, apply)
        if (!apply.dryRun) await writeChanged(query, apply, changes, now)
        return changes
      })
    },
    async get({ project, environment }, kind, name) {
      return (await database.query<StoredDocument>(readDocument, [project, environment, kind, name]))[0] ?? null
    },
    async list({ project, environment }, request) {
      const limit = pageLimit(request)
      const [kind, name] = parseDocumentCursor(request.after)
      const values = [project, environment, request.kind ?? null, kind, name, limit + 1]
      return pageOf(await database.query<StoredDocument>(listDocuments, values), limit, documentCursor)
    },
    helpers: ({ project, environment }) => database.query<StoredDocument>(helperDocuments, [project, environment]),
    async history({ project, environment }, kind, name, request) {
      const limit = pageLimit(request)
      const before = request.after == null ? null : Number(request.after)
      const rows = await database.query<DocumentVersion>(readVersions, [
        project,
        environment,
        kind,
        name,
        before,
        limit + 1,
      ])
      return pageOf(rows, limit, version => String(version.version))
    },
  }
}

/** Rows are locked in one order, so that two applies at once take turns instead of waiting for each other. */
async function compareAll(query: Query, apply: DocumentApply): Promise<readonly AppliedDocument[]> {
  const { project, environment, documents } = apply
  await query(lockDocuments, [project, environment])
  const names = [documents.map(document => document.kind), documents.map(document => document.name)]
  const rows = await query<StoredVersion>(readDigests, [project, environment, ...names])
  const stored = new Map(rows.map(row => [JSON.stringify([row.kind, row.name]), row]))
  return documents.map(({ kind, name, text }) => compare({ kind, name, digest: digestOf(text) }, stored))
}

interface StoredVersion {
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly digest: string
}

function compare(
  document: { readonly kind: string; readonly name: string; readonly digest: string },
  stored: ReadonlyMap<string, StoredVersion>,
): AppliedDocument {
  const before = stored.get(JSON.stringify([document.kind, document.name]))
  if (before === undefined) return { ...document, change: 'created', version: 1 }
  if (before.digest === document.digest) return { ...document, change: 'unchanged', version: before.version }
  return { ...document, change: 'changed', version: before.version + 1 }
}

async function writeChanged(
  query: Query,
  apply: DocumentApply,
  changes: readonly AppliedDocument[],
  now: number | null,
) {
  const texts = new Map(apply.documents.map(({ kind, name, text }) => [JSON.stringify([kind, name]), text]))
  const changed = changes.filter(({ change }) => change !== 'unchanged')
  if (changed.length === 0) return
  await query(writeDocuments, [
    now,
    apply.project,
    apply.environment,
    apply.by,
    apply.why,
    changed.map(({ kind }) => kind),
    changed.map(({ name }) => name),
    changed.map(({ version }) => version),
    changed.map(({ digest }) => digest),
    changed.map(({ kind, name }) => texts.get(JSON.stringify([kind, name]))),
  ])
}

const documentColumns = 'project, environment, kind, name, version, digest, text, applied_at as "appliedAt", by'

const lockDocuments: Statement = {
  name: 'lock-documents',
  doing: 'take turns applying documents',
  text: `select pg_advisory_xact_lock(hashtext(current_schema() || ' documents ' || $1::text || ' ' || $2::text))`,
}

const readDigests: Statement = {
  name: 'read-document-digests',
  doing: 'read documents',
  text: `select d.kind, d.name, d.version, d.digest from unnest($3::text[], $4::text[]) as wanted (kind, name)
    join document d on d.project = $1 and d.environment = $2 and d.kind = wanted.kind and d.name = wanted.name`,
}

const writeDocuments: Statement = {
  name: 'write-documents',
  doing: 'write documents',
  text: `with written as (
      insert into document (project, environment, kind, name, version, digest, text, applied_at, by)
      select $2, $3, kind, name, version, digest, text, now_ms($1), $4
      from unnest($6::text[], $7::text[], $8::integer[], $9::text[], $10::text[]) as d (kind, name, version, digest, text)
      on conflict (project, environment, kind, name) do update set version = excluded.version,
        digest = excluded.digest, text = excluded.text, applied_at = excluded.applied_at, by = excluded.by
      returning *)
    insert into document_version (project, environment, kind, name, version, digest, text, by, why, at)
    select project, environment, kind, name, version, digest, text, by, $5, applied_at from written`,
}

const readDocument: Statement = {
  name: 'read-document',
  doing: 'read a document',
  text: `select ${documentColumns} from document where project = $1 and environment = $2 and kind = $3 and name = $4`,
}

const listDocuments: Statement = {
  name: 'list-documents',
  doing: 'list documents',
  text: `select ${documentColumns} from document
    where project = $1 and environment = $2 and ($3::text is null or kind = $3) and (kind, name) > ($4, $5)
    order by kind, name limit $6`,
}

const helperDocuments: Statement = {
  name: 'helper-documents',
  doing: 'read documents',
  text: `select ${documentColumns} from document
    where project = $1 and environment = $2 and kind <> 'ReleasePlan' order by kind, name limit 1000`,
}

const readVersions: Statement = {
  name: 'read-document-versions',
  doing: 'read the history of a document',
  text: `select version, digest, text, by, why, at from document_version
    where project = $1 and environment = $2 and kind = $3 and name = $4 and ($5::integer is null or version < $5)
    order by version desc limit $6`,
}
