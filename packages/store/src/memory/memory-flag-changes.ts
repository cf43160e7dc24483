import { randomUUID } from 'node:crypto'
import type { AuditLog } from '../document-ports.ts'
import {
  type DueDecision,
  type FlagChange,
  type FlagChangeStore,
  plannedChangesMax,
  type StoredFlag,
} from '../flag-ports.ts'
import { pageOf } from '../page-of.ts'
import { plannedReason } from '../planned-reason.ts'
import { pageLimit } from '../scope.ts'
import type { MemoryFlags } from './memory-flags.ts'
import { byText, isIn, type MemoryState } from './memory-state.ts'

export interface MemoryFlagChanges extends FlagChangeStore {
  /** Changes that ended before a moment. */
  forgetEnded(before: number): void
}

export function createMemoryFlagChanges(state: MemoryState, flags: MemoryFlags, audit: AuditLog): MemoryFlagChanges {
  const changes = new Map<string, FlagChange>()
  const all = (): FlagChange[] => [...changes.values()]
  const planned = (): FlagChange[] => all().filter(change => change.state === 'planned')
  const end = (change: FlagChange, ended: Pick<FlagChange, 'state' | 'endedAt' | 'detail'>): FlagChange => {
    const after = { ...change, ...ended }
    changes.set(change.id, after)
    return after
  }

  return {
    async plan(given) {
      const madeAt = await state.now()
      const same = planned().filter(change => isIn(change, given) && change.key === given.key)
      if (same.length >= plannedChangesMax) return null
      const { project, environment, key, at, patch, seenVersion, anyway, by, why } = given
      const change: FlagChange = {
        ...{ id: randomUUID(), project, environment, key, at, patch, seenVersion, anyway, by, why, madeAt },
        ...{ state: 'planned', endedAt: null, detail: null },
      }
      changes.set(change.id, change)
      return change
    },
    async list(scope, { key, ...request }) {
      const limit = pageLimit(request)
      const found = all()
        .filter(change => isIn(change, scope) && (key === undefined || change.key === key))
        .toSorted((one, other) => other.madeAt - one.madeAt || byText(other.id, one.id))
      const from = request.after == null ? 0 : found.findIndex(({ id }) => id === request.after) + 1
      return pageOf(found.slice(from, from + limit + 1), limit, ({ id }) => id)
    },
    async cancel(scope, id, detail) {
      const endedAt = await state.now()
      const change = changes.get(id)
      if (change === undefined || !isIn(change, scope) || change.state !== 'planned') return null
      return end(change, { state: 'cancelled', endedAt, detail })
    },
    async endNextDue(decide) {
      const now = await state.now()
      const [change] = planned()
        .filter(({ at }) => at <= now)
        .toSorted((one, other) => one.at - other.at || one.madeAt - other.madeAt || byText(one.id, other.id))
      if (change === undefined) return null
      const flag = flags.present(change, change.key)
      const ended = carryOut(change, flag, decide(change, flag), now)
      const after = end(change, { ...ended, endedAt: now })
      const { project, environment, id, key, by, why, detail } = after
      const action = `planned flag change ${after.state}`
      await audit.append({ project, environment, by, action, subject: key, why, detail: { id, detail } })
      return after
    },
    forgetEnded(before) {
      for (const { id, endedAt } of all()) if (endedAt !== null && endedAt < before) changes.delete(id)
    },
  }

  function carryOut(
    change: FlagChange,
    flag: StoredFlag | null,
    decision: DueDecision,
    now: number,
  ): Pick<FlagChange, 'state' | 'detail'> {
    if ('state' in decision) return decision
    if (flag?.heldBy != null) return { state: 'failed', detail: `moved by release ${flag.heldBy}` }
    const { project, environment, key, by } = change
    const why = plannedReason(change)
    const expectedVersion = flag?.version ?? 0
    const write = { project, environment, definition: decision.definition, expectedVersion, by, why }
    const result = flags.putAt(write, now)
    if (!result.ok) return { state: 'failed', detail: 'made by another' }
    for (const other of planned())
      if (other.id !== change.id && other.key === key && isIn(other, change) && other.seenVersion === expectedVersion)
        changes.set(other.id, { ...other, seenVersion: result.flag.version })
    return { state: 'done', detail: `version ${result.flag.version}` }
  }
}
