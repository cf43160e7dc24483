import type { Page, PageRequest, Scope } from './scope.ts'

/** A plan or helper document (calendar, checklist, segment …) as it was applied. */
export interface StoredDocument extends Scope {
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly digest: string
  readonly text: string
  readonly appliedAt: number
  readonly by: string
}

export interface DocumentVersion {
  readonly version: number
  readonly digest: string
  readonly text: string
  readonly by: string
  readonly why: string | null
  readonly at: number
}

export interface AppliedDocument {
  readonly kind: string
  readonly name: string
  readonly change: 'created' | 'changed' | 'unchanged'
  readonly version: number
  readonly digest: string
}

export interface DocumentApply extends Scope {
  readonly documents: readonly { readonly kind: string; readonly name: string; readonly text: string }[]
  readonly by: string
  readonly why: string | null
  /** Says what would change and writes nothing. */
  readonly dryRun?: boolean
}

export interface DocumentStore {
  /** All or nothing. A document whose text has the digest it already had keeps its version. */
  apply(apply: DocumentApply): Promise<readonly AppliedDocument[]>
  get(scope: Scope, kind: string, name: string): Promise<StoredDocument | null>
  /** Every document of a scope, or of one kind, by kind and name. */
  list(scope: Scope, request: PageRequest & { readonly kind?: string }): Promise<Page<StoredDocument>>
  /** Every document of a scope that is no plan, for compiling a plan with all it names; at most 1,000. */
  helpers(scope: Scope): Promise<readonly StoredDocument[]>
  history(scope: Scope, kind: string, name: string, request: PageRequest): Promise<Page<DocumentVersion>>
}

/** A named way to the outside, made by an admin. `settings` hold hosts, verbs, role and time-outs; never a secret. */
export interface Connection extends Scope {
  readonly name: string
  readonly kind: string
  readonly settings: Readonly<Record<string, unknown>>
  /** Names of the secrets it has; their values are never listed. */
  readonly secretNames: readonly string[]
  readonly version: number
  readonly changedAt: number
  readonly by: string
}

export interface ConnectionStore {
  /** `secrets: null` keeps the ones stored. */
  put(
    connection: Scope & {
      name: string
      kind: string
      settings: Readonly<Record<string, unknown>>
      secrets: Readonly<Record<string, string>> | null
      by: string
    },
  ): Promise<Connection>
  get(scope: Scope, name: string): Promise<Connection | null>
  list(scope: Scope, request: PageRequest): Promise<Page<Connection>>
  remove(scope: Scope, name: string): Promise<boolean>
  /** For the integration that opens it, and nobody else. null when there is no such connection. */
  secretsOf(scope: Scope, name: string): Promise<Readonly<Record<string, string>> | null>
}

/** An emergency stop: what it names is off, whatever else is set, until it is cleared. Several merge as "off wins". */
export interface Overlay extends Scope {
  /** Drawn by whoever stops, so that the same stop posted to several instances is one. */
  readonly id: string
  readonly stops: OverlayTarget
  readonly by: string
  readonly why: string | null
  readonly at: number
  readonly clearedAt: number | null
  readonly clearedBy: string | null
  readonly clearedWhy: string | null
}

export type OverlayTarget =
  | { readonly kind: 'everything' }
  | { readonly kind: 'release'; readonly releaseId: string }
  | { readonly kind: 'flag'; readonly key: string }

/** More than anybody stops one by one; servers refuse another stop long before, so nothing in force is left out. */
export const activeOverlaysMax = 1_000

export interface OverlayStore {
  /** One small transaction on a connection kept for it; the same id again changes nothing. */
  stop(overlay: Scope & { id: string; stops: OverlayTarget; by: string; why: string | null }): Promise<Overlay>
  clear(id: string, by: string, why: string | null): Promise<Overlay | null>
  /**
   * Those not cleared, of one scope or of all, newest first. Of more than `activeOverlaysMax` in one environment those
   * that stop everything and then the newest are given, so that one made just now is never missing.
   */
  active(scope: Scope | null): Promise<readonly Overlay[]>
  list(scope: Scope, request: PageRequest): Promise<Page<Overlay>>
}

export interface AuditEntry extends Scope {
  readonly id: number
  readonly at: number
  readonly by: string
  /** Imperative, as in the API: "revoke key". */
  readonly action: string
  readonly subject: string
  readonly why: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

export interface AuditLog {
  append(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<AuditEntry>
  /** Newest first. */
  list(scope: Scope | null, request: PageRequest & { readonly subject?: string }): Promise<Page<AuditEntry>>
}

export interface SettingStore {
  get(scope: Scope, name: string): Promise<unknown>
  put(scope: Scope, name: string, value: unknown): Promise<void>
}
