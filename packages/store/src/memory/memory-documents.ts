import {
  type AppliedDocument,
  type AuditEntry,
  type AuditLog,
  activeOverlaysMax,
  type Connection,
  type ConnectionStore,
  type DocumentStore,
  type DocumentVersion,
  type Overlay,
  type OverlayStore,
  type SettingStore,
  type StoredDocument,
} from '../document-ports.ts'
import { digestOf, documentCursor, parseDocumentCursor } from '../document-row.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit, type Scope } from '../scope.ts'
import type { MemoryFlags } from './memory-flags.ts'
import { byText, isIn, type MemoryState, scopedKey } from './memory-state.ts'

export function createMemoryDocuments(state: MemoryState): DocumentStore {
  const documents = new Map<string, StoredDocument>()
  const versions = new Map<string, DocumentVersion[]>()

  function write(
    scope: Scope,
    applied: AppliedDocument,
    text: string,
    by: string,
    why: string | null,
    now: number,
  ): void {
    const { kind, name, version, digest } = applied
    const { project, environment } = scope
    const key = scopedKey(scope, kind, name)
    documents.set(key, { project, environment, kind, name, version, digest, text, appliedAt: now, by })
    versions.set(key, [...(versions.get(key) ?? []), { version, digest, text, by, why, at: now }])
  }

  const inOrder = (scope: Scope) =>
    [...documents.values()]
      .filter(document => isIn(document, scope))
      .toSorted((one, other) => byText(one.kind, other.kind) || byText(one.name, other.name))

  return {
    async apply(apply) {
      const now = await state.now()
      const changes = apply.documents.map(({ kind, name, text }) =>
        compare(documents.get(scopedKey(apply, kind, name)), kind, name, text),
      )
      if (apply.dryRun) return changes
      for (const [index, change] of changes.entries()) {
        if (change.change !== 'unchanged') write(apply, change, apply.documents[index]!.text, apply.by, apply.why, now)
      }
      return changes
    },
    async get(scope, kind, name) {
      return documents.get(scopedKey(scope, kind, name)) ?? null
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const [kind, name] = parseDocumentCursor(request.after)
      const isAfter = (one: StoredDocument) => (byText(one.kind, kind) || byText(one.name, name)) > 0
      const found = inOrder(scope).filter(
        one => isAfter(one) && (request.kind === undefined || one.kind === request.kind),
      )
      return pageOf(found.slice(0, limit + 1), limit, documentCursor)
    },
    async helpers(scope) {
      return inOrder(scope)
        .filter(({ kind }) => kind !== 'ReleasePlan')
        .slice(0, 1_000)
    },
    async history(scope, kind, name, request) {
      const limit = pageLimit(request)
      const before = request.after == null ? Number.POSITIVE_INFINITY : Number(request.after)
      const found = (versions.get(scopedKey(scope, kind, name)) ?? []).filter(({ version }) => version < before)
      return pageOf(found.toReversed().slice(0, limit + 1), limit, ({ version }) => String(version))
    },
  }
}

function compare(before: StoredDocument | undefined, kind: string, name: string, text: string): AppliedDocument {
  const digest = digestOf(text)
  if (before === undefined) return { kind, name, digest, change: 'created', version: 1 }
  if (before.digest === digest) return { kind, name, digest, change: 'unchanged', version: before.version }
  return { kind, name, digest, change: 'changed', version: before.version + 1 }
}

