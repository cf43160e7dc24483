import type { Command } from 'commander'
import { type AddCommand, withPlace } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

/** `dankai experiments …`: what variants of a flag do to what users do. */
export function addExperimentCommands(
  addToRoot: AddCommand,
  under: (parent: Command) => AddCommand,
  context: Context,
): void {
  const group = addToRoot('experiments', 'compare the variants of flags', 'フラグの種類どうしを比べる').helpCommand(
    false,
  )
  const inGroup = under(group)
  const text = (en: string, ja: string): string => say(context, en, ja)
  const add: AddCommand = (usage, en, ja) => withPlace(inGroup(usage, en, ja), context)

  add('list', 'list experiments', '実験を並べる').action(async options =>
    (await import('../flags/experiments.ts')).listExperiments(context, options),
  )
  add('results <flag>', 'what an experiment has shown; look at any time', '実験の結果。いつ見てもよい')
    .option('--event <name>', text('only what users did under this name', 'この名前の行動だけ'))
    .option(
      '--control <variant>',
      text('the variant others are compared with; default: the off variant', '比べる相手の種類。省くと切のときの種類'),
    )
    .action(async (flag: string, options) =>
      (await import('../flags/experiments.ts')).showResults(context, flag, options),
    )
}
