import { flagPolicySchema } from '@dankai/contract'
import {
  applyStage,
  defineFlag,
  type FlagEnvironment,
  flagEnvironments,
  lifecycleStages,
  type StageRules,
  stageRules,
} from '@dankai/flags'
import type { Scope, SettingStore, Store } from '@dankai/store'
import type { z } from 'zod'
import { HttpProblem } from '../../http/http-problem.ts'
import { retentionOf } from './flag-view.ts'
import { requireSound } from './write-flag.ts'

export type FlagPolicy = z.infer<typeof flagPolicySchema>

const settingName = 'flag-policy'

export async function readFlagPolicy(settings: Pick<SettingStore, 'get'>, scope: Scope): Promise<FlagPolicy> {
  const parsed = flagPolicySchema.safeParse((await settings.get(scope, settingName)) ?? {})
  return parsed.success ? parsed.data : flagPolicySchema.parse({})
}

export async function writeFlagPolicy(
  settings: Pick<SettingStore, 'put'>,
  scope: Scope,
  policy: FlagPolicy,
): Promise<void> {
  for (const environment of flagEnvironments) requireSoundStages(stageRules(environment, policy.stages))
  await settings.put(scope, settingName, policy)
}

/** Conditions that no flag could have would be found out when a flag comes to the stage. */
function requireSoundStages(rules: StageRules): void {
  for (const stage of lifecycleStages) requireSound(applyStage(defineFlag({ key: `stage ${stage}` }), rules, stage))
}

/** What the policy of each environment says of the stages there. */
export async function readStages(
  settings: Pick<SettingStore, 'get'>,
  { project }: Pick<Scope, 'project'>,
): Promise<Readonly<Record<FlagEnvironment, StageRules>>> {
  const read = async (environment: FlagEnvironment): Promise<StageRules> =>
    stageRules(environment, (await readFlagPolicy(settings, { project, environment })).stages)
  const [development, staging, production] = await Promise.all([
    read('development'),
    read('staging'),
    read('production'),
  ])
  return { development, staging, production }
}

/**
 * Refuses to start a release of a service that has a flag overdue for removal, when the policy says so. The flags of a
 * service are those whose care names it and those that its releases moved.
 */
export async function refuseOverdueFlags(
  store: Pick<Store, 'flags' | 'settings'>,
  scope: Scope,
  release: { readonly plan: string; readonly service: string },
  now: number,
): Promise<void> {
  if (!(await readFlagPolicy(store.settings, scope)).overdueBlocksRelease) return
  const overdue: string[] = []
  for (const key of await store.flags.keysOfService(scope, release.service)) {
    const flag = await store.flags.get(scope, key)
    if (flag === null) continue
    const { state, task, message } = retentionOf(flag, now)
    if (state === 'overdue' && task === 'remove') overdue.push(`flag "${key}": ${message}`)
  }
  const [first] = overdue
  if (first === undefined) return
  throw new HttpProblem(
    'not-possible',
    `Cannot start "${release.plan}": found ${overdue.length} overdue of service "${release.service}" (${first}), expected none by the flag policy. Remove ${overdue.length === 1 ? 'it' : 'them'} from the code, then: dankai flags remove KEY.`,
    { missing: overdue.slice(0, 100) },
  )
}