export function createMemoryConnections(state: MemoryState): ConnectionStore {
  const connections = new Map<
    string,
    { readonly connection: Connection; readonly secrets: Readonly<Record<string, string>> }
  >()

  return {
    async put({ project, environment, name, kind, settings, secrets, by }) {
      const now = await state.now()
      const key = scopedKey({ project, environment }, name)
      const before = connections.get(key)
      const kept = secrets ?? before?.secrets ?? {}
      const version = (before?.connection.version ?? 0) + 1
      const secretNames = Object.keys(kept).toSorted()
      const connection = { project, environment, name, kind, settings, secretNames, version, changedAt: now, by }
      connections.set(key, { connection, secrets: kept })
      return connection
    },
    async get(scope, name) {
      return connections.get(scopedKey(scope, name))?.connection ?? null
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const after = request.after ?? ''
      const found = [...connections.values()]
        .map(({ connection }) => connection)
        .filter(one => isIn(one, scope) && one.name > after)
      return pageOf(
        found.toSorted((one, other) => byText(one.name, other.name)).slice(0, limit + 1),
        limit,
        ({ name }) => name,
      )
    },
    async remove(scope, name) {
      return connections.delete(scopedKey(scope, name))
    },
    async secretsOf(scope, name) {
      return connections.get(scopedKey(scope, name))?.secrets ?? null
    },
  }
}

export function createMemoryOverlays(state: MemoryState, flags: MemoryFlags): OverlayStore {
  const overlays = new Map<string, Overlay>()

  function changed(overlay: Overlay): Overlay {
    overlays.set(overlay.id, overlay)
    flags.raiseVersions(overlay)
    state.hints.tell({ kind: 'overlays', project: overlay.project, environment: overlay.environment })
    return overlay
  }

  return {
    async stop({ id, project, environment, stops, by, why }) {
      const now = await state.now()
      const before = overlays.get(id)
      if (before !== undefined) return before
      return changed({
        id,
        project,
        environment,
        stops,
        by,
        why,
        at: now,
        clearedAt: null,
        clearedBy: null,
        clearedWhy: null,
      })
    },
    async clear(id, by, why) {
      const now = await state.now()
      const before = overlays.get(id)
      if (before === undefined || before.clearedAt !== null) return before ?? null
      return changed({ ...before, clearedAt: now, clearedBy: by, clearedWhy: why })
    },
    async active(scope) {
      const found = [...overlays.values()].filter(
        overlay => overlay.clearedAt === null && (scope === null || concerns(overlay, scope)),
      )
      const places = Map.groupBy(found.toSorted(byTime).toReversed(), overlay => scopedKey(overlay))
      const shown = [...places.values()].flatMap(list => list.toSorted(everythingFirst).slice(0, activeOverlaysMax))
      return shown.toSorted(byTime).toReversed()
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const found = [...overlays.values()]
        .filter(overlay => isIn(overlay, scope))
        .toSorted(byTime)
        .toReversed()
      const from = request.after == null ? 0 : found.findIndex(({ id }) => id === request.after) + 1
      return pageOf(found.slice(from, from + limit + 1), limit, ({ id }) => id)
    },
  }
}

function concerns(overlay: Overlay, { project, environment }: Scope): boolean {
  return [project, '*'].includes(overlay.project) && [environment, '*'].includes(overlay.environment)
}

function everythingFirst(one: Overlay, other: Overlay): number {
  return Number(other.stops.kind === 'everything') - Number(one.stops.kind === 'everything')
}

function byTime(one: Overlay, other: Overlay): number {
  return one.at - other.at || byText(one.id, other.id)
}

export function createMemoryAudit(state: MemoryState): AuditLog {
  const entries: AuditEntry[] = []

  return {
    async append({ project, environment, by, action, subject, why, detail }) {
      const at = await state.now()
      const entry: AuditEntry = { id: entries.length + 1, project, environment, at, by, action, subject, why, detail }
      entries.push(entry)
      return entry
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const before = request.after == null ? Number.POSITIVE_INFINITY : Number(request.after)
      const fits = (entry: AuditEntry) =>
        (scope === null || isIn(entry, scope)) && (request.subject === undefined || entry.subject === request.subject)
      const found = entries.filter(entry => entry.id < before && fits(entry)).toReversed()
      return pageOf(found.slice(0, limit + 1), limit, ({ id }) => String(id))
    },
  }
}

export function createMemorySettings(): SettingStore {
  const values = new Map<string, unknown>()
  return {
    async get(scope, name) {
      return values.get(scopedKey(scope, name)) ?? null
    },
    async put(scope, name, value) {
      values.set(scopedKey(scope, name), value)
    },
  }
}
