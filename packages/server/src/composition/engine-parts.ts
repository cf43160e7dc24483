/** What the engine moves and runs, made of the integrations and the store. */
import type { Supports } from '@dankai/core'
import type { EffectRunner, Engine, HandMover } from '@dankai/engine'
import {
  type Connections,
  createFlagHand,
  createFlagSetRunner,
  createHttpRunner,
  createRunRunner,
  createSqlRunner,
  createWebhookRunner,
  type Flags,
  type Templates,
} from '@dankai/integrations'
import { verbs } from '@dankai/plan'
import type { FlagStore, Store } from '@dankai/store'
import { sdkForgottenAfterMs } from '../features/stream/stream-hub.ts'
import type { Logger } from '../http/log.ts'
import type { Environments } from '../serving/environments.ts'
import { withholdingFlags } from '../serving/withhold-flags.ts'

export const supports: Supports = {
  verbs,
  hands: ['flag'],
  channels: ['*'],
}

/** A write is told to this instance's clients at once, not when the database's hint comes round. */
export function tellingFlags(flags: FlagStore, environments: Pick<Environments, 'refresh'>, log: Logger): Flags {
  const tell = (scope: { project: string; environment: string }): void => {
    environments.refresh(scope).catch(error => log.warn({ err: error }, 'cannot tell clients of a flag at once'))
  }
  return {
    get: (scope, key) => flags.get(scope, key),
    async put(write) {
      const result = await flags.put(write)
      if (result.ok) tell(write)
      return result
    },
    async setExposure(write) {
      const result = await flags.setExposure(write)
      if (result.ok) tell(write)
      return result
    },
  }
}

export function createHands(store: Store, flags: Flags, environments: Environments, log: Logger): readonly HandMover[] {
  const flagHand = createFlagHand(flags, {
    reach: (scope, version) => store.sdks.reach(scope, version, sdkForgottenAfterMs),
    isStopped: (scope, flag) => environments.isStopped(scope, flag),
  })
  return [withholdingFlags(flagHand, environments, log)]
}

export function createRunners(parts: {
  readonly store: Store
  readonly flags: Flags
  readonly connections: Connections
  readonly templates: Templates
  readonly controlDatabaseUrl: string
  readonly log: Logger
  readonly closing: AbortSignal
  readonly engine: () => Engine
}): readonly EffectRunner[] {
  const { store, connections, templates, log } = parts
  const planOf = async (releaseId: string) => (await store.reader.get(releaseId))?.compiledPlan ?? null
  return [
    createHttpRunner(connections),
    createSqlRunner(connections, parts.controlDatabaseUrl),
    createRunRunner(connections, parts.closing),
    createWebhookRunner({
      connections,
      templates,
      addressOf: async (releaseId, channel) => (await planOf(releaseId))?.channels[channel] ?? null,
      log: message => log.info(message, 'message to people'),
    }),
    createFlagSetRunner(parts.flags, async releaseId => {
      const plan = await planOf(releaseId)
      return plan === null ? [] : Object.values(plan.flagSets).flatMap(set => Object.keys(set))
    }),
    createHaltRunner(store, parts.engine),
  ]
}

/** `halt: PLAN` pauses every live release of that plan in the same environment. */
function createHaltRunner(store: Store, engine: () => Engine): EffectRunner {
  return {
    kinds: ['haltPlan'],
    async run({ command: { effect }, project, environment, releaseId }) {
      if (effect.kind !== 'haltPlan')
        return { outcome: 'failed', detail: `Cannot halt by ${effect.kind}`, output: null }
      const page = await store.reader.list({ project, environment, plan: effect.plan, live: true, limit: 200 })
      const why = `halted by release ${releaseId}`
      for (const { id, status } of page.items)
        if (!status.waitingOn.some(({ kind }) => kind === 'resume'))
          await engine().act(id, {
            by: `release ${releaseId}`,
            roles: ['admin'],
            why,
            expected: null,
            body: { type: 'pause' },
          })
      return { outcome: 'succeeded', detail: `${page.items.length} live releases`, output: null }
    },
  }
}
