/** Flag sets of the applied plans: each is a complete replacement, so that one applied by hand leaves nothing behind. */
import type { flagSetResultSchema, planFlagSetsSchema } from '@dankai/contract'
import { answeredNo, type CommandEnd, misused, refused } from '../command-end.ts'
import { type Context, print, say } from '../context.ts'
import { readPercent } from './change-flag.ts'
import { queryOf, readAll, type ScopeOptions } from './flag-api.ts'
import { alignColumns } from './flag-lines.ts'

type PlanSets = ReturnType<typeof planFlagSetsSchema.parse>
type Values = PlanSets['sets'][number]['values']
type Result = ReturnType<typeof flagSetResultSchema.parse>

export async function listFlagSets(context: Context, plan: string | undefined, scope: ScopeOptions): Promise<void> {
  const items =
    plan === undefined ? await readAll<PlanSets>(context, '/v1/flag-sets', scope) : [await setsOf(context, plan, scope)]
  const hasNone = items.every(({ sets, problem }) => sets.length === 0 && problem === null)
  print(context, { items }, () =>
    hasNone
      ? [say(context, 'No applied plan has a flag set.', 'フラグの組を持つ適用済みの計画はありません。')]
      : [
          ...items.flatMap(one => setLines(context, one)),
          say(
            context,
            '- : not named, so a set that is applied switches it off',
            '- : 組に無いので、その組を適用すると切れる',
          ),
        ],
  )
}

const setsOf = (context: Context, plan: string, scope: ScopeOptions): Promise<PlanSets> =>
  context.api.get<PlanSets>(`/v1/flag-sets/${encodeURIComponent(plan)}${queryOf(scope)}`)

function setLines(context: Context, { plan, universe, sets, problem }: PlanSets): readonly string[] {
  if (problem !== null) return [plan, `  ${problem}`]
  return [
    plan,
    ...alignColumns([
      [`  ${say(context, 'flag', 'フラグ')}`, ...sets.map(({ name }) => name)],
      ...universe.map(key => [`  ${key}`, ...sets.map(({ values }) => shown(values[key]))]),
    ]),
  ]
}

const shown = (value: Values[string] | undefined): string => (value === undefined ? '-' : String(value))

export interface ApplySetOptions extends ScopeOptions {
  readonly exposure?: string
  readonly why?: string
  readonly breakGlass?: boolean
}

/** The answer is no when a flag could not be set; the others are. */
export async function applyFlagSet(
  context: Context,
  plan: string,
  name: string,
  options: ApplySetOptions,
): Promise<void> {
  const share = options.exposure === undefined ? null : readPercent(options.exposure)
  const { universe, sets, problem } = await setsOf(context, plan, options)
  if (problem !== null) throw unreadable(plan, problem)
  const set = sets.find(one => one.name === name)
  if (set === undefined)
    throw unknownSet(
      plan,
      name,
      sets.map(one => one.name),
    )
  const body = {
    values: valuesAt(name, set.values, share),
    universe,
    breakGlass: options.breakGlass ?? false,
    why: options.why || `flag set ${plan}/${name}`,
  }
  const result = await context.api.put<Result>(`/v1/flag-sets/apply${queryOf(options)}`, body)
  print(context, result, () => resultLines(context, `${plan}/${name}`, result))
  if (result.refused.length > 0) throw answeredNo()
}

/** A release puts its own percentage where a set says `exposure`. */
function valuesAt(set: string, values: Values, share: number | null): Values {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      if (value !== 'exposure') return [key, value]
      if (share === null) throw noExposure(set, key)
      return [key, Number((share * 100).toFixed(6))]
    }),
  )
}

function resultLines(context: Context, set: string, { changed, unchanged, refused: not }: Result): readonly string[] {
  return [
    ...changed.map(key => `  ${say(context, 'changed', '変更')}: ${key}`),
    ...not.map(({ key, why }) => `  ${say(context, 'not set', '設定できません')}: ${key}: ${why}`),
    say(
      context,
      `${set}: changed ${changed.length}, unchanged ${unchanged.length}, not set ${not.length}`,
      `${set}: 変更 ${changed.length}、同じ ${unchanged.length}、設定できないもの ${not.length}`,
    ),
  ]
}

function unknownSet(plan: string, name: string, known: readonly string[]): CommandEnd {
  const there = known.length === 0 ? null : known.join(', ')
  return refused(
    'not-found',
    {
      cannot: `apply flag set "${name}" of plan "${plan}"`,
      found: 'no such set',
      expected: there === null ? 'a plan with sets' : `one of ${there}`,
      next: 'See them: dankai flags sets.',
    },
    {
      cannot: `計画 "${plan}" のフラグの組 "${name}" を適用できません`,
      found: 'その組はありません',
      expected: there === null ? '組を持つ計画' : `${there} のどれか`,
      next: 'dankai flags sets で見られます。',
    },
  )
}

function unreadable(plan: string, problem: string): CommandEnd {
  return refused(
    'invalid',
    {
      cannot: `read the flag sets of plan "${plan}"`,
      found: `"${problem}"`,
      expected: 'a plan that is right',
      next: 'Apply it again.',
    },
    {
      cannot: `計画 "${plan}" のフラグの組を読めません`,
      found: `「${problem}」があります`,
      expected: '正しい計画',
      next: 'もう一度適用してください。',
    },
  )
}

function noExposure(set: string, key: string): CommandEnd {
  return misused(
    {
      cannot: `apply flag set "${set}"`,
      found: `that ${key} follows the exposure of a release`,
      expected: 'a percentage to put there',
      next: 'Give --exposure 25%.',
    },
    {
      cannot: `フラグの組 "${set}" を適用できません`,
      found: `${key} はリリースの公開割合に従います`,
      expected: 'そこに置く割合',
      next: '--exposure 25% のように指定してください。',
    },
  )
}
