import {
  type ApiKey,
  type KeyStore,
  keysAskedMax,
  type Membership,
  type Principal,
  type PrincipalStore,
} from '../access-ports.ts'
import { drawKey, hashOf } from '../api-key.ts'
import { pageOf } from '../page-of.ts'
import { newId } from '../release-row.ts'
import { everywhere, pageLimit, type Scope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { byText, type MemoryState } from './memory-state.ts'

export interface MemoryPrincipals extends PrincipalStore {
  find(id: string): Principal | undefined
  /** The principal of that name, made when there is none, with the role of an admin everywhere. */
  ensureAdmin(name: string, now: number): Principal
  rolesIn(id: string, scope: Scope): readonly string[]
}

export function createMemoryPrincipals(state: MemoryState): MemoryPrincipals {
  const principals = new Map<string, Principal>()
  const memberships = new Map<string, readonly Membership[]>()

  const findByName = (name: string) => [...principals.values()].find(principal => principal.name === name)

  function insert(name: string, kind: Principal['kind'], now: number): Principal {
    const principal: Principal = { id: newId(), name, kind, createdAt: now, disabledAt: null }
    principals.set(principal.id, principal)
    return principal
  }

  function rolesIn(id: string, { project, environment }: Scope): readonly string[] {
    const fits = (membership: Membership) =>
      [project, everywhere].includes(membership.project) && [environment, everywhere].includes(membership.environment)
    return [...new Set((memberships.get(id) ?? []).filter(fits).map(({ role }) => role))].toSorted(byText)
  }

  return {
    find: id => principals.get(id),
    ensureAdmin(name, now) {
      const principal = findByName(name) ?? insert(name, 'person', now)
      memberships.set(principal.id, [{ project: everywhere, environment: everywhere, role: 'admin' }])
      return principal
    },
    rolesIn,
    async create({ name, kind }) {
      const now = await state.now()
      if (findByName(name) !== undefined) return { ok: false, code: 'name taken' }
      return { ok: true, principal: insert(name, kind, now) }
    },
    async get(id) {
      return principals.get(id) ?? null
    },
    async byName(name) {
      return findByName(name) ?? null
    },
    async list(request) {
      const limit = pageLimit(request)
      const after = request.after ?? ''
      const found = [...principals.values()].filter(({ name }) => name > after)
      return pageOf(
        found.toSorted((one, other) => byText(one.name, other.name)).slice(0, limit + 1),
        limit,
        ({ name }) => name,
      )
    },
    async disable(id) {
      const now = await state.now()
      const principal = principals.get(id)
      if (principal === undefined) return false
      principals.set(id, { ...principal, disabledAt: principal.disabledAt ?? now })
      return true
    },
    async setMemberships(id, given) {
      if (!principals.has(id))
        throw new StoreError('reference', `Cannot give roles: found no principal "${id}", expected one.`)
      const distinct = new Map(
        given.map(({ project, environment, role }) => [
          JSON.stringify([project, environment, role]),
          { project, environment, role },
        ]),
      )
      memberships.set(
        id,
        [...distinct].toSorted(([one], [other]) => byText(one, other)).map(([, membership]) => membership),
      )
    },
    async memberships(id) {
      return memberships.get(id) ?? []
    },
    async rolesOf(id, scope) {
      return rolesIn(id, scope)
    },
  }
}

export function createMemoryKeys(state: MemoryState, principals: MemoryPrincipals): KeyStore {
  const keys = new Map<string, { key: ApiKey; readonly hash: string }>()

  function insert(
    { project, environment, kind, name, principalId, expiresAt }: Parameters<KeyStore['create']>[0],
    now: number,
  ) {
    if (principals.find(principalId) === undefined) {
      throw new StoreError('reference', `Cannot make a key: found no principal "${principalId}", expected one.`)
    }
    const { secret, prefix, hash } = drawKey(kind)
    const times = { createdAt: now, expiresAt, revokedAt: null, usedAt: null }
    const key: ApiKey = { id: newId(), project, environment, kind, name, prefix, principalId, ...times }
    keys.set(key.id, { key, hash: hash.toString('hex') })
    return { key, secret }
  }

  return {
    async createFirstAdmin(name) {
      const now = await state.now()
      if ([...keys.values()].some(({ key }) => key.kind === 'admin')) return null
      const principal = principals.ensureAdmin(name, now)
      const scope = { project: everywhere, environment: everywhere }
      return insert(
        { ...scope, kind: 'admin', name: 'first admin key', principalId: principal.id, expiresAt: null },
        now,
      )
    },
    async create(key) {
      return insert(key, await state.now())
    },
    async verify(secret) {
      const now = await state.now()
      const hash = hashOf(secret).toString('hex')
      const found = [...keys.values()].find(entry => entry.hash === hash)
      if (found === undefined || !isValid(found.key, now)) return null
      const principal = principals.find(found.key.principalId)
      if (principal === undefined || principal.disabledAt !== null) return null
      const { key } = found
      if (key.usedAt === null || key.usedAt <= now - 60_000) found.key = { ...key, usedAt: now }
      return { key, principal, roles: principals.rolesIn(principal.id, key) }
    },
    async validAmong(ids) {
      const now = await state.now()
      const isUsable = (id: string): boolean => {
        const key = keys.get(id)?.key
        return key !== undefined && isValid(key, now) && principals.find(key.principalId)?.disabledAt === null
      }
      return new Set(ids.slice(0, keysAskedMax).filter(isUsable))
    },
    async list(request) {
      const limit = pageLimit(request)
      const { project, after } = request
      const found = [...keys.values()].map(({ key }) => key)
      const asked = found.filter(
        key => (project === undefined || key.project === project) && (after == null || key.id < after),
      )
      return pageOf(asked.toSorted((one, other) => byText(other.id, one.id)).slice(0, limit + 1), limit, key => key.id)
    },
    async revoke(id) {
      const now = await state.now()
      const found = keys.get(id)
      if (found === undefined || found.key.revokedAt !== null) return false
      found.key = { ...found.key, revokedAt: now }
      return true
    },
  }
}

function isValid(key: ApiKey, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now)
}
