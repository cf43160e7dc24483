import type { DankaiClient, EvaluationContext, JsonValue } from '@dankai/sdk'
import type { LDUser } from '@launchdarkly/node-server-sdk'
import type { FlagClient } from './flag-client.ts'

/**
 * Dankai's own client in the words of LaunchDarkly's.
 *
 * A user whom chance has placed in or outside of an experiment is in it; one whom a list or a switch has, is not.
 */
export function flagClientOf(client: Pick<DankaiClient, 'ready' | 'evaluate'>): FlagClient {
  const ask = (flag: string, user: LDUser, defaultValue: unknown) =>
    client.evaluate(flag, toContext(user), defaultValue as JsonValue)
  return {
    waitForInitialization: ({ timeout }) => client.ready(timeout * 1_000),
    variation: async (flag, user, defaultValue) => ask(flag, user, defaultValue).value,
    async variationDetail(flag, user, defaultValue) {
      const { value, bucket } = ask(flag, user, defaultValue)
      return { value, reason: { inExperiment: bucket !== null } }
    },
  }
}

/** Attributes stand beside the key, as OpenFeature has them. */
function toContext({ key, email, name, custom }: LDUser): EvaluationContext {
  return {
    ...custom,
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
    targetingKey: key,
  }
}
