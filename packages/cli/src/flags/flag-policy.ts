import type { flagPolicySchema } from '@dankai/contract'
import { type CommandEnd, misused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { queryOf, type ScopeOptions } from './flag-api.ts'

type Policy = ReturnType<typeof flagPolicySchema.parse>

export interface PolicyOptions extends ScopeOptions {
  readonly blockOverdue?: boolean
  readonly allowOverdue?: boolean
}

/** Changes what is given of the policy, and shows it. */
export async function flagPolicy(context: Context, options: PolicyOptions): Promise<void> {
  const { blockOverdue, allowOverdue } = options
  if (blockOverdue === true && allowOverdue === true) throw bothWays()
  const path = `/v1/flag-policy${queryOf(options)}`
  const present = await context.api.get<Policy>(path)
  const overdueBlocksRelease = blockOverdue === true || (allowOverdue !== true && present.overdueBlocksRelease)
  const isChange = blockOverdue === true || allowOverdue === true
  const policy = isChange ? await context.api.put<Policy>(path, { ...present, overdueBlocksRelease }) : present
  print(context, policy, () => [
    policy.overdueBlocksRelease
      ? say(
          context,
          'A flag that is overdue for removal blocks the next release of its service.',
          '削除の期限を過ぎたフラグは、そのサービスの次のリリースを止めます。',
        )
      : say(context, 'Overdue flags block no release.', '期限を過ぎたフラグはリリースを止めません。'),
  ])
}

function bothWays(): CommandEnd {
  return misused(
    {
      cannot: 'change the policy',
      found: '--block-overdue and --allow-overdue',
      expected: 'one of them',
      next: 'Leave one out.',
    },
    {
      cannot: '決まりを変えられません',
      found: '--block-overdue と --allow-overdue があります',
      expected: 'どちらか 1 つ',
      next: '一方を消してください。',
    },
  )
}
