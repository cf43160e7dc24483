/** Commands of experiments: which there are, and what each has shown. */
import { type Context, print, say } from '../context.ts'
import { type Experiment, resultLines } from './experiment-lines.ts'
import { type FlagView, queryOf, readAll, type ScopeOptions } from './flag-api.ts'
import { alignColumns, serveText } from './flag-lines.ts'

/** Flags of that kind, and others in which some split is an experiment. */
export async function listExperiments(context: Context, scope: ScopeOptions): Promise<void> {
  const items = (await readAll<FlagView>(context, '/v1/flags', scope)).filter(isExperiment)
  print(context, { items }, () =>
    items.length === 0
      ? [
          say(
            context,
            'No experiment. Make one with "dankai flags set KEY --kind experiment".',
            '実験はありません。"dankai flags set KEY --kind experiment" で作ります。',
          ),
        ]
      : alignColumns(
          items.map(view => [view.flag.key, stateOf(context, view), splitText(view), view.care.owner ?? '-']),
        ),
  )
}

const servesOf = ({ flag }: FlagView) => [...flag.rules.map(({ serve }) => serve), flag.otherwise]

function isExperiment(view: FlagView): boolean {
  return view.flag.kind === 'experiment' || servesOf(view).some(serve => 'split' in serve && serve.experiment)
}

function stateOf(context: Context, { flag, care }: FlagView): string {
  if (care.experimentEndedAt !== null) return say(context, 'ended', '終了')
  return flag.on && !flag.killed ? say(context, 'running', '実施中') : say(context, 'off', '停止')
}

function splitText(view: FlagView): string {
  const splits = servesOf(view).filter(serve => 'split' in serve)
  return splits.length === 0 ? Object.keys(view.flag.variants).join(' / ') : splits.map(serveText).join('; ')
}

export interface ResultOptions extends ScopeOptions {
  readonly event?: string
  readonly control?: string
}

export async function showResults(
  context: Context,
  flag: string,
  { event, control, ...scope }: ResultOptions,
): Promise<void> {
  const more = { ...(event === undefined ? {} : { event }), ...(control === undefined ? {} : { control }) }
  const path = `/v1/experiments/${encodeURIComponent(flag)}${queryOf(scope, more)}`
  const experiment = await context.api.get<Experiment>(path)
  print(context, experiment, () => resultLines(context, experiment))
}
