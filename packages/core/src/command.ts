/**
 * A command is an effect on the outside that is not exposure: run, sql, http, notify, a flag set. `decide` puts it
 * into StepStarted; the engine journals it in the same transaction and executes it at most once per attempt.
 */
export interface Command {
  /** Unique in the release: `<step>#<run>`. The store gives the id. */
  readonly slot: string
  readonly effect: Effect
  /** set: absolute value, retry freely. keyed: the receiver deduplicates by id. ask: neither; unknown = ambiguous. */
  readonly effectClass: 'set' | 'keyed' | 'ask'
  readonly lane: 'raise' | 'notify' | 'report'
  readonly timeoutMs: number
  readonly attempts: number
  /** Epoch milliseconds; null = until the release ends. */
  readonly expiresAt: number | null
}

export type Effect =
  | { readonly kind: 'run'; readonly command: string; readonly at: string | null }
  | { readonly kind: 'sql'; readonly text: string; readonly at: string | null }
  | { readonly kind: 'http'; readonly method: string; readonly url: string }
  | {
      readonly kind: 'flags'
      readonly values: Readonly<Record<string, boolean | string | number>>
      readonly replace: boolean
    }
  | {
      readonly kind: 'notify'
      readonly template: string
      readonly to: readonly string[]
      readonly priority: string | null
      /** What the template may name: plan, version, phase, reason … */
      readonly values: Readonly<Record<string, string>>
    }
  | { readonly kind: 'haltPlan'; readonly plan: string }

/** What came of a command, as the executor reports it. `output` is cut to 16 kB. */
export interface CommandResult {
  readonly slot: string
  readonly outcome: 'succeeded' | 'failed' | 'ambiguous' | 'expired'
  readonly detail: string | null
  readonly output: CommandOutput | null
  readonly at: number
}

export interface CommandOutput {
  readonly text: string
  readonly status: number | null
  readonly rows: number | null
  /** Named numbers found in the output (JSON object fields), for `expect: count = 0`. */
  readonly fields: Readonly<Record<string, number>>
}
