import { userInfo } from 'node:os'
import { type CompiledPlan, compilePlan } from '@dankai/plan'
import type { OfflineStop } from '@dankai/server'
import { answeredNo, type CommandEnd, misused, unreachable } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { type LoadedPlans, loadPlans, printProblems, problemData } from '../loaded-plans.ts'

export interface OfflineOptions {
  readonly why: string
  readonly plan?: string
  readonly environment?: string
  readonly project?: string
}

/**
 * `dankai emergency stop --offline --plan FILE`: when no server answers, drives the hands of the plan from connections
 * held here. The answer is no when some hand could not be reached; each is named.
 */
export async function stopOffline(context: Context, action: string, options: OfflineOptions): Promise<void> {
  if (action !== 'stop' || options.plan === undefined) throw wrongUse(action)
  const { environment = 'production', project = 'default', why } = options
  const databaseUrl = context.terminal.environment['DATABASE_URL'] ?? ''
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) throw noDatabase()
  const { stopOffline: stop } = await import('@dankai/server')
  const answers: { plan: string; stopped: OfflineStop }[] = []
  for (const plan of plansOf(context, options.plan)) {
    const request = { databaseUrl, project, environment, plan, why, by: `offline: ${userInfo().username}` }
    const stopped = await stop(request).catch((error: Error) => {
      throw unreachable(error.message)
    })
    answers.push({ plan: plan.name, stopped })
  }
  print(context, { plans: answers.map(({ plan, stopped }) => ({ plan, ...stopped })) }, () =>
    answers.flatMap(({ plan, stopped }) => linesOf(context, plan, stopped)),
  )
  if (answers.some(({ stopped }) => stopped.hands.some(hand => !hand.stopped))) throw answeredNo()
}

function linesOf(
  context: Context,
  plan: string,
  { hands, releases, connected, acknowledged, silent }: OfflineStop,
): readonly string[] {
  return [
    say(
      context,
      `${plan}: ${acknowledged} of ${connected} connected SDKs have it`,
      `${plan}: つながっている SDK ${connected} 個のうち ${acknowledged} 個が受け取りました`,
    ),
    ...hands.map(({ hand, stopped, detail }) =>
      stopped
        ? `  ${say(context, 'stopped', '停止')}: ${hand}: ${detail}`
        : `  ${say(context, 'not reached', '届かない')}: ${hand}: ${detail}`,
    ),
    ...releases.map(id => `  ${say(context, 'release', 'リリース')}: ${id}`),
    ...silent.map(({ name, sdk }) => `  ${say(context, 'silent', '応答なし')}: ${name} (${sdk})`),
  ]
}

/** Each plan of the file with the hands of all its strategies. */
function plansOf(context: Context, path: string): readonly CompiledPlan[] {
  const loaded = loadPlans(context.terminal, [path], { judgeScenarios: false })
  if (loaded.problems.length > 0) {
    printProblems(context, loaded, {
      ok: false,
      problems: loaded.problems.map(problem => problemData(problem, context)),
    })
    throw answeredNo()
  }
  const plans = loaded.plans.flatMap(({ name, strategies }) => withAllHands(loaded, name, strategies))
  if (plans.length === 0) throw noPlan(path)
  return plans
}

function withAllHands(loaded: LoadedPlans, plan: string, strategies: readonly string[]): readonly CompiledPlan[] {
  const choices = strategies.length === 0 ? [{ plan }] : strategies.map(strategy => ({ plan, strategy }))
  const compiled = choices.flatMap(choice => {
    const result = compilePlan({ documents: loaded.documents, problems: [] }, choice)
    return result.ok ? [result.plan] : []
  })
  const [first] = compiled
  if (first === undefined) return []
  const hands = new Map(compiled.flatMap(one => one.hands.map(hand => [hand.id, hand] as const)))
  return [{ ...first, hands: [...hands.values()] }]
}

function wrongUse(action: string): CommandEnd {
  return misused(
    {
      cannot: `do "${action}" without a server`,
      found: action === 'stop' ? 'no --plan' : 'another word than "stop"',
      expected: 'emergency stop --offline --plan FILE',
      next: action === 'stop' ? 'Give the plan whose hands are to be lowered.' : 'Clearing needs the server.',
    },
    {
      cannot: `サーバーなしでは "${action}" できません`,
      found: action === 'stop' ? '--plan がありません' : '"stop" 以外の語です',
      expected: 'emergency stop --offline --plan FILE',
      next: action === 'stop' ? '手を下げる計画を指定してください。' : '解除にはサーバーが要ります。',
    },
  )
}

function noDatabase(): CommandEnd {
  return misused(
    {
      cannot: 'stop without a server',
      found: 'no DATABASE_URL',
      expected: 'the database that the servers use',
      next: 'Set it to postgres://….',
    },
    {
      cannot: 'サーバーなしで停止できません',
      found: 'DATABASE_URL がありません',
      expected: 'サーバーが使うデータベース',
      next: 'postgres://… を設定してください。',
    },
  )
}

function noPlan(path: string): CommandEnd {
  return misused(
    { cannot: `stop "${path}"`, found: 'no plan in it', expected: 'one', next: 'Give the file of the plan.' },
    {
      cannot: `"${path}" を停止できません`,
      found: '計画がありません',
      expected: '計画',
      next: '計画のファイルを指定してください。',
    },
  )
}
