import { randomUUID } from 'node:crypto'
import type { EmergencyResult, StopsInForce } from '@dankai/contract'
import type { Answer } from '../api.ts'
import { type CommandEnd, misused } from '../command-end.ts'
import { type Context, inLanguage, print, say } from '../context.ts'
import { queryOf, type ScopeOptions } from '../flags/flag-api.ts'

export interface EmergencyCommandOptions extends ScopeOptions {
  readonly why?: string
  readonly release?: string
  readonly flag?: string
  readonly id?: string
  /** No server answers: from here, with the plan of this file. */
  readonly offline?: boolean
  readonly plan?: string
}

const actions = ['stop', 'clear', 'list'] as const

export async function actInEmergency(context: Context, asked: string, options: EmergencyCommandOptions): Promise<void> {
  const action = actions.find(one => one === asked)
  if (action === undefined) throw noSuchAction(asked)
  if (action === 'list') return await listStops(context, options)
  const { why, offline = false } = options
  if (why === undefined || why === '') throw noReason(action)
  if (!offline) return await stopOrClear(context, action === 'stop', { ...options, why })
  const { stopOffline } = await import('./emergency-offline.ts')
  await stopOffline(context, action, { ...options, why })
}

async function listStops(context: Context, options: EmergencyCommandOptions): Promise<void> {
  const found = await context.api.get<StopsInForce>(`/v1/emergency${queryOf(options)}`)
  print(context, found, () =>
    found.stops.length === 0
      ? [say(context, 'nothing is stopped', '停止しているものはありません')]
      : found.stops.map(
          ({ target, by, why, at, project, environment, id }) =>
            `${target}  ${project}/${environment}  ${new Date(at).toISOString()}  ${[by, why].filter(text => text !== null).join(': ')}  (${id})`,
        ),
  )
}

/**
 * Posts to every instance of DANKAI_URL at once, as one stop by its id: each acts for the SDKs that are connected to it,
 * also while the database is away. One that answers is enough; those that do not are named.
 */
async function stopOrClear(
  context: Context,
  stop: boolean,
  { why, release, flag, id, ...scope }: EmergencyCommandOptions & { readonly why: string },
): Promise<void> {
  const named = stop ? randomUUID() : id
  const answers = await context.api.everyInstance<EmergencyResult>(`/v1/emergency${queryOf(scope)}`, {
    stop,
    why,
    ...(named === undefined ? {} : { id: named }),
    ...(release === undefined ? {} : { release: await context.api.releaseId(release) }),
    ...(flag === undefined ? {} : { flag }),
  })
  const first = answers.find(({ answer }) => answer !== null)?.answer
  if (first == null) throw answers[0]?.problem ?? new Error('no instance')
  const instances = answers.map(({ url, answer, problem }) => ({
    url,
    ok: answer !== null,
    ...(problem?.failure == null ? {} : { problem: inLanguage(context.language, problem.failure.message) }),
  }))
  const data = { ...sumOf(first, answers), instances }
  print(context, data, () => linesOf(context, stop, data))
}

/**
 * An instance with the database knows the SDKs of all; the one that waited longest knows best. Without the database each
 * knows those connected to it, so the figures add up.
 */
function sumOf(first: EmergencyResult, answers: readonly Answer<EmergencyResult>[]): EmergencyResult {
  const all = answers.flatMap(({ answer }) => answer ?? [])
  const [best] = all
    .filter(({ stored }) => stored === 'database')
    .toSorted((one, other) => other.acknowledged - one.acknowledged)
  if (best !== undefined) return best
  const sum = (of: (result: EmergencyResult) => number): number => all.reduce((total, result) => total + of(result), 0)
  return {
    ...first,
    acknowledged: sum(result => result.acknowledged),
    connected: sum(result => result.connected),
    silent: all.flatMap(result => result.silent),
  }
}

interface Shown extends EmergencyResult {
  readonly instances: readonly { readonly url: string; readonly problem?: string }[]
}

function linesOf(
  context: Context,
  isStop: boolean,
  { stopped, stops, acknowledged, connected, silent, warning, instances }: Shown,
): readonly string[] {
  const state = stateOf(context, isStop, stopped)
  return [
    say(
      context,
      `${state}: ${acknowledged} of ${connected} connected SDKs have it`,
      `${state}: つながっている SDK ${connected} 個のうち ${acknowledged} 個が受け取りました`,
    ),
    ...silent.map(({ name, sdk }) => `  ${say(context, 'silent', '応答なし')}: ${name} (${sdk})`),
    ...stops.map(({ target }) => `  ${say(context, 'stop in force', '有効な停止')}: ${target}`),
    ...(warning == null ? [] : [`  ${warning}`]),
    ...instances.flatMap(({ problem }) => (problem === undefined ? [] : [`  ${problem}`])),
  ]
}

/** What holds now, which may be more than what was asked for. */
function stateOf(context: Context, isStop: boolean, stopped: boolean): string {
  if (isStop && stopped) return say(context, 'stopped', '停止しました')
  if (isStop) return say(context, 'stopped, and lifted meanwhile', '停止しましたが、その間に解除されました')
  return stopped
    ? say(context, 'cleared, but other stops are in force', '解除しましたが、ほかの停止が有効です')
    : say(context, 'cleared', '解除しました')
}

function noSuchAction(action: string): CommandEnd {
  return misused(
    {
      cannot: `do "${action}" in an emergency`,
      found: 'another word',
      expected: '"stop", "clear" or "list"',
      next: 'Give one of them.',
    },
    {
      cannot: `緊急時に "${action}" はできません`,
      found: '別の語です',
      expected: '"stop"、"clear"、"list" のいずれか',
      next: 'いずれかを指定してください。',
    },
  )
}

function noReason(action: string): CommandEnd {
  return misused(
    { cannot: `${action}`, found: 'no reason', expected: 'one for the record', next: 'Add --why "REASON".' },
    {
      cannot: `${action} を実行できません`,
      found: '理由がありません',
      expected: '記録に残す理由',
      next: '--why "理由" を付けてください。',
    },
  )
}
