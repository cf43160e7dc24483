import type { CommandOutput } from '@dankai/core'
import type { ClaimedCommand } from '@dankai/engine'

/** A way to the outside that an admin made. Plans only name it; nothing here is ever read from a plan. */
export type Connection =
  | { readonly name: string; readonly kind: 'http'; readonly settings: HttpSettings; readonly secrets: Secrets }
  | { readonly name: string; readonly kind: 'sql'; readonly settings: SqlSettings; readonly secrets: Secrets }
  | { readonly name: string; readonly kind: 'run'; readonly settings: RunSettings; readonly secrets: Secrets }
  | { readonly name: string; readonly kind: 'webhook'; readonly settings: WebhookSettings; readonly secrets: Secrets }
export type ConnectionKind = Connection['kind']
export type ConnectionOf<Kind extends ConnectionKind> = Extract<Connection, { kind: Kind }>
export type Secrets = Readonly<Record<string, string>>

export interface HttpSettings {
  readonly baseUrl: string
  /** host or host:port */
  readonly allowedHosts: readonly string[]
  readonly allowedMethods: readonly string[]
  /** Secrets are header name -> value. */
  readonly allowPrivate: boolean
  readonly timeoutMs: number
}

export interface SqlSettings {
  readonly write: boolean
  readonly role: string | null
  readonly timeoutMs: number
}

export interface RunSettings {
  readonly cwd: string
  readonly programs: readonly string[]
  readonly places: readonly string[]
  readonly shell: boolean
  readonly environment: readonly string[]
  readonly timeoutMs: number
}

export interface WebhookSettings {
  readonly channels: readonly string[]
  readonly locale: 'ja' | 'en'
  readonly allowPrivate: boolean
  readonly timeoutMs: number
}

export interface Scope {
  readonly project: string
  readonly environment: string
}

/** Where runners find connections; at most some hundreds of a kind. */
export interface Connections {
  all<Kind extends ConnectionKind>(scope: Scope, kind: Kind): Promise<readonly ConnectionOf<Kind>[]>
}

/** What a runner hands back to the executor. */
export interface RunResult {
  readonly outcome: 'succeeded' | 'failed' | 'ambiguous'
  readonly detail: string | null
  readonly output: CommandOutput | null
}

export const failed = (detail: string, output: CommandOutput | null = null): RunResult => ({
  outcome: 'failed',
  detail,
  output,
})

export const ambiguous = (detail: string, output: CommandOutput | null = null): RunResult => ({
  outcome: 'ambiguous',
  detail,
  output,
})

export const scopeOf = ({ project, environment }: ClaimedCommand): Scope => ({ project, environment })
