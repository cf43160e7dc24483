import { completeCare } from '../flag-care.ts'
import type {
  FlagExposureWrite,
  FlagStore,
  FlagVersion,
  FlagWrite,
  FlagWriteResult,
  StoredFlag,
} from '../flag-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit, type Scope } from '../scope.ts'
import { byText, isIn, type MemoryState, scopedKey } from './memory-state.ts'

export interface MemoryFlags extends FlagStore {
  /** Versions of every environment that a scope names; `*` names all that there are. */
  raiseVersions(scope: Scope): void
  present(scope: Scope, key: string): StoredFlag | null
  /** As `put`, within the same turn of the event loop. */
  putAt(write: FlagWrite, now: number): FlagWriteResult
  /** Versions from before a moment; the newest of each flag stays. */
  forgetVersions(before: number): void
}

export function createMemoryFlags(state: MemoryState): MemoryFlags {
  const versions = new Map<string, Scope & { version: number }>()
  const removed = new Map<string, Scope & { key: string; version: number }>()
  const history = new Map<string, FlagVersion[]>()

  function nextVersion({ project, environment }: Scope): number {
    const name = scopedKey({ project, environment })
    const version = (versions.get(name)?.version ?? 0) + 1
    versions.set(name, { project, environment, version })
    state.hints.tell({ kind: 'flags', project, environment, version })
    return version
  }

  function write(
    flag: Omit<StoredFlag, 'version' | 'changedAt' | 'fullSince'>,
    by: string,
    why: string | null,
    now: number,
  ): StoredFlag {
    const version = nextVersion(flag)
    const name = scopedKey(flag, flag.key)
    const { on, killed, exposure } = flag.definition
    const isFull = on && !killed && exposure.share >= 1
    const fullSince = isFull ? (state.flags.get(name)?.fullSince ?? now) : null
    const stored = { ...flag, definition: { ...flag.definition, version }, version, changedAt: now, fullSince }
    state.flags.set(name, stored)
    removed.delete(name)
    note(name, { version, definition: stored.definition, care: stored.care, by, why, at: now })
    return stored
  }

  function note(name: string, version: FlagVersion): void {
    const known = history.get(name)
    if (known === undefined) history.set(name, [version])
    else known.push(version)
  }

  function putAt(put: FlagWrite, now: number): FlagWriteResult {
    const { project, environment, definition, by, why } = put
    const { key } = definition
    const present = state.flags.get(scopedKey(put, key)) ?? null
    const refusal = refuse(present, put, put.breakGlass ?? false)
    if (refusal !== null) return refusal
    const heldBy = present?.heldBy ?? state.claims.get(scopedKey(put, `flag:${key}`))?.id ?? null
    const createdAt = present === null ? now : present.care.createdAt
    const care = { ...(put.care ?? present?.care ?? completeCare(null)), createdAt }
    const flag = { project, environment, key, definition, heldBy, generation: present?.generation ?? 0, care }
    return { ok: true, flag: write(flag, by, why, now) }
  }

  return {
    async get(scope, key) {
      return state.flags.get(scopedKey(scope, key)) ?? null
    },
    async list(scope, request) {
      const limit = pageLimit(request)
      const after = request.after ?? ''
      const flags = flagsIn(state, scope).filter(flag => flag.key > after)
      return pageOf(
        flags.toSorted((one, other) => byText(one.key, other.key)).slice(0, limit + 1),
        limit,
        flag => flag.key,
      )
    },
    async put(put) {
      return putAt(put, await state.now())
    },
    putAt,
    present: (scope, key) => state.flags.get(scopedKey(scope, key)) ?? null,
    async remove({ key, by, why, ...remove }) {
      const now = await state.now()
      const name = scopedKey(remove, key)
      const present = state.flags.get(name) ?? null
      const refusal = present === null ? conflictWith(present) : refuse(present, remove, false)
      if (refusal !== null) return refusal
      const { project, environment } = remove
      const version = nextVersion(remove)
      state.flags.delete(name)
      removed.set(name, { project, environment, key, version })
      note(name, { version, definition: null, care: null, by, why, at: now })
      return { ok: true, flag: null }
    },
    async history(scope, key, request) {
      const limit = pageLimit(request)
      const before = request.after == null ? Number.POSITIVE_INFINITY : Number(request.after)
      const found = (history.get(scopedKey(scope, key)) ?? []).filter(({ version }) => version < before)
      return pageOf(found.toReversed().slice(0, limit + 1), limit, ({ version }) => String(version))
    },
    async versionOf(scope, key, version) {
      return history.get(scopedKey(scope, key))?.find(known => known.version === version) ?? null
    },
    async keysOfService(scope, service) {
      const moved = new Set(
        [...state.releases.values()]
          .filter(release => isIn(release, scope) && release.plan.service === service)
          .flatMap(({ hands }) => hands.map(({ hand }) => hand.id)),
      )
      return flagsIn(state, scope)
        .filter(({ key, care }) => care.service === service || moved.has(`flag:${key}`))
        .map(({ key }) => key)
        .toSorted(byText)
        .slice(0, 1_000)
    },
    async scopes() {
      return [...versions.values()].map(({ project, environment }) => ({ project, environment }))
    },
    async setExposure(change) {
      const now = await state.now()
      const present = state.flags.get(scopedKey(change, change.key))
      if (present === undefined) return { ok: false, code: 'unknown flag' }
      if (present.heldBy !== change.releaseId) return { ok: false, code: 'not held' }
      if (present.generation > change.generation) return { ok: false, code: 'stale' }
      if (isSame(present, change)) return { ok: true, version: present.version }
      return {
        ok: true,
        version: write(
          withExposure(present, change),
          `release ${change.releaseId}`,
          `generation ${change.generation}`,
          now,
        ).version,
      }
    },
    async readSince(scope, version) {
      const flags = flagsIn(state, scope).filter(flag => flag.version > version)
      const gone = [...removed.values()].filter(flag => isIn(flag, scope) && flag.version > version)
      return {
        version: versions.get(scopedKey(scope))?.version ?? 0,
        flags: flags.toSorted((one, other) => one.version - other.version),
        removed: gone.toSorted((one, other) => one.version - other.version).map(({ key }) => key),
      }
    },
    subscribe(listener) {
      return state.hints.subscribe(hint => {
        if (hint.kind === 'flags' || hint.kind === 'reconnected') listener(hint)
      })
    },
    forgetVersions(before) {
      for (const [name, known] of history) {
        history.set(
          name,
          known.filter(({ at }, index) => at >= before || index === known.length - 1),
        )
      }
    },
    raiseVersions(scope) {
      const named = [...versions.values()].filter(known => isNamedBy(known, scope))
      for (const known of named) nextVersion(known)
      if (named.length === 0 && scope.project !== '*' && scope.environment !== '*') nextVersion(scope)
    },
  }
}

