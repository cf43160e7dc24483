/**
 * What a person (or a key acting for one) asks of a running release. `expected` carries what they saw: a stale one
 * gets a conflict with the present state.
 */
export interface Action {
  readonly by: string
  /** Roles and groups of the actor; a role named in a step must be among them. "admin" may act for any. */
  readonly roles: readonly string[]
  readonly why: string | null
  readonly expected: { readonly phase: string | null; readonly seq: number | null } | null
  readonly body: ActionBody
}

export type ActionBody =
  | { readonly type: 'approve'; readonly step: string | null; readonly role: string | null }
  | { readonly type: 'confirm'; readonly step: string; readonly evidence: string | null }
  | { readonly type: 'reject'; readonly step: string }
  | { readonly type: 'report'; readonly signal: string }
  | { readonly type: 'withdraw'; readonly signal: string }
  | { readonly type: 'promote' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'rollback'; readonly runbook: string | null }
  /** Rollback without the rest of the runbook. */
  | { readonly type: 'abort' }
  | { readonly type: 'answer'; readonly rule: string | null; readonly answer: 'rollback' | 'continue' }
  /** Cancels a latched `rollback within`. */
  | { readonly type: 'cancel'; readonly rule: string }
  | { readonly type: 'retry'; readonly step: string }
  | { readonly type: 'skip'; readonly step: string }
  | { readonly type: 'startRunbook'; readonly runbook: string }
  | { readonly type: 'close' }

export interface Refusal {
  readonly code: 'conflict' | 'not allowed' | 'not possible' | 'unknown'
  /** Follows the message grammar: what, found, expected, next step. */
  readonly message: string
}
