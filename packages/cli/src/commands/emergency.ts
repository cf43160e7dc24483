import { randomUUID } from 'node:crypto'
import type { EmergencyResult } from '@dankai/contract'
import type { Answer } from '../api.ts'
import { misused } from '../command-end.ts'
import { type Context, inLanguage, print, say } from '../context.ts'

export interface EmergencyCommandOptions {
  readonly why: string
  readonly release?: string
  readonly flag?: string
}

/**
 * Posts to every instance of DANKAI_URL at once, as one stop by its id: each acts for the SDKs that are connected to it,
 * also while the database is away. One that answers is enough; those that do not are named.
 */
export async function stopEverything(
  context: Context,
  action: string,
  { why, release, flag }: EmergencyCommandOptions,
): Promise<void> {
  const stop = stopOf(action)
  const answers = await context.api.everyInstance<EmergencyResult>('/v1/emergency', {
    stop,
    why,
    ...(stop ? { id: randomUUID() } : {}),
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

function stopOf(action: string): boolean {
  if (action === 'stop' || action === 'clear') return action === 'stop'
  throw misused(
    {
      cannot: `do "${action}" in an emergency`,
      found: 'another word',
      expected: '"stop" or "clear"',
      next: 'Give one of them.',
    },
    {
      cannot: `緊急時に "${action}" はできません`,
      found: '別の語です',
      expected: '"stop" か "clear"',
      next: 'どちらかを指定してください。',
    },
  )
}
