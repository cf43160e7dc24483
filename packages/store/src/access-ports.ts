import type { Page, PageRequest, Scope } from './scope.ts'

export interface Principal {
  readonly id: string
  readonly name: string
  readonly kind: 'person' | 'machine'
  readonly createdAt: number
  readonly disabledAt: number | null
}

/** A role in a scope; a role named in a plan's step must be among the actor's. */
export interface Membership extends Scope {
  readonly role: string
}

export interface PrincipalStore {
  create(principal: {
    readonly name: string
    readonly kind: Principal['kind']
  }): Promise<{ ok: true; principal: Principal } | { ok: false; code: 'name taken' }>
  get(id: string): Promise<Principal | null>
  byName(name: string): Promise<Principal | null>
  list(request: PageRequest): Promise<Page<Principal>>
  disable(id: string): Promise<boolean>
  /** Complete replacement of the memberships of a principal. */
  setMemberships(id: string, memberships: readonly Membership[]): Promise<void>
  memberships(id: string): Promise<readonly Membership[]>
  /** Roles in a scope, those given everywhere included, in alphabetical order. */
  rolesOf(id: string, scope: Scope): Promise<readonly string[]>
}

export type KeyKind = 'admin' | 'ci' | 'sdk-server' | 'sdk-client'

/** What may be shown of a key. The key itself is never stored, only its SHA-256. */
export interface ApiKey extends Scope {
  readonly id: string
  readonly kind: KeyKind
  readonly name: string
  /** The first characters, to recognise it by. */
  readonly prefix: string
  readonly principalId: string
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** To the minute. */
  readonly usedAt: number | null
}

export interface VerifiedKey {
  readonly key: ApiKey
  readonly principal: Principal
  /** Roles everywhere and in the key's own scope. */
  readonly roles: readonly string[]
}

/** So many ids are one array of 180 KB. */
export const keysAskedMax = 5_000

export interface KeyStore {
  /** Makes a principal and its admin key when there is no admin key yet; null otherwise. `secret` is shown once. */
  createFirstAdmin(name: string): Promise<{ readonly key: ApiKey; readonly secret: string } | null>
  create(
    key: Scope & { kind: KeyKind; name: string; principalId: string; expiresAt: number | null },
  ): Promise<{ readonly key: ApiKey; readonly secret: string }>
  /** null for unknown, revoked and expired keys and for those of a disabled principal. */
  verify(secret: string): Promise<VerifiedKey | null>
  /** Those of the given ids, at most `keysAskedMax`, whose keys `verify` would still take. */
  validAmong(ids: readonly string[]): Promise<ReadonlySet<string>>
  list(request: PageRequest & { readonly project?: string }): Promise<Page<ApiKey>>
  revoke(id: string): Promise<boolean>
}
