import type { LDUser } from '@launchdarkly/node-server-sdk'

/** What the flag service asks of LaunchDarkly's client: the part that both clients give. */
export interface FlagClient {
  /** Rejects when no flags have come in time. */
  waitForInitialization(options: { readonly timeout: number }): Promise<unknown>
  /** Absent where somebody else closes it. */
  close?(): void | Promise<void>
  // biome-ignore lint/suspicious/noExplicitAny: the value has the type of whatever the flag holds.
  variation(flag: string, user: LDUser, defaultValue: unknown): Promise<any>
  variationDetail(
    flag: string,
    user: LDUser,
    defaultValue: unknown,
    // biome-ignore lint/suspicious/noExplicitAny: as above.
  ): Promise<{ readonly value: any; readonly reason?: { readonly inExperiment?: boolean } | null }>
}