function flagsIn(state: MemoryState, scope: Scope): StoredFlag[] {
  return [...state.flags.values()].filter(flag => isIn(flag, scope))
}

function isNamedBy(one: Scope, named: Scope): boolean {
  return (
    (named.project === '*' || named.project === one.project) &&
    (named.environment === '*' || named.environment === one.environment)
  )
}

type Refusal = Extract<FlagWriteResult, { ok: false }>

function conflictWith(present: StoredFlag | null): Refusal {
  return { ok: false, code: 'conflict', present }
}

function refuse(
  present: StoredFlag | null,
  { expectedVersion }: Pick<FlagWrite, 'expectedVersion'>,
  breakGlass: boolean,
): Refusal | null {
  if ((present?.version ?? 0) !== expectedVersion) return conflictWith(present)
  return present?.heldBy == null || breakGlass ? null : { ok: false, code: 'held', releaseId: present.heldBy }
}

function isSame(present: StoredFlag, { generation, exposure, segments }: FlagExposureWrite): boolean {
  const { definition } = present
  const sameSegments = Object.entries(segments).every(([name, segment]) => sameJson(definition.segments[name], segment))
  return present.generation === generation && sameJson(definition.exposure, exposure) && sameSegments
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function withExposure(present: StoredFlag, { generation, exposure, segments }: FlagExposureWrite): StoredFlag {
  const { definition } = present
  return {
    ...present,
    generation,
    definition: { ...definition, exposure, segments: { ...definition.segments, ...segments } },
  }
}
