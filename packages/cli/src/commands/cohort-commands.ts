import type { Command } from 'commander'
import { type AddCommand, collect, wholeNumber, withPlace } from '../command-parts.ts'
import { type Context, say } from '../context.ts'

/** `dankai cohort …`: who is in, and why. */
export function addCohortCommands(
  addToRoot: AddCommand,
  under: (parent: Command) => AddCommand,
  context: Context,
): void {
  const group = addToRoot('cohort', 'who is in, and why', '誰が入り、それはなぜか').helpCommand(false)
  const add = under(group)
  const text = (en: string, ja: string): string => say(context, en, ja)

  withPlace(add('explain <user>', 'why a user is in or out of flags', '利用者がフラグに入る、入らないわけ'), context)
    .option('--flag <key>', text('only this flag, step by step', 'このフラグだけを一歩ずつ'))
    .option(
      '--attribute <name=value>',
      text('what is known of the user; may be given several times', '利用者について分かること。何度でも'),
      collect,
      [],
    )
    .action(async (user: string, options) => (await import('../flags/cohort.ts')).explainCohort(context, user, options))

  add('preview', 'what a sample with quotas comes to', '割当てのある標本の見積り')
    .requiredOption('--share <percent>', text('share of everybody', '全体に対する割合'))
    .option(
      '--quota <attribute:value=percent,…>',
      text('what the sample shall consist of; several are independent', '標本の内訳。複数は互いに独立'),
      collect,
      [],
    )
    .option(
      '--population <attribute:value=percent,…>',
      text('what the people consist of', '利用者全体の内訳'),
      collect,
      [],
    )
    .option('--rest <value>', text('stands for every other value', '他の全ての値を表す'), 'その他')
    .option('--size <number>', text('how many people there are', '全体の人数'), wholeNumber)
    .action(async options => (await import('../flags/cohort.ts')).previewCohort(context, options))
}
