/**
 * What an experiment has shown, as lines for people.
 *
 * 1. What keeps the results from being read as they stand comes before them.
 * 2. Intervals hold all together and at any time, so they are shown as they are; "undecided" is an answer.
 */
import type { experimentSchema } from '@dankai/contract'
import { type Context, say } from '../context.ts'
import { alignColumns, percent } from './flag-lines.ts'

export type Experiment = ReturnType<typeof experimentSchema.parse>
type Outcome = Experiment['outcomes'][number]
type Group = Outcome['variants'][number]
type Interval = Group['rateDifference']

export function resultLines(context: Context, experiment: Experiment): readonly string[] {
  return [
    headLine(context, experiment),
    ...warningLines(context, experiment),
    ...variantLines(context, experiment),
    `${say(context, 'sample ratio', '割当ての比')}: ${ratioText(context, experiment)}`,
    ...experiment.outcomes.flatMap(outcome => outcomeLines(context, experiment, outcome)),
    ...(experiment.more
      ? [say(context, '… and more events; name one with --event', '… 他にもあります。--event で指定してください')]
      : []),
  ]
}

function headLine(context: Context, { flag, running, startedAt, endedAt, control, variants }: Experiment): string {
  const day = (at: number): string => new Date(at).toISOString()
  const users = variants.reduce((sum, one) => sum + one.users, 0)
  const state = running
    ? say(context, 'running', '実施中')
    : endedAt === null
      ? say(context, 'off', '停止')
      : say(context, `ended ${day(endedAt)}`, `${day(endedAt)} に終了`)
  const since =
    startedAt === null ? '' : say(context, `, first user ${day(startedAt)}`, `、最初の利用者 ${day(startedAt)}`)
  return say(
    context,
    `${flag}: ${state}${since}, ${users} users, compared with ${control}`,
    `${flag}: ${state}${since}、利用者 ${users} 人、比べる相手は ${control}`,
  )
}

function warningLines(
  context: Context,
  { sampleRatio, sharesChangedAt, variants, control }: Experiment,
): readonly string[] {
  const switched = variants.reduce((sum, one) => sum + one.switched, 0)
  const warnings = [
    sharesChangedAt === null
      ? null
      : say(
          context,
          `the shares were changed after the first user, at ${new Date(sharesChangedAt).toISOString()}: begin a new experiment under another key`,
          `最初の利用者のあと ${new Date(sharesChangedAt).toISOString()} に比が変わりました。別の名前で新しい実験を始めてください`,
        ),
    sampleRatio.state === 'uneven'
      ? say(
          context,
          'do not read the results: find out first why some variant loses users',
          '結果を読まないでください。まず、なぜ一部の種類で利用者が減るのかを調べてください',
        )
      : null,
    variants.length === 0
      ? say(
          context,
          'this flag is no experiment: it has no split, and nobody was exposed to it',
          'このフラグは実験ではありません: 分割がなく、公開された利用者もいません',
        )
      : null,
    variants.length === 0 || variants.some(({ variant }) => variant === control)
      ? null
      : say(
          context,
          `nobody is compared: the control "${control}" is no variant of the experiment`,
          `比べられません: 相手の "${control}" は実験の種類ではありません`,
        ),
    switched === 0
      ? null
      : say(
          context,
          `${switched} users were given more than one variant and are left out`,
          `${switched} 人は複数の種類を見たので除いてあります`,
        ),
  ]
  return warnings.flatMap(warning => (warning === null ? [] : [`! ${warning}`]))
}

function variantLines(context: Context, { variants, control }: Experiment): readonly string[] {
  const all = variants.reduce((sum, one) => sum + one.users, 0)
  const word = (en: string, ja: string): string => say(context, en, ja)
  return alignColumns([
    [`  ${word('variant', '種類')}`, word('users', '利用者'), word('got', '実際'), word('should get', '予定')],
    ...variants.map(({ variant, users, share }) => [
      `  ${variant}${variant === control ? word(' (control)', ' (比べる相手)') : ''}`,
      String(users),
      all === 0 ? '-' : percentShort(users / all),
      share === null ? '-' : percent(share),
    ]),
  ])
}

function ratioText(context: Context, { sampleRatio: { state, logEvidence, logThreshold } }: Experiment): string {
  if (state === 'unknown') return say(context, 'not known', '不明')
  const verdict =
    state === 'even' ? say(context, 'as it should be', '予定どおり') : say(context, 'NOT as it should be', '予定と違う')
  const found = logEvidence === null ? '∞' : evidenceText(logEvidence)
  const threshold = logThreshold === null ? '-' : evidenceText(logThreshold)
  return say(
    context,
    `${verdict} (e-value ${found}, alarm from ${threshold})`,
    `${verdict} (e 値 ${found}、警報は ${threshold} から)`,
  )
}

/** Evidence multiplies with every user, so it is soon larger than numbers that people read. */
function evidenceText(logarithm: number): string {
  const magnitude = logarithm / Math.LN10
  return Math.abs(magnitude) > 6 ? `10^${Math.round(magnitude)}` : String(Number(Math.exp(logarithm).toPrecision(2)))
}

function outcomeLines(
  context: Context,
  { control, alpha }: Experiment,
  { event, variants }: Outcome,
): readonly string[] {
  const word = (en: string, ja: string): string => say(context, en, ja)
  const sure = percentShort(1 - alpha)
  const difference = word(`difference (${sure} interval)`, `差 (${sure} 区間)`)
  return [
    event,
    ...alignColumns([
      [`  ${word('variant', '種類')}`, word('did it', '行った人'), difference, word('mean', '平均'), difference],
      ...variants.map(group => [
        `  ${group.variant}`,
        rateText(group),
        group.variant === control ? '' : intervalText(context, group.rateDifference, inPoints, ' pp'),
        group.mean === null ? '-' : plain(group.mean),
        group.variant === control ? '' : intervalText(context, group.meanDifference, signed),
      ]),
    ]),
  ]
}

const rateText = ({ converted, users, rate }: Group): string =>
  rate === null ? '-' : `${converted} / ${users} = ${percentShort(rate)}`

function intervalText(context: Context, interval: Interval, form: (difference: number) => string, unit = ''): string {
  if (interval === null) return say(context, 'too few users', '利用者が足りない')
  const { estimate, low, high, verdict } = interval
  const words = {
    higher: say(context, 'higher', '高い'),
    lower: say(context, 'lower', '低い'),
    undecided: say(context, 'undecided', '未定'),
  }
  return `${form(estimate)} (${form(low)} … ${form(high)})${unit} ${words[verdict]}`
}

const percentShort = (share: number): string => `${Number((share * 100).toFixed(1))}%`
const plain = (value: number): string => String(Number(value.toPrecision(4)))
const signed = (value: number): string => `${value > 0 ? '+' : ''}${plain(value)}`
const inPoints = (value: number): string => `${value > 0 ? '+' : ''}${Number((value * 100).toFixed(2))}`
